"""The access log: one line for any request, in which no secret stands, however it is spelled."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from crmcom_kit.mock_server import create_app
from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.mock_server.http.access_log import AccessLog
from crmcom_kit.mock_server.redaction import is_secret, masked_path, masked_query
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH, methods, resolve

NOON = datetime(2016, 5, 4, 12, tzinfo=UTC)
SHOW = f"{API_PATH}/webhook_requests/show"
SECRET = "hunter2"
SECRET_PARTS = [
    "token={}",
    "TOKEN={}",
    "%74oken={}",
    "%74%6F%6b%65%6e={}",
    "%2574oken={}",
    "+token+={}",
    "token%3D{}",
    "token%253D{}",
    "token%3D{}=x",
    "token={}=",
    "token=a;token={}",
    "password={}",
    "Password={}",
    "pass%77ord={}",
    "api_key={}",
    "api-key={}",
    "apiKey={}",
    "authorization={}",
    "access_token_identifier=id={}",
    "entity=JOBS%26token%3D{}",
    "entity=JOBS%2526token%253D{}",
    "url=http://x/?token={}",
    'x={{"token":"{}"}}',
    "token%5B%5D={}",
    "token.value={}",
]


def log_of(app: Any, mock: Any, out: Any, form: Any = "human") -> AccessLog:
    """A log of what ``app`` answers, which knows the secrets of a mock's world."""
    return AccessLog(app, WorldRegistry(mock.world), out=out, form=form, clock=FixedClock(NOON))


@pytest.fixture
def logged(make_mock: Any) -> Callable[..., tuple[list[str], Any]]:
    """Send requests through an access log; return its lines and the last answer."""

    def send(*calls: tuple[str, str], form: str = "human", **more: Any) -> tuple[list[str], Any]:
        out = io.StringIO()
        mock = make_mock(clock=FixedClock(NOON))
        log = log_of(mock.app, mock, out, form)
        answer = None
        for verb, url in calls:
            answer = Client(log).open(url, method=verb, buffered=True, **more)
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
    assert line.endswith("ms")


def test_a_refused_request_names_its_statement(logged: Any) -> None:
    """The line of an error ends with the statement that it upholds."""
    (line,), _ = logged(("GET", SHOW))

    assert line.endswith("ms token.required")


def test_a_line_may_be_json(logged: Any) -> None:
    """In JSON form each line is one object with the same facts."""
    calls = [("GET", f"{SHOW}?token=T"), ("BREW", "/x?a=b"), ("POST", "/__admin/reset")]

    lines, answer = logged(*calls, form="json")

    entries = [json.loads(line) for line in lines]
    members = {"time", "client", "verb", "target", "status", "bytes", "ms", "statement"}
    members.add("warnings")
    assert all(members <= set(entry) for entry in entries)
    assert [entry["verb"] for entry in entries] == ["GET", "BREW", "POST"]
    assert [entry["status"] for entry in entries] == [200, 404, 200]
    assert entries[0]["statement"] == "show.identifier.mandatory"
    assert entries[0]["target"] == f"{SHOW}?token=***"
    assert entries[2]["bytes"] == len(answer.data)


def test_every_request_has_one_line_in_order(logged: Any) -> None:
    """Twenty requests are twenty lines."""
    lines, _ = logged(*[("GET", f"/x{at}") for at in range(20)])

    assert [line.split()[3] for line in lines] == [f"/x{at}" for at in range(20)]


@pytest.mark.parametrize("form", ["human", "json"])
@pytest.mark.parametrize("part", SECRET_PARTS)
def test_a_secret_in_a_query_is_masked(logged: Any, part: str, form: str) -> None:
    """However a token, password or key is spelled or encoded, its value is not logged."""
    (line,), _ = logged(("GET", f"{SHOW}?a=1&{part.format(SECRET)}&entity=JOBS"), form=form)

    assert SECRET not in line
    assert "***" in line
    assert "a=1&" in line
    assert "&entity=JOBS" in line


@pytest.mark.parametrize(
    "path",
    [
        "/crmapi/rest/v2/token/{}",
        "/crmapi/rest/v2/token={}",
        "/crmapi/rest/v2/token%3D{}",
        "/crmapi/rest/v2/%74oken%253D{}",
        "/crmapi/rest/v2/webhook_requests/show&token={}",
        "/crmapi/rest/v2/webhook_requests/show%3Ftoken={}",
        "/crmapi/rest/v2/authentication/token/{}",
        "/password:{}/x",
        "/API-KEY/{}",
    ],
)
def test_a_secret_in_a_path_is_masked(logged: Any, path: str) -> None:
    """A secret that slipped into the path is not logged, either."""
    (line,), _ = logged(("GET", path.format(SECRET)))

    assert SECRET not in line
    assert "***" in line


@pytest.mark.parametrize("written", ["tokn={}", "x={}", "x=-{}-", "entity=a:{}", "{}=", "{}"])
@pytest.mark.parametrize("ended", [False, True])
def test_a_token_of_the_world_is_masked_wherever_it_stands(
    make_mock: Any,
    written: str,
    ended: bool,  # noqa: FBT001 - a test's parameter
) -> None:
    """What a login gave out is a secret under any name, in a path, and in a world of its own."""
    mock, out = make_mock("R10", clock=FixedClock(NOON)), io.StringIO()
    registry = WorldRegistry(mock.world)
    log = AccessLog(create_app(registry), registry, out=out, form="human", clock=FixedClock(NOON))
    client, tokens = Client(log), []
    right = mock.world.config.settings.credentials
    body = {key: getattr(right, key) for key in ("username", "password", "organisation")}
    for root in ("", "/worlds/w", "/worlds/other"):
        found = client.post(f"{root}{API_PATH}/authentication/token", json=body).json
        token = found["data"]["token"]  # type: ignore[index]
        if ended:
            client.post(f"{root}{API_PATH}/authentication/token/release", json={"token": token})
        client.get(f"{root}{SHOW}?a=1&{written.format(token)}&b=number=7")
        client.get(f"{root}{API_PATH}/show/{written.format(token)}")
        tokens.append(token)
    client.get(SHOW, query_string=f"tokn={tokens[1]}", headers={"X-Mock-World": "w"})
    client.post("/__admin/reset", query_string=f"x={right.api_key}")

    text = out.getvalue()
    assert all(token not in text for token in (*tokens, right.api_key))
    assert text.count("?a=1&") == text.count("&b=number=7 ") == 3


def test_a_line_makes_no_world(make_mock: Any) -> None:
    """A world that its own call ended is not there again because the call has a line."""
    registry, out = WorldRegistry(make_mock().world), io.StringIO()
    app = create_app(registry)
    client = Client(AccessLog(app, registry, out=out, form="human", clock=FixedClock(NOON)))
    client.get("/worlds/w/__admin/health")

    client.delete("/__admin/worlds/w", headers={"X-Mock-World": "w"})

    assert registry.names() == ("default",)
    assert out.getvalue().count("\n") == 2


@pytest.mark.parametrize("path", [m.path for m in methods(resolve("R18")).values()])
@pytest.mark.parametrize("end", ["", "/"])
def test_the_methods_own_paths_are_shown(path: str, end: str) -> None:
    """A login method's path has the word token in it, and no secret."""
    assert masked_path(f"{API_PATH}/{path}{end}") == f"{API_PATH}/{path}{end}"


@pytest.mark.parametrize(
    "query",
    ["", "a", "a=b&c=d", "fields_set=number,id", "webhook_request_identifier=number%3D7", "%zz=1"],
)
def test_what_is_no_secret_is_shown_as_it_came(query: str) -> None:
    """A query without secrets is logged byte for byte."""
    assert masked_query(query) == query


@given(st.text(st.characters(max_codepoint=255)), st.sampled_from(["token", "password", "api_key"]))
def test_no_query_gets_a_secret_through(noise: str, name: str) -> None:
    """Whatever stands around it, in whatever encoding, the value of a secret is masked."""
    for written in (
        f"{name}={SECRET}",
        quote(f"{name}={SECRET}"),
        quote(quote(f"{name}={SECRET}")),
    ):
        for query in (f"{noise}&{written}", f"{written}&{noise}", f"x={quote(noise)}{written}"):
            assert SECRET not in masked_query(query)


@pytest.mark.parametrize(
    ("name", "secret"),
    [("token", True), ("Token", True), ("tok%65n", True), ("api_key", True), ("entity", False),
     ("fields_set", False), ("username", False), ("", False)],
)  # fmt: skip
def test_which_names_are_secret(name: str, secret: bool) -> None:  # noqa: FBT001 - a table's column
    """Tokens, passwords and keys are secret; the other parameters are not."""
    assert is_secret(name) == secret


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


def test_a_streamed_answer_is_counted_whole(make_mock: Any) -> None:
    """The bytes of an answer that comes in pieces are added up."""
    pieces = [b"x" * 1000] * 7

    def app(_: Any, start_response: Any) -> Any:
        start_response("206 Partial Content", [("Content-Type", "text/plain")])
        yield from pieces

    out = io.StringIO()
    log = log_of(app, make_mock(), out, "json")

    body, _, _ = run_wsgi_app(log, Client(app).open("/").request.environ, buffered=True)

    assert b"".join(body) == b"".join(pieces)
    entry = json.loads(out.getvalue())
    assert (entry["status"], entry["bytes"]) == (206, 7000)


def test_a_client_that_goes_away_has_a_line_too(make_mock: Any) -> None:
    """An answer that is given up half way is logged once, with what was sent until then."""
    closed = []

    class Pieces:
        """A streamed answer that knows when it is given up."""

        def __iter__(self) -> Any:
            yield from [b"x" * 10] * 100

        def close(self) -> None:
            closed.append(True)

    def app(_: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return Pieces()

    out = io.StringIO()
    environ = Client(make_mock().app).open("/").request.environ
    body = log_of(app, make_mock(), out, "json")(environ, lambda *_: None)

    parts = iter(body)
    next(parts)
    next(parts)
    assert out.getvalue() == ""
    body.close()  # type: ignore[attr-defined]

    assert closed == [True]
    assert json.loads(out.getvalue())["bytes"] == 20


@pytest.mark.parametrize("broken", ["write", "flush", "closed"])
def test_a_log_that_nobody_reads_stops_nothing(make_mock: Any, broken: str) -> None:
    """Where the log cannot be written any more, requests are served all the same."""

    class Pipe(io.StringIO):
        """A log whose reader went away."""

        def write(self, text: str) -> int:
            if broken == "write":
                raise BrokenPipeError
            return super().write(text)

        def flush(self) -> None:
            if broken == "flush":
                raise OSError

    out = Pipe()
    if broken == "closed":
        out.close()
    mock = make_mock()
    log = log_of(mock.app, mock, out)

    query = "token=T&webhook_request_identifier=number=7"
    answer = Client(log).get(f"{SHOW}?{query}", buffered=True)

    assert answer.json["data"]["number"] == "7"


def test_the_line_is_there_before_the_answer_is(make_mock: Any) -> None:
    """Whoever has the whole answer finds its line, however soon the server is ended then."""
    out = io.StringIO()
    mock = make_mock(clock=FixedClock(NOON))
    log = log_of(mock.app, mock, out)
    environ = EnvironBuilder(f"{SHOW}?webhook_request_identifier=number=7&token=T").get_environ()

    body = log(environ, lambda *_: lambda _: None)
    received = next(iter(body))

    assert f" 200 {len(received)}B " in out.getvalue()
    body.close()  # type: ignore[attr-defined]
    assert out.getvalue().count("\n") == 1
