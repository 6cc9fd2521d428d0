"""The mock inside this process: the only module that knows how it is put together.

Worlds are filled past the validation of entries, since the generator's entries are valid and
validating a million of them takes longer than everything that is measured.
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.util import find_spec
from time import process_time
from typing import Any
from urllib.parse import urlencode

import orjson

from benchmarks.rows import BASE, TOKEN
from crmcom_kit.mock_server.clock import SystemClock
from crmcom_kit.mock_server.http.app import create_app
from crmcom_kit.mock_server.protocol.config import Rules, Settings
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS
from crmcom_kit.mock_server.world.import_ import import_entries
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import LocatedEntry
from crmcom_kit.schemas import load_dialect, resolve

App = Callable[..., Iterable[bytes]]
Environ = dict[str, Any]
#: The first release that pages lists is older; this one is the sample world's own.
RELEASE = "R15"
PAGE = 50


def filled_world(entries: Iterable[dict[str, Any]], *, store: Store | None = None) -> World:
    """Return a world with ``entries``, or one around a store that is filled already."""
    settings = Settings(
        release=resolve(RELEASE),
        dialect=load_dialect("default"),
        credentials=DEFAULT_CREDENTIALS,
        fixed_tokens=(TOKEN,),
    )
    placed = (LocatedEntry(entry, "benchmark") for entry in entries)
    rules = Rules(settings)
    content = import_entries(rules, placed)
    if store is not None:
        content = replace(content, store=store)
    return World(rules, content, clock=SystemClock())


def has_fast_lane() -> bool:
    """Whether this version of the mock has a fast lane at all."""
    return find_spec("crmcom_kit.mock_server.http.fastlane") is not None


def application(world: World, *, fast_lane: bool) -> App:
    """Return the mock as a WSGI application, with its fast lane around it or without."""
    app = create_app(world)
    if not fast_lane:
        return app
    from crmcom_kit.mock_server.http.fastlane import FastLane

    lane: App = FastLane(app, world)
    return lane


def get(method: str, **parameters: str) -> Environ:
    """Return the environ of a GET of ``method``, token included."""
    query = urlencode({"token": TOKEN} | parameters, safe="=")
    return _environ("GET", method, query, b"")


def post(method: str, **members: Any) -> Environ:
    """Return the environ of a POST of ``method``, token included."""
    return _environ("POST", method, "", orjson.dumps({"token": TOKEN} | members))


def _environ(verb: str, method: str, query: str, body: bytes) -> Environ:
    environ = {
        "REQUEST_METHOD": verb,
        "SCRIPT_NAME": "",
        "PATH_INFO": f"{BASE}/{method}",
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8080",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if body:
        environ["CONTENT_TYPE"] = "application/json"
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def answer(app: App, environ: Environ) -> tuple[str, bytes]:
    """Return the status and the body of an answer."""
    seen: list[str] = []
    parts = app(environ, lambda status, _headers, *_: seen.append(status))
    body = b"".join(parts)
    _close(parts)
    return seen[0], body


def cost(app: App, environs: list[Environ]) -> float:
    """Return the CPU time of one call in us, on average over ``environs``, each used once."""
    began = process_time()
    for environ in environs:
        parts = app(environ, _ignore)
        for _ in parts:
            pass
        _close(parts)
    return (process_time() - began) / len(environs) * 1_000_000


def _ignore(_status: str, _headers: list[tuple[str, str]], *_rest: Any) -> None:
    return None


def _close(parts: Iterable[bytes]) -> None:
    close = getattr(parts, "close", None)
    if close is not None:
        close()
