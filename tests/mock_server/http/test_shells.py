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
from urllib.parse import unquote

import pytest
from helpers.clocks import FixedClock
from helpers.shells import AsWsgi
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.test import create_environ

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH

Exchange = tuple[int, list[tuple[str, str]], bytes]
Call = tuple[str, str, str, bytes, dict[str, str]]  # verb, path, query, body, headers as CGI has it

METHODS = f"{API_PATH}/webhook_requests"
LOGIN, KEY_LOGIN, RELEASE = (
    f"{API_PATH}/authentication/{name}" for name in ("token", "web_api_key/token", "token/release")
)
RIGHT = {
    name: getattr(DEFAULT_CREDENTIALS, name) for name in ("username", "password", "organisation")
}
LOGIN_BODY = json.dumps(RIGHT).encode()
BASIC = f"Basic {base64.b64encode(f'{DEFAULT_CREDENTIALS.api_key}:'.encode()).decode()}"
SHOW_7 = "token=T&webhook_request_identifier=number=7"
BODY_7 = b'{"token":"T","webhook_request_identifier":{"number":"7"}}'

calls = st.tuples(
    st.sampled_from(["GET", "POST", "HEAD", "PUT", "OPTIONS"]),
    st.sampled_from(
        [
            *(f"{METHODS}/{end}" for end in ("show", "list", "resend", "delete")),
            *(f"{METHODS}/{end}" for end in ("show/", "show//", "x", "", "%CE%A9")),
            LOGIN,
            KEY_LOGIN,
            RELEASE,
            f"/worlds/other{METHODS}/show",
            f"/worlds/not a name{METHODS}/show",
            API_PATH,
            "/crmapi",
        ]
    ),
    st.sampled_from(
        [
            SHOW_7,
            SHOW_7.replace("7", "999"),
            f"{SHOW_7}&fields_set=number,id&odd=1",
            "token=T&entity=ACTIVITIES&number_of_results=2",
            "token=X&entity=JOBS",
            "token=%FF&webhook_request_identifier=%CE%A9",
        ]
    )
    | st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
    st.sampled_from([BODY_7, BODY_7.replace(b"7", b"14"), LOGIN_BODY, b'{"token":"T"}', b"{}"])
    | st.binary(max_size=20),
    st.fixed_dictionaries(
        {},
        optional={
            "CONTENT_TYPE": st.sampled_from(["", "text/plain", "application/json;charset=utf-16"]),
            "HTTP_AUTHORIZATION": st.sampled_from(["", "Bearer T", "Basic Zm9vOg==", BASIC]),
            "HTTP_CONTENT_ENCODING": st.just("gzip"),
            "HTTP_ORIGIN": st.sampled_from(["http://127.0.0.1:8080", "http://evil.example"]),
            "HTTP_HOST": st.sampled_from(["localhost:1", "evil.example", "mock"]),
        },
    ),
)


def _environ(call: Call) -> dict[str, Any]:
    verb, path, query, body, headers = call
    raw = {"PATH_INFO": unquote(path, "latin-1"), "QUERY_STRING": query, **headers}
    return create_environ(
        base_url="http://127.0.0.1:8080",
        method=verb,
        input_stream=io.BytesIO(body),
        environ_overrides={"REMOTE_ADDR": "127.0.0.1", **raw},
    )


def _response(app: Any, call: Call) -> Exchange:
    seen: list[Any] = []
    parts = app(_environ(call), lambda status, headers, *_: seen.extend([status, headers]))
    body = b"".join(parts)
    getattr(parts, "close", bool)()
    headers = sorted((name.lower(), text) for name, text in seen[1])
    return int(seen[0][:3]), headers, body


def _unreachable(*_: Any) -> Any:
    raise AssertionError


def _state(registry: WorldRegistry) -> list[Any]:
    """Records and journals of all worlds, except for objects that each shell makes itself."""
    states: list[Any] = []
    for name in [served.name for served in registry.worlds()]:
        world = registry.get(name)
        states.append(world.store.query(Query(indexed=())))
        for entry in world.journal.entries():
            assert entry.response is not None
            response = dataclasses.replace(entry.response, error=None)
            response.warnings = tuple(response.warnings)
            states.append(
                (entry.number, entry.at, entry.request, entry.body, entry.fault, response)
            )
    return states


CLOCK = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module", params=[("R9", "default"), ("R15", "http")], ids=["R9", "R15"])
def registries(request: pytest.FixtureRequest) -> list[WorldRegistry]:
    release, dialect = request.param
    options: dict[str, Any] = {"tokens": ["T"], "clock": CLOCK}
    return [
        WorldRegistry(make_world(release=release, dialect=dialect, **options)) for _ in range(2)
    ]


@pytest.fixture(scope="module")
def shells(registries: list[WorldRegistry]) -> list[Any]:
    """The Flask application and the ASGI shell, which needs no Flask for the API."""
    return [create_app(registries[0]), AsWsgi(AsgiShell(registries[1], make_app=_unreachable))]


@settings(max_examples=40)
@given(made=st.lists(calls, min_size=1, max_size=4))
@example(made=[("GET", f"{METHODS}/show", SHOW_7, b"", {})])
@example(made=[("HEAD", f"{METHODS}/show", SHOW_7, b"", {})])
@example(made=[("POST", f"{METHODS}/resend", "", BODY_7, {})] * 2)
@example(made=[("POST", f"{METHODS}/delete", "a=b", BODY_7, {})] * 2)
@example(made=[("GET", f"{METHODS}/list", "token=T&entity=JOBS", b"", {})])
@example(made=[("POST", LOGIN, "", LOGIN_BODY, {})])
@example(made=[("POST", KEY_LOGIN, "", b"{}", {"HTTP_AUTHORIZATION": BASIC})])
@example(made=[("POST", RELEASE, "", b'{"token":"T"}', {})])
def test_both_shells_respond_alike(
    registries: list[WorldRegistry], shells: list[Any], made: list[Call]
) -> None:
    """Any requests get the same status, headers and bytes, and leave the same state."""
    for registry in registries:
        registry.end_all()
        registry.default.reset()
    flask, asgi = shells

    for call in made:
        assert _response(asgi, call) == _response(flask, call)
    assert _state(registries[1]) == _state(registries[0])


def test_journaled_requests_hold_no_connection_or_environment(
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
    environ = _environ(("GET", f"{METHODS}/show", SHOW_7, b"", headers))
    environ["wsgi.input"] = body

    create_app(world)(environ, lambda *_: None)  # type: ignore[arg-type]
    del environ, body
    gc.collect()

    assert gone() is None
    (entry,) = world.journal.entries()
    assert entry.request.headers == {"HTTP_HOST": "127.0.0.1:8080", "HTTP_ACCEPT": "*/*"}


class _Broken:
    """Chunks that a WSGI server cannot read."""

    def read(self, _: int = -1) -> bytes:
        raise LookupError


@pytest.mark.parametrize("path", [f"{METHODS}/delete", "/__admin/reset"])
@pytest.mark.parametrize(
    "more",
    [{"CONTENT_LENGTH": "500"}, {"wsgi.input_terminated": True, "wsgi.input": _Broken()}],
    ids=["half", "broken"],
)
def test_half_a_body_is_refused(path: str, more: dict[str, Any]) -> None:
    """Some WSGI servers hand over what a client left in the middle of, or chunks that are none."""
    world = make_world(tokens=["T"])
    environ = _environ(("POST", path, "", BODY_7, {})) | more
    seen: list[Any] = []

    body = b"".join(create_app(world)(environ, lambda *started: seen.extend(started)))  # type: ignore[arg-type]

    assert seen[0] == "400 BAD REQUEST"
    assert b"body: seen only a part" in body
    assert (world.journal.entries(), world.current_epoch.number) == ([], 0)


def test_a_server_starts_without_what_it_may_never_need() -> None:
    """READY does not wait for imports that only some requests need."""
    script = """
import sys
from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.cli import serve
from crmcom_kit.mock_server.http import access_log, asgi_shell, server
make_world(tokens=["T"])
late = {"flask", "httpcore", "jinja2", "jsonschema", "jsonschema_rs", "jwt", "tomllib",
        "werkzeug", "crmcom_kit.mock_server.journal.entry_view", "crmcom_kit.schemas.statements"}
assert not late & sys.modules.keys(), late & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
