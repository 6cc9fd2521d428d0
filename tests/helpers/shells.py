"""A world behind one of the two shells, called as a server calls it."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.mock_server.http.endings import ConnectionEnded
from crmcom_kit.mock_server.http.wsgi_shell import WsgiShell
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world.world import DEFAULT, World
from crmcom_kit.schemas import API_PATH

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
    ended: type[ConnectionEnded] | None


class Shell:
    """A world behind one of the two shells."""

    def __init__(self, kind: str, *, release: str = "R9", data: Any = None) -> None:
        if data is None:
            self.world = _made(release).clone(DEFAULT)
        else:
            self.world = make_world(data=data, tokens=["T"], clock=FixedClock(NOON))
        self.app: Any = create_app(self.world) if kind == "flask" else WsgiShell(self.world)

    def call(self, call: Any, prefer: str = "", verb: str = "") -> Seen:
        """Make a call as a server does; return what it would send."""
        named, path, body = call
        headers = {"X-Mock-Prefer": prefer} if prefer else {}
        path = f"{API_PATH}/webhook_requests/{path}"
        environ = EnvironBuilder.from_environ(
            EnvironBuilder(
                path, method=verb or named, json=body, headers=Headers(headers)
            ).get_environ()
        ).get_environ()
        started: list[Any] = []
        parts = self.app(environ, lambda *given: started.extend(given))
        found, ended = b"", None
        try:
            for part in parts:
                found += part
        except ConnectionEnded as error:
            ended = type(error)
        finally:
            getattr(parts, "close", bool)()
        return Seen(started[0], dict(started[1]), found, ended)

    def state(self) -> tuple[bytes, ...]:
        """Every record."""
        every = Query(indexed=(("entity", frozenset(self.world.config.entities)),))
        return tuple(self.world.store.query(every))

    @property
    def last(self) -> Any:
        """The last call in the journal."""
        return self.world.journal.entries()[-1]
