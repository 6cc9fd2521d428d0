"""The access log: one line for any request, in which no secret stands, however it is spelled."""

import io
import json
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.clocks import FixedClock
from helpers.patience import PATIENCE
from helpers.shells import AsWsgi
from werkzeug.test import Client

from crmcom_kit.mock_server.api import dispatch
from crmcom_kit.mock_server.http.access_log import AccessLog, Line
from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH

NOON = datetime(2016, 5, 4, 12, tzinfo=UTC)
SHOW = f"{API_PATH}/webhook_requests/show"


class Terminal(io.StringIO):
    """A stream to which lines are written at once."""

    def isatty(self) -> bool:
        return True


class Logged:
    """A mock behind a server that writes a log, and what it has written."""

    def __init__(self, mock: Any, form: Any = "human") -> None:
        self.mock, self._out = mock, Terminal()
        log = AccessLog(self._out, form=form, clock=FixedClock(NOON))
        self.client = Client(AsWsgi(AsgiShell(WorldRegistry(mock.world), log=log)))

    def ask(self, verb: str, url: str, **more: Any) -> Any:
        return self.client.open(url, method=verb, buffered=True, **more)

    @property
    def lines(self) -> list[str]:
        """The lines that it has written, which are whole."""
        *whole, rest = self._out.getvalue().split("\n")
        assert rest == ""
        return whole

    @property
    def entries(self) -> list[Any]:
        """The same in JSON form."""
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def human(make_mock: Any) -> Logged:
    return Logged(make_mock("R10", clock=FixedClock(NOON)))


@pytest.fixture
def in_json(make_mock: Any) -> Logged:
    return Logged(make_mock(clock=FixedClock(NOON)), "json")


def test_a_request_in_which_the_mock_fails_has_a_line(
    human: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the status that the client gets, and why."""
    monkeypatch.setattr(dispatch, "show", lambda *_: 1 // 0)
    response = human.ask("GET", f"{SHOW}?webhook_request_identifier=number=7&token=T")
    assert response.status_code == 500
    assert " 500 " in human.lines[0]
    assert "(internal error: ZeroDivisionError(" in human.lines[0]


def test_a_request_is_a_line(human: Logged) -> None:
    """A line has time, client, verb, target, status, bytes and duration; its end is near."""
    url = f"{SHOW}?webhook_request_identifier=number=7&token=T"
    response = human.ask("GET", url, environ_overrides={"REMOTE_ADDR": "127.0.0.1"})
    human.ask("GET", f"{SHOW}?entity_id={'x' * 100_000}")

    line, long = human.lines
    start = f"2016-05-04T12:00:00.000+00:00 127.0.0.1 GET {url.replace('=T', '=***')} 200 "
    assert line.startswith(f"{start}{len(response.data)}B ")
    assert line.endswith("ms #0-1")
    assert len(long) < 2_200


def test_a_line_may_be_json(in_json: Logged) -> None:
    """In JSON form each line is one object with the same facts; the API's have their trace."""
    calls = ("GET", f"{SHOW}?token=T"), ("BREW", "/x?a=b"), ("POST", "/__admin/reset")
    responses = [in_json.ask(verb, url) for verb, url in calls]
    in_json.ask("GET", f"{API_PATH}/x")

    entries = in_json.entries
    members = {"time", "client", "verb", "target", "status", "bytes", "seconds", "statement"}
    assert all(members | {"warnings"} <= set(entry) for entry in entries)
    assert [entry["verb"] for entry in entries] == ["GET", "BREW", "POST", "GET"]
    assert [entry["status"] for entry in entries] == [200, 404, 200, 200]
    assert [entry.get("trace_id") for entry in entries] == ["0-1", None, None, "1-1"]
    assert entries[0]["statement"] == "parameters.mandatory"
    assert entries[0]["target"] == f"{SHOW}?token=***"
    assert entries[2]["bytes"] == len(responses[2].data)
    assert in_json.ask("GET", "/__admin/requests/1-1").json["url"] == f"{API_PATH}/x"


def test_what_the_console_reads_has_no_line(in_json: Logged) -> None:
    """Its files and its readings would hide the rest; what it changes or is refused has a line."""
    own = {"Sec-Fetch-Site": "same-origin"}
    in_json.ask("GET", "/worlds/w/console/app.js", headers=own)
    in_json.ask("GET", "/__admin/faults", headers=own)
    logged = [("GET", "/console/nothing.js"), ("DELETE", "/__admin/faults"), ("GET", SHOW)]
    for verb, url in logged:
        in_json.ask(verb, url, headers=own)
    in_json.ask("GET", "/__admin/faults")

    requests = [(entry["verb"], entry["target"]) for entry in in_json.entries]
    assert requests == [*logged, ("GET", "/__admin/faults")]


@pytest.mark.parametrize(("root", "ended"), [("", False), ("/worlds/w", True)])
def test_a_token_of_the_world_is_redacted_wherever_it_stands(
    human: Logged, root: str, *, ended: bool
) -> None:
    """What a login gave out is a secret under any name, in a path, and in a world of its own."""
    token = human.ask("POST", f"{root}/__admin/tokens").json["token"]
    if ended:
        release = f"{root}{API_PATH}/authentication/token/release"
        human.ask("POST", release, json={"token": token})
    human.ask("GET", f"{root}{SHOW}?a=1&x=-{token}-&b=number=7")
    human.ask("GET", f"{root}{API_PATH}/show/{token}")
    human.ask("POST", f"/__admin/reset?x={human.mock.world.config.credentials.api_key}")

    *_, asked, path, reset = human.lines
    assert f"{root}{SHOW}?a=1&x=-***-&b=number=7 " in asked
    assert f"{root}{API_PATH}/show/*** " in path
    assert "/__admin/reset?x=*** " in reset


FORGED = ["\r\nFORGED", "\n", "\x1b[2J\x1b[31m", "\x00", "\x85\u2028", "\x7f", "\xff", "\t"]


@pytest.mark.parametrize("form", ["human", "in_json"])
def test_no_request_can_forge_a_line(request: pytest.FixtureRequest, form: str) -> None:
    """Line breaks and escape sequences in path, query and verb come out as plain characters."""
    logged: Logged = request.getfixturevalue(form)
    for forged in FORGED:
        raw = forged.encode().decode("latin-1")
        target = {"PATH_INFO": f"/x{raw}", "QUERY_STRING": f"q={raw}"}
        overrides = {**target, "REQUEST_METHOD": f"G{raw}"}
        logged.ask("GET", "/", environ_overrides=overrides)

    assert len(logged.lines) == len(FORGED)
    for line in logged.lines:
        assert line.isascii()
        assert line.isprintable()


def line_of(world: Any, target: str) -> Line:
    """A line's facts."""
    path, _, query = target.partition("?")
    return Line(world, "127.0.0.1", "GET", path, query, 200, 5, 0.0012)


def test_lines_are_written_in_batches(make_mock: Any) -> None:
    """A request does not wait for the file: the line is written soon, or when flushed."""
    writes: list[str] = []
    written = threading.Event()

    class File(io.StringIO):
        def flush(self) -> None:
            writes.append(self.getvalue())
            written.set()

    world = make_mock().world
    log = AccessLog(File(), form="human", clock=FixedClock(NOON))
    for at in range(50):
        log.add(line_of(world, f"/x{at}"))

    assert written.wait(PATIENCE)
    log.flush()
    assert len(writes) < 10
    seen = [line.split()[3] for line in writes[-1].splitlines()]
    assert seen == [f"/x{at}" for at in range(50)]


def test_a_token_is_redacted_though_the_world_forgets_it(make_mock: Any) -> None:
    """A reset between a request and the writing of its line brings no secret to light."""
    mock, out = make_mock("R10", clock=FixedClock(NOON)), io.StringIO()
    log = AccessLog(out, form="human", clock=FixedClock(NOON))
    token = mock.login().data["token"]

    log.add(line_of(mock.world, f"/x?tokn={token}")._replace(fault=f"for {token}"))
    mock.world.reset()
    log.flush()

    assert "tokn=***" in out.getvalue()
    assert "for ***" in out.getvalue()
