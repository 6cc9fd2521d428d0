"""The WSGI shell: responds to ordinary requests of the API before Flask builds its request context.

What it leaves out is the framework around the emulator. Everything else, an unusual verb or body
of the API too, goes to Flask. Both give the same bytes and leave the same state.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.http.access_log import AccessLog, Entry
from crmcom_kit.mock_server.http.endings import (
    ConnectionDropped,
    ConnectionEnded,
    started,
)
from crmcom_kit.mock_server.http.late_app import LateApp
from crmcom_kit.mock_server.http.requests import (
    ENTRY_ID,
    api_path,
    world_or_refusal,
    wsgi_response,
)
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES
from crmcom_kit.mock_server.protocol.response import (
    FAULT_HEADER,
    Response,
    usage_error_response,
)
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.routing import WORLD_HEADER, split_path, world_of
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.usage_errors import UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PLAIN_LENGTH = re.compile(r"[0-9]{1,7}", re.ASCII)


def late_flask(registry: WorldRegistry) -> LateApp:
    """Return the Flask application, which serves every route of a server's worlds."""

    def make() -> "WSGIApplication":
        from crmcom_kit.mock_server.http.app import create_app

        return create_app(registry)

    return LateApp(make)


class WsgiShell:
    """A WSGI application in front of the Flask one."""

    def __init__(self, world: World | WorldRegistry, app: "WSGIApplication | None" = None) -> None:
        """Respond to the API's requests; leave the rest to ``app``, Flask's by default."""
        self._registry = world if isinstance(world, WorldRegistry) else WorldRegistry(world)
        self._app = late_flask(self._registry) if app is None else app
        self._verbs = {
            path: method.verb for path, method in self._registry.default.config.methods.items()
        }

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Respond to one request, here or in Flask."""
        name, rest = split_path(environ["PATH_INFO"])
        path = api_path(rest)
        verb = environ["REQUEST_METHOD"]
        if path is None or self._verbs.get(path) != verb or environ.get("SCRIPT_NAME"):
            return self._app(environ, start_response)
        found = world_or_refusal(self._registry, name, environ.get("REMOTE_ADDR"), environ)
        if isinstance(found, Response):
            return started(found, start_response, verb)
        body = _plain_body(environ, verb)
        if body is None:
            return self._app(environ, start_response)
        if len(body) < int(environ.get("CONTENT_LENGTH") or 0):
            # Some servers hand over a body that breaks off as if it were whole.
            error = UsageError("body", seen="only a part", allowed="the whole body")
            return started(usage_error_response(error), start_response, verb)
        return started(wsgi_response(environ, found, path, body), start_response, verb)


def _plain_body(environ: "WSGIEnvironment", verb: str) -> bytes | None:
    """Return the body; None if Flask has to say what is to be done with it."""
    length = environ.get("CONTENT_LENGTH") or ""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    if verb == "GET":
        return b"" if length in ("", "0") else None
    if not _PLAIN_LENGTH.fullmatch(length) or int(length) > MAX_BODY_BYTES:
        return None
    body: bytes = environ["wsgi.input"].read(int(length))
    return body


class LoggedApp:
    """A WSGI application around another one that writes a line for each request."""

    def __init__(self, app: "WSGIApplication", registry: WorldRegistry, log: AccessLog) -> None:
        """Log the responses of ``app``, without the secrets of ``registry``'s worlds."""
        self._app = app
        self._registry = registry
        self._log = log

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Respond to one request; its line is written when the server has sent the response."""
        exchange = _Exchange(environ, start_response)
        environ[ENTRY_ID] = exchange.entry_ids
        exchange.body = self._app(environ, exchange.start)
        exchange.done = self._write
        return exchange

    def _write(self, exchange: "_Exchange") -> None:
        environ, registry = exchange.environ, self._registry
        path: str = environ["PATH_INFO"]
        status = 0 if exchange.ending == ConnectionDropped.ending else exchange.status
        seconds = perf_counter() - exchange.began
        self._log.add(
            Entry(
                world_of(path, environ.get(WORLD_HEADER), registry),
                environ.get("REMOTE_ADDR", "-"),
                environ.get("REQUEST_METHOD", ""),
                path,
                environ.get("QUERY_STRING", ""),
                status,
                exchange.sent,
                seconds,
                *_marks(exchange.headers),
                exchange.ending,
                exchange.entry_ids[0] if exchange.entry_ids else None,
            )
        )


def _marks(headers: list[tuple[str, str]]) -> tuple[str | None, str | None, list[str]]:
    """Return the statement, the fault and the warnings that the headers of a response give."""
    statement = fault = None
    warnings = []
    for name, text in headers:
        if name == "X-Mock-Statement":
            statement = text
        elif name == FAULT_HEADER:
            fault = text
        elif name == "X-Mock-Warning":
            warnings.append(text)
    return statement, fault, warnings


class _Exchange:
    """A request and its response, whose bytes are counted while a server sends them."""

    __slots__ = (
        "_start", "began", "body", "done", "ending", "entry_ids", "environ", "headers", "sent",
        "status",
    )  # fmt: skip

    def __init__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> None:
        self.began = perf_counter()
        self.environ = environ
        self._start = start_response
        self.status = self.sent = 0
        self.headers: list[tuple[str, str]] = []
        self.body: Iterable[bytes] = ()
        self.ending: str | None = None
        self.entry_ids: list[str | None] = []  # that of the journal's entry, if it has one
        self.done: Callable[[_Exchange], None] | None = None

    def start(self, status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        self.status, self.headers = int(status[:3]), headers
        return self._start(status, headers, *rest)

    def __iter__(self) -> Iterator[bytes]:
        try:
            for part in self.body:
                self.sent += len(part)
                yield part
        except ConnectionEnded as ended:
            self.ending = ended.ending
            raise

    def close(self) -> None:
        close = getattr(self.body, "close", None)
        try:
            if close is not None:
                close()
        finally:
            done, self.done = self.done, None
            if done is not None:
                done(self)
