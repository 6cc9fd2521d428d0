"""The access log: one line for any request, in which no secret stands, however it is spelled."""

import io
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.clocks import FixedClock
from helpers.shells import AsWsgi
from werkzeug.test import Client

from crmcom_kit.mock_server.http.access_log import AccessLog, Line
from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH

NOON = datetime(2016, 5, 4, 12, tzinfo=UTC)
SHOW = f"{API_PATH}/webhook_requests/show"
SECRET = "hunter2"
SECRET_PARTS = [
    "token={}",
    "%2574oken={}",
    "entity=JOBS%2526token%253D{}",
    "url=http://x/?token={}",
]


class Terminal(io.StringIO):
    """A stream to which lines are written at once."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def client_of(world: Any, out: Any, form: Any = "human", app: Any = None) -> Client:
    """A client of a server of ``world``, or of its worlds, that writes a log."""
    registry = world if isinstance(world, WorldRegistry) else WorldRegistry(world)
    log = AccessLog(out, form=form, clock=FixedClock(NOON))
    make_app = None if app is None else lambda: app
    return Client(AsWsgi(AsgiShell(registry, log=log, make_app=make_app)))


@pytest.fixture
def logged(make_mock: Any) -> Callable[..., tuple[list[str], Any]]:
    """Send requests through an access log; return its lines and the last answer."""

    def send(*calls: tuple[str, str], form: str = "human", **more: Any) -> tuple[list[str], Any]:
        out = Terminal()
        mock = make_mock(clock=FixedClock(NOON))
        client, answer = client_of(mock.world, out, form), None
        for verb, url in calls:
            answer = client.open(url, method=verb, buffered=True, **more)
        text = out.getvalue()
        assert text == "" or text.endswith("\n")
        return text.split("\n")[:-1], answer

    return send


def test_a_request_is_a_line(logged: Any) -> None:
    """A line has time, client, verb, target, status, bytes and duration."""
    url = f"{SHOW}?webhook_request_identifier=number=7&token=T"

    (line,), answer = logged(("GET", url), environ_overrides={"REMOTE_ADDR": "127.0.0.1"})

    start = f"2016-05-04T12:00:00.000+00:00 127.0.0.1 GET {url.replace('=T', '=***')} 200 "
    assert line.startswith(f"{start}{len(answer.data)}B ")
    assert line.endswith("ms #0-1")


def test_a_line_may_be_json(logged: Any) -> None:
    """In JSON form each line is one object with the same facts."""
    calls = [("GET", f"{SHOW}?token=T"), ("BREW", "/x?a=b"), ("POST", "/__admin/reset")]

    lines, answer = logged(*calls, form="json")

    entries = [json.loads(line) for line in lines]
    members = {"time", "client", "verb", "target", "status", "bytes", "seconds", "statement"}
    members.add("warnings")
    assert all(members <= set(entry) for entry in entries)
    assert [entry["verb"] for entry in entries] == ["GET", "BREW", "POST"]
    assert [entry["status"] for entry in entries] == [200, 404, 200]
    assert entries[0]["statement"] == "parameters.mandatory"
    assert entries[0]["target"] == f"{SHOW}?token=***"
    assert entries[2]["bytes"] == len(answer.data)


def test_a_request_of_the_api_has_the_id_of_its_trace(make_mock: Any) -> None:
    """The control API knows the entry of the journal by it; other requests have none."""
    out = Terminal()
    client = client_of(make_mock().world, out, "json")
    for url in (f"{SHOW}?token=T", "/docs", f"{API_PATH}/x", "/__admin/health"):
        client.get(url, buffered=True)

    entries = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [entry.get("trace_id") for entry in entries] == ["0-1", None, "0-2", None]
    found: Any = client.get("/__admin/requests/0-1", buffered=True)
    assert found.json["trace"][0]["statement"] == entries[0]["statement"]
    other: Any = client.get("/__admin/requests/0-2", buffered=True)
    assert other.json["url"] == f"{API_PATH}/x"


def test_what_the_console_reads_has_no_line(make_mock: Any) -> None:
    """Its files and its readings would hide the rest; what it changes or is refused has a line."""
    out = Terminal()
    client = client_of(make_mock().world, out, "json")
    own = {"Sec-Fetch-Site": "same-origin"}
    for verb, url, headers in (
        ("GET", "/worlds/w/console/app.js", own),
        ("GET", "/__admin/faults", own),
        ("GET", "/console/nothing.js", own),
        ("DELETE", "/__admin/faults", own),
        ("GET", f"{SHOW}?token=T", own),
        ("GET", "/__admin/faults", {}),
    ):
        client.open(url, method=verb, headers=headers, buffered=True)

    seen = [json.loads(line) for line in out.getvalue().splitlines()]
    found = [(one["verb"], one["target"].partition("?")[0]) for one in seen]
    assert found == [
        ("GET", "/console/nothing.js"),
        ("DELETE", "/__admin/faults"),
        ("GET", SHOW),
        ("GET", "/__admin/faults"),
    ]


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_secret_in_a_query_is_masked(logged: Any, form: str) -> None:
    """In both forms, also where its name is encoded."""
    calls = [("GET", f"{SHOW}?a=1&{part.format(SECRET)}&entity=JOBS") for part in SECRET_PARTS]

    lines, _ = logged(*calls, form=form)

    for line in lines:
        assert SECRET not in line
        assert "***" in line
        assert "a=1&" in line
        assert "&entity=JOBS" in line


def test_the_name_of_a_fault_shows_no_token(make_mock: Any) -> None:
    """A fault that is named after a token does not write it into the log."""
    token = "Known-Ticket-0123456"
    out, mock = Terminal(), make_mock()
    mock.world.hide(token)
    mock.world.faults.add({"name": f"for {token}", "effect": {"status": 503}})
    client_of(mock.world, out).get(SHOW, buffered=True)

    assert "fault-1 (for ***)" in out.getvalue()


@pytest.mark.parametrize("ended", [False, True])
def test_a_token_of_the_world_is_masked_wherever_it_stands(
    make_mock: Any,
    ended: bool,  # noqa: FBT001 - a test's parameter
) -> None:
    """What a login gave out is a secret under any name, in a path, and in a world of its own."""
    mock, out = make_mock("R10", clock=FixedClock(NOON)), Terminal()
    client, tokens = client_of(mock.world, out), []
    right = mock.world.config.credentials
    body = {key: getattr(right, key) for key in ("username", "password", "organisation")}
    spellings = ("tokn={}", "x={}", "x=-{}-", "entity=a:{}", "{}=", "{}")
    for root in ("", "/worlds/w", "/worlds/other"):
        login = f"{root}{API_PATH}/authentication/token"
        token = client.post(login, json=body, buffered=True).json["data"]["token"]  # type: ignore[index]
        if ended:
            client.post(f"{login}/release", json={"token": token}, buffered=True)
        for spelling in spellings:
            written = spelling.format(token)
            client.get(f"{root}{SHOW}?a=1&{written}&b=number=7", buffered=True)
            client.get(f"{root}{API_PATH}/show/{written}", buffered=True)
        tokens.append(token)
    client.post("/__admin/reset", query_string=f"x={right.api_key}", buffered=True)

    text = out.getvalue()
    assert all(token not in text for token in (*tokens, right.api_key))
    assert text.count("?a=1&") == text.count("&b=number=7 ") == 3 * len(spellings)


@pytest.mark.parametrize("form", ["human", "json"])
@pytest.mark.parametrize(
    "forged",
    ["\r\nFORGED", "\n", "\x1b[2J\x1b[31m", "\x00", "\x85\u2028", "\x7f", "Ω", "\xff", "\t"],
)
def test_nobody_can_forge_a_line(logged: Any, forged: str, form: str) -> None:
    """Line breaks and escape sequences in path, query and verb come out as plain characters."""
    raw = forged.encode().decode("latin-1")
    overrides = {"PATH_INFO": f"/x{raw}", "QUERY_STRING": f"q={raw}", "REQUEST_METHOD": f"G{raw}"}

    (line,), _ = logged(("GET", "/"), form=form, environ_overrides=overrides)

    assert line.isascii()
    assert line.isprintable()


def test_a_line_has_an_end(logged: Any) -> None:
    """A request of any length has a line of limited length."""
    (line,), _ = logged(("GET", f"{SHOW}?entity_id={'x' * 100_000}"))

    assert len(line) < 2_200


def entry(world: Any, target: str = "/x", **more: Any) -> Line:
    """A line's facts."""
    path, _, query = target.partition("?")
    return Line(world, "127.0.0.1", "GET", path, query, 200, 5, 0.0012, **more)


def test_lines_are_written_in_batches(make_mock: Any) -> None:
    """A request does not wait for the file: the line is written soon, or when flushed."""
    writes: list[str] = []
    written = threading.Event()

    class File(io.StringIO):
        def write(self, text: str) -> int:
            writes.append(text)
            written.set()
            return len(text)

    world = make_mock().world
    log = AccessLog(File(), form="human", clock=FixedClock(NOON))
    for at in range(50):
        log.add(entry(world, f"/x{at}"))

    assert written.wait(20)
    log.flush()
    assert "".join(writes).count("\n") == 50
    assert len(writes) < 10
    assert [line.split()[3] for line in "".join(writes).splitlines()] == [
        f"/x{at}" for at in range(50)
    ]


def test_a_crash_loses_no_line(tmp_path: Path) -> None:
    """What was added just before the process breaks down is written."""
    path = tmp_path / "log"
    script = f"""
from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.clock import SystemClock
from crmcom_kit.mock_server.http.access_log import AccessLog, Line
from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
log = AccessLog(open({str(path)!r}, "w"), form="human", clock=SystemClock())
log.add(Line(make_world(), "-", "GET", "/last", "", 200, 5, 0.0))
raise RuntimeError
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)

    assert done.returncode == 1
    assert "GET /last 200" in path.read_text("utf-8")


def test_a_token_is_redacted_though_the_world_forgets_it(make_mock: Any) -> None:
    """A reset between a request and the writing of its line brings no secret to light."""
    mock, out = make_mock("R10", clock=FixedClock(NOON)), io.StringIO()
    log = AccessLog(out, form="human", clock=FixedClock(NOON))
    token = mock.login().data["token"]

    log.add(entry(mock.world, f"/x?tokn={token}"))
    mock.world.reset()
    log.flush()

    assert "tokn=***" in out.getvalue()
