"""A world behind Flask or the ASGI shell, called as a server calls it."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from werkzeug.test import create_environ

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.http.connection import CONNECTION
from crmcom_kit.mock_server.http.endings import ConnectionEnded
from crmcom_kit.mock_server.world.world import DEFAULT, World
from crmcom_kit.schemas import API_PATH
from helpers.clocks import FixedClock
from helpers.records import every_record

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SHOW = ("GET", "show?token=T&webhook_request_identifier=number=7", None)
LIST = ("GET", "list?token=T&entity=JOBS", None)
BODY = {"token": "T", "webhook_request_identifier": {"number": "7"}}
RESEND = ("POST", "resend", BODY)
DELETE = ("POST", "delete", BODY)
CALLS = {"show": SHOW, "list": LIST, "resend": RESEND, "delete": DELETE}


@cache
def _made(release: str) -> World:
    """A world that others are copies of: they begin with what it began with."""
    return make_world(release=release, tokens=["T"], clock=FixedClock(NOON))


class Seen(NamedTuple):
    """What a caller gets."""

    status: str
    headers: dict[str, str]
    body: bytes
    ended: bool  # before the response was whole


class Shell:
    """A world behind the Flask application."""

    def __init__(self, *, release: str = "R9", data: Any = None) -> None:
        if data is None:
            self.world = _made(release).clone(DEFAULT)
        else:
            self.world = make_world(data=data, tokens=["T"], clock=FixedClock(NOON))
        self.app: Any = create_app(self.world)

    def call(self, call: Any) -> Seen:
        """Make a call as a server does; return what it would send."""
        verb, path, body = call
        path = f"{API_PATH}/webhook_requests/{path}"
        environ = create_environ(path, method=verb, json=body)
        started: list[Any] = []
        parts = self.app(environ, lambda *given: started.extend(given))
        found, ended = b"", False
        try:
            for part in parts:
                found += part
        except ConnectionEnded:
            ended = True
        finally:
            getattr(parts, "close", bool)()
        return Seen(started[0], dict(started[1]), found, ended)

    def state(self) -> tuple[bytes, ...]:
        """Every record."""
        return every_record(self.world)

    @property
    def last(self) -> Any:
        """The last call in the journal."""
        return self.world.journal.entries()[-1]


def _header(name: str) -> bytes:
    """A header as ASGI names it, from what CGI calls it."""
    return name.removeprefix("HTTP_").replace("_", "-").lower().encode()


class AsWsgi:
    """The ASGI shell as a WSGI application, so that werkzeug's client can call it."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Send one request."""
        sent: list[dict[str, Any]] = []
        body = environ["wsgi.input"].read()
        headers = [
            (_header(name), value.encode("latin-1"))
            for name, value in environ.items()
            if name.startswith(("HTTP_", "CONTENT_"))
        ]
        scope = {
            "type": "http",
            "method": environ["REQUEST_METHOD"],
            "http_version": "1.1",
            "scheme": "http",
            "path": environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
            "query_string": environ["QUERY_STRING"].encode("latin-1"),
            "headers": headers,
            "server": ("127.0.0.1", 80),
            "client": (environ.get("REMOTE_ADDR", "127.0.0.1"), 1),
            CONNECTION: SimpleNamespace(
                transport=SimpleNamespace(is_closing=bool), has_left=False, end=lambda _: None
            ),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self._shell(scope, receive, send))
        head = sent[0]
        lines = [(name.decode(), text.decode("latin-1")) for name, text in head["headers"]]
        start_response(f"{head['status']} X", lines)
        is_head = scope["method"] == "HEAD"
        return [] if is_head else [message["body"] for message in sent[1:]]
