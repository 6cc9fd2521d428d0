"""Flask and the ASGI shell give the same bytes and leave the same state."""

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
from urllib.parse import quote, unquote

import pytest
from helpers.clocks import FixedClock
from helpers.shells import AsWsgi
from hypothesis import example, given
from hypothesis import strategies as st

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH

Exchange = tuple[int, list[tuple[str, str]], bytes]
Call = tuple[str, str, str, bytes, dict[str, str]]  # verb, path, query, body, headers as CGI has it

LOGINS = [f"authentication/{name}" for name in ("token", "web_api_key/token", "token/release")]
LOGIN = {
    name: getattr(DEFAULT_CREDENTIALS, name) for name in ("username", "password", "organisation")
}
BASIC = f"Basic {base64.b64encode(f'{DEFAULT_CREDENTIALS.api_key}:'.encode()).decode()}"
SHOW_7 = "token=T&webhook_request_identifier=number=7"
BODY_7 = b'{"token":"T","webhook_request_identifier":{"number":"7"}}'

texts = st.text(max_size=8)
numbers = st.sampled_from(["7", "14", "9", "17", "999", "0", ""]) | texts
identifiers = st.builds("{}={}".format, st.sampled_from(["number", "id", "name"]), numbers)
names = st.sampled_from(
    ["token", "webhook_request_identifier", "entity", "fields_set", "number_of_results", "odd"]
)
values = identifiers | st.sampled_from(["T", "X", "", "ACTIVITIES", "number,id", "2", "-1"]) | texts
queries = st.one_of(
    st.builds("token=T&webhook_request_identifier={}".format, identifiers.map(quote)),
    st.lists(st.tuples(names, values), max_size=4).map(
        lambda pairs: "&".join(f"{name}={quote(value, safe='=')}" for name, value in pairs)
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
)
bodies = st.one_of(
    numbers.map(
        lambda number: json.dumps(
            {"token": "T", "webhook_request_identifier": {"number": number}}
        ).encode()
    ),
    st.dictionaries(st.sampled_from(["password", "unit", "odd"]), texts, max_size=1).map(
        lambda changed: json.dumps(LOGIN | changed).encode()
    ),
    st.binary(max_size=20),
)
calls = st.tuples(
    st.sampled_from(["GET", "POST", "HEAD", "PUT", "OPTIONS"]),
    st.sampled_from(
        [
            *(f"{API_PATH}/webhook_requests/{end}" for end in ("show", "list", "resend", "delete")),
            *(f"{API_PATH}/webhook_requests/{end}" for end in ("show/", "show//", "x", "")),
            *(f"{API_PATH}/{path}" for path in LOGINS),
            f"/worlds/other{API_PATH}/webhook_requests/show",
            f"/worlds/not a name{API_PATH}/webhook_requests/show",
            API_PATH,
            "/crmapi",
            f"{API_PATH}/webhook_requests/%CE%A9",
        ]
    ),
    queries,
    bodies,
    st.fixed_dictionaries(
        {},
        optional={
            "CONTENT_TYPE": st.sampled_from(["", "text/plain", "application/json;charset=utf-16"]),
            "HTTP_AUTHORIZATION": st.sampled_from(["", "Bearer T", "Basic Zm9vOg=="]),
            "HTTP_CONTENT_ENCODING": st.just("gzip"),
            "HTTP_ORIGIN": st.sampled_from(["http://127.0.0.1:8080", "http://evil.example"]),
            "HTTP_HOST": st.sampled_from(["localhost:1", "evil.example", "mock"]),
            "HTTP_X_MOCK_PREFER": st.sampled_from(["status=503", "error=gone", "fault=malformed"]),
        },
    ),
)


def _environ(call: Call) -> dict[str, Any]:
    verb, path, query, body, headers = call
    environ: dict[str, Any] = {
        "REQUEST_METHOD": verb,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8080",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **headers,
    }
    if verb != "GET":
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _response(app: Any, call: Call) -> Exchange:
    seen: list[Any] = []
    parts = app(_environ(call), lambda status, headers, *_: seen.extend([status, headers]))
    body = b"".join(parts)
    getattr(parts, "close", bool)()
    headers = sorted((name.lower(), text) for name, text in seen[1])
    return int(seen[0][:3]), headers, body


def _unreachable(*_: Any) -> Any:
    raise AssertionError


def _world(release: str, dialect: str) -> Any:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    return make_world(release=release, dialect=dialect, tokens=["T"], clock=clock)


def _state(registry: WorldRegistry) -> list[Any]:
    """Records and journals of all worlds, except for objects that each shell makes itself."""
    found: list[Any] = []
    for name in [each.name for each in registry.worlds()]:
        world = registry.get(name)
        found.append(world.store.query(Query(indexed=())))
        for note in world.journal.entries():
            assert note.response is not None
            response = dataclasses.replace(note.response, error=None)
            response.warnings = tuple(response.warnings)
            found.append((note.number, note.at, note.request, note.body, note.fault, response))
    return found


WORLDS = {
    (release, dialect): [_world(release, dialect) for _ in range(3)]
    for release, dialect in [("R9", "default"), ("R15", "http")]
}


@pytest.mark.parametrize(("release", "dialect"), WORLDS)
@given(made=st.lists(calls, min_size=1, max_size=4))
@example(made=[("GET", f"{API_PATH}/webhook_requests/show", SHOW_7, b"", {})])
@example(made=[("HEAD", f"{API_PATH}/webhook_requests/show", SHOW_7, b"", {})])
@example(made=[("POST", f"{API_PATH}/webhook_requests/resend", "", BODY_7, {})] * 2)
@example(made=[("POST", f"{API_PATH}/webhook_requests/delete", "a=b", BODY_7, {})] * 2)
@example(made=[("GET", f"{API_PATH}/webhook_requests/list", "token=T&entity=JOBS", b"", {})])
@example(made=[("POST", f"{API_PATH}/{LOGINS[0]}", "", json.dumps(LOGIN).encode(), {})])
@example(made=[("POST", f"{API_PATH}/{LOGINS[1]}", "", b"{}", {"HTTP_AUTHORIZATION": BASIC})])
@example(made=[("POST", f"{API_PATH}/{LOGINS[2]}", "", b'{"token":"T"}', {})])
def test_both_shells_answer_alike(release: str, dialect: str, made: list[Call]) -> None:
    """Any requests get the same status, headers and bytes, and leave the same state."""
    registries = [WorldRegistry(world) for world in WORLDS[release, dialect]]
    for registry in registries:
        registry.default.reset()
    flask = create_app(registries[0])
    asgi = AsWsgi(AsgiShell(registries[1], make_app=_unreachable))

    for call in made:
        assert _response(asgi, call) == _response(flask, call)
    assert _state(registries[1]) == _state(registries[0])


def test_notes_hold_neither_connections_nor_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A journaled request has its own headers only, and its connection can be closed."""
    monkeypatch.setattr(
        "crmcom_kit.mock_server.http.requests._NOT_HEADERS", frozenset(["HTTP_PROXY"])
    )
    world = make_world(tokens=["T"])
    body = io.BytesIO()
    gone = weakref.ref(body)
    headers = {"HTTP_ACCEPT": "*/*", "HOME": "/root", "HTTP_PROXY": "http://me:secret@proxy"}
    environ = _environ(("GET", f"{API_PATH}/webhook_requests/show", SHOW_7, b"", headers))
    environ["wsgi.input"] = body

    create_app(world)(environ, lambda *_: None)  # type: ignore[arg-type]
    del environ, body
    gc.collect()

    assert gone() is None
    (note,) = world.journal.entries()
    assert note.request.headers == {"HTTP_HOST": "127.0.0.1:8080", "HTTP_ACCEPT": "*/*"}


def test_half_a_body_is_refused() -> None:
    """Some WSGI servers hand over what a client left in the middle of."""
    world = make_world(tokens=["T"])
    environ = _environ(("POST", f"{API_PATH}/webhook_requests/delete", "", BODY_7, {}))
    environ["CONTENT_LENGTH"] = "500"
    seen: list[Any] = []

    body = b"".join(create_app(world)(environ, lambda *given: seen.extend(given)))  # type: ignore[arg-type]

    assert seen[0] == "400 BAD REQUEST"
    assert b"body: seen only a part" in body
    assert world.journal.entries() == []


def test_a_server_starts_without_what_it_may_never_need() -> None:
    """READY does not wait for imports that only some requests need."""
    script = """
import sys
from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.cli import serve
from crmcom_kit.mock_server.http import access_log, asgi_shell, server
make_world(tokens=["T"])
late = {"flask", "httpcore", "jinja2", "jsonschema", "jsonschema_rs", "jwt", "tomllib",
        "werkzeug", "crmcom_kit.mock_server.journal.call_view", "crmcom_kit.schemas.statements"}
assert not late & sys.modules.keys(), late & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
