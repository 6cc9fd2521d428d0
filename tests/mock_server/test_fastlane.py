"""The fast lane gives the bytes that Flask gives, and leaves the state that Flask leaves."""

import base64
import dataclasses
import gc
import io
import json
import subprocess
import sys
import weakref
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from crmcom_kit.mock_server.http.fastlane import FastLane, LateFlask
from hypothesis import example, given
from hypothesis import strategies as st

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS
from crmcom_kit.schemas import API_PATH

Exchange = tuple[str, list[tuple[str, str]], bytes]
Call = tuple[str, str, str, bytes, dict[str, str]]  # verb, path, query, body, more of the environ

LOGINS = [f"authentication/{name}" for name in ("token", "web_api_key/token", "token/release")]
LOGIN = {
    name: getattr(DEFAULT_CREDENTIALS, name) for name in ("username", "password", "organisation")
}
BASIC = f"Basic {base64.b64encode(f'{DEFAULT_CREDENTIALS.api_key}:'.encode()).decode()}"

texts = st.text(max_size=8)
numbers = st.sampled_from(["7", "14", "12", "17", "999", "0", ""]) | texts
tokens = st.sampled_from(["T", "X", ""]) | texts
identifiers = st.builds("{}={}".format, st.sampled_from(["number", "id", "name"]), numbers)
names = st.sampled_from(
    ["token", "webhook_request_identifier", "entity", "fields_set", "number_of_results", "odd"]
)
values = st.one_of(
    identifiers, tokens, st.sampled_from(["ACTIVITIES", "LEADS", "number,id", "2", "-1"])
)


def _encoded(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={quote(value, safe='=')}" for name, value in pairs)


ordinary = st.builds("token={}&webhook_request_identifier={}".format, st.just("T"), identifiers)
lists = st.builds("token=T&entity={}&{}".format, st.sampled_from(["ACTIVITIES", "X"]), texts)
queries = st.one_of(
    ordinary.map(lambda text: quote(text, safe="=&")),
    lists.map(lambda text: quote(text, safe="=&")),
    st.lists(st.tuples(names, values), max_size=4).map(_encoded),
    st.text(st.characters(max_codepoint=255), max_size=20),
)
bodies = st.one_of(
    st.builds(
        lambda number: json.dumps(
            {"token": "T", "webhook_request_identifier": {"number": number}}
        ).encode(),
        numbers,
    ),
    st.builds(
        lambda changed: json.dumps(LOGIN | changed).encode(),
        st.dictionaries(st.sampled_from(["password", "unit", "odd"]), texts, max_size=1),
    ),
    st.binary(max_size=20),
)
lengths = st.sampled_from(
    ["right", "absent", "", "0", "-1", "+3", "\N{ARABIC-INDIC DIGIT ONE}", "99999999999", "1e3"]
)
calls = st.tuples(
    st.sampled_from(["GET", "POST", "HEAD", "PUT", "OPTIONS"]),
    st.sampled_from(["show", "list", "resend", "delete", "show/", "x", *LOGINS]),
    queries,
    bodies,
    st.fixed_dictionaries(
        {},
        optional={
            "CONTENT_LENGTH": lengths,
            "CONTENT_TYPE": st.sampled_from(["", "text/plain", "application/json;charset=utf-16"]),
            "HTTP_AUTHORIZATION": st.sampled_from(["", "Bearer T", "Basic Zm9vOg=="]),
            "HTTP_TRANSFER_ENCODING": st.just("chunked"),
            "HTTP_CONTENT_ENCODING": st.just("gzip"),
            "SCRIPT_NAME": st.just("/below"),
        },
    ),
)


def _environ(call: Call) -> dict[str, Any]:
    verb, path, query, body, more = call
    environ: dict[str, Any] = {
        "REQUEST_METHOD": verb,
        "SCRIPT_NAME": "",
        "PATH_INFO": f"{API_PATH}/{path if path in LOGINS else f'webhook_requests/{path}'}",
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8080",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{name: value for name, value in more.items() if name != "CONTENT_LENGTH"},
    }
    length = more.get("CONTENT_LENGTH", "right" if verb == "POST" else "absent")
    if length != "absent":
        environ["CONTENT_LENGTH"] = str(len(body)) if length == "right" else length
    return environ


def _exchange(app: Any, call: Call) -> Exchange:
    seen: list[Any] = []
    parts = app(_environ(call), lambda status, headers, *_: seen.extend([status, headers]))
    body = b"".join(parts)
    getattr(parts, "close", bool)()
    return seen[0], sorted(seen[1]), body


def _twins(release: str, dialect: str) -> tuple[Any, Any]:
    return tuple(
        make_world(
            release=release,
            dialect=dialect,
            tokens=["T"],
            clock=FixedClock(datetime(2026, 1, 1, tzinfo=UTC)),
        )
        for _ in range(2)
    )  # type: ignore[return-value]


def _state(world: Any) -> list[bytes]:
    found: list[bytes] = world.store.query(Query(indexed=()))
    return found


def _told(world: Any) -> list[tuple[Any, ...]]:
    """What the journal tells of the calls, but for objects that only their own shell makes."""
    return [
        (
            note.number,
            note.at,
            note.request._replace(headers=dict(note.request.headers)),
            note.text,
            note.fault,
            dataclasses.replace(note.answer, error=None, warnings=tuple(note.answer.warnings)),
            repr(note.answer.error),
        )
        for note in world.journal.notes()
    ]


PAIRS = {
    (release, dialect): _twins(release, dialect)
    for release, dialect in [("R9", "default"), ("R15", "http")]
}
SHOW_7 = "token=T&webhook_request_identifier=number=7"
BODY_7 = b'{"token":"T","webhook_request_identifier":{"number":"7"}}'


@pytest.mark.parametrize(("release", "dialect"), PAIRS)
@given(made=st.lists(calls, min_size=1, max_size=4))
@example(made=[("GET", "show", SHOW_7, b"", {})])
@example(made=[("HEAD", "show", SHOW_7, b"", {})])
@example(made=[("GET", "show", SHOW_7, b"{}", {"CONTENT_LENGTH": "right"})])
@example(made=[("POST", "resend", "", BODY_7, {})] * 2)
@example(made=[("POST", "delete", "a=b", BODY_7, {})] * 2)
@example(made=[("POST", "delete", "", BODY_7, {"CONTENT_LENGTH": "3"})])
@example(made=[("GET", "list", "token=T&entity=ACTIVITIES", b"", {})])
@example(made=[("POST", LOGINS[0], "", json.dumps(LOGIN).encode(), {})])
@example(made=[("POST", LOGINS[1], "", b"{}", {"HTTP_AUTHORIZATION": BASIC})])
@example(made=[("POST", LOGINS[2], "", b'{"token":"T"}', {}), ("GET", "show", SHOW_7, b"", {})])
def test_both_shells_answer_alike(release: str, dialect: str, made: list[Call]) -> None:
    """Any requests get the same status, headers and bytes, and leave the same records and notes."""
    with_flask, with_lane = PAIRS[release, dialect]
    for world in (with_flask, with_lane):
        world.reset()
    flask = create_app(with_flask)
    lane = FastLane(create_app(with_lane), with_lane)

    for call in made:
        assert _exchange(lane, call) == _exchange(flask, call)
    assert _state(with_lane) == _state(with_flask)
    assert _told(with_lane) == _told(with_flask)


def test_notes_hold_neither_connections_nor_the_environment() -> None:
    """A noted request has its own headers alone, and its connection can be let go of."""
    world = make_world(tokens=["T"])
    lane = FastLane(create_app(world), world)
    body = io.BytesIO()
    gone = weakref.ref(body)
    environ = _environ(("GET", "show", SHOW_7, b"", {"HTTP_ACCEPT": "*/*", "HOME": "/root"}))
    environ["wsgi.input"] = body

    lane(environ, lambda *_: None)
    del environ, body
    gc.collect()

    assert gone() is None
    (note,) = world.journal.notes()
    assert dict(note.request.headers) == {"HTTP_HOST": "127.0.0.1:8080", "HTTP_ACCEPT": "*/*"}
    assert len(note.request.headers) == 2
    assert "HOME" not in note.request.headers


def test_ordinary_calls_do_not_reach_flask() -> None:
    """The lane answers all methods by itself, errors included; other paths go to Flask."""
    reached: list[str] = []

    def flask(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        reached.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return []

    lane = FastLane(flask, make_world(release="R15", tokens=["T"]))
    for call in [
        ("GET", "show", SHOW_7, b"", {}),
        ("GET", "show", SHOW_7.replace("=7", "=0"), b"", {}),
        ("GET", "list", "token=T&entity=ACTIVITIES", b"", {}),
        ("POST", "resend", "", BODY_7, {}),
        ("POST", "delete", "", BODY_7, {}),
        ("POST", LOGINS[0], "", json.dumps(LOGIN).encode(), {}),
        ("POST", LOGINS[1], "", b"", {"HTTP_AUTHORIZATION": BASIC}),
    ]:
        _exchange(lane, call)
    assert reached == []

    _exchange(lane, ("GET", "show/", SHOW_7, b"", {}))
    assert reached == [f"{API_PATH}/webhook_requests/show/"]


def test_a_withdrawn_method_is_withdrawn_in_the_lane() -> None:
    """The plainest call of show takes no short cut past a dial that withdraws the method."""
    world = make_world(release="R18", tokens=["T"])
    withdrawn = world.dialect.changed({"requests.deprecated_methods": "withdraw"})
    world = make_world(release="R18", dialect=withdrawn, tokens=["T"])
    call: Call = ("GET", "show", SHOW_7, b"", {})

    assert _exchange(FastLane(create_app(world), world), call) == _exchange(create_app(world), call)


def test_a_start_does_not_import_flask() -> None:
    """Neither making the shells nor a plain call imports Flask; the first odd request does."""
    script = f"""
import sys
from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.http.fastlane import FastLane, LateFlask
world = make_world(tokens=["T"])
lane = FastLane(LateFlask(world), world)
environ = {{"PATH_INFO": "{API_PATH}/webhook_requests/show", "REQUEST_METHOD": "GET",
           "QUERY_STRING": "{SHOW_7}"}}
answer = lane(environ, lambda *_: None)
assert b'"number":"7"' in answer[0]
assert not {{"flask", "werkzeug"}} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_flask_is_made_once() -> None:
    """Warming early and answering later use the same application."""
    late = LateFlask(make_world(tokens=["T"]))

    assert late.warm() is late.warm()
    assert _exchange(late, ("GET", "show", SHOW_7, b"", {}))[0] == "200 OK"


def test_hooks_of_the_flask_application_may_add_headers() -> None:
    """Whoever adds a header to all answers of the application finds it in the API's, too."""
    app = create_app(make_world(tokens=["T"]))

    @app.after_request
    def allow(answer: Any) -> Any:
        answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer

    _, headers, _ = _exchange(app, ("GET", "show", SHOW_7, b"", {}))

    assert dict(headers)["Access-Control-Allow-Origin"] == "*"
    assert [text for name, text in headers if name == "Content-Type"] == ["application/json"]
