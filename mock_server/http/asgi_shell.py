"""The ASGI shell: responds to API requests on the event loop, and hands everything else to Flask.

Nothing that waits holds the loop: a fault's delay sleeps on it, and a delivery that is really sent
has a thread, as everything in Flask does. A body is read whole before a thread is taken, so that
slow senders hold none.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from io import BytesIO
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from crmcom_kit.mock_server.admin import LARGE_BODIES, MAX_LARGE_BODY_BYTES
from crmcom_kit.mock_server.api.dispatch import handle
from crmcom_kit.mock_server.api.waits import Waits
from crmcom_kit.mock_server.clock import IsOver, WorldClock
from crmcom_kit.mock_server.http.access_log import AccessLog, Line
from crmcom_kit.mock_server.http.connection import CONNECTION, Connection
from crmcom_kit.mock_server.http.cors import cors_headers, is_preflight, preflight_response
from crmcom_kit.mock_server.http.endings import ending_of, kept
from crmcom_kit.mock_server.http.requests import (
    api_path,
    asgi_headers,
    request_of,
    world_or_refusal,
)
from crmcom_kit.mock_server.http.wsgi_bridge import (
    THREADS,
    ClientLeft,
    Receive,
    Scope,
    Send,
    WsgiBridge,
    read_body,
    wsgi_path,
)
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.world.registry import WorldRegistry, split_path
from crmcom_kit.mock_server.world.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_T = TypeVar("_T")
_POLL_SECONDS = 0.5  # how often a waiting request looks whether it should stop


class AsgiShell:
    """An ASGI application for a server whose connections are ``Connection``."""

    def __init__(
        self,
        registry: WorldRegistry,
        *,
        log: AccessLog | None = None,
        make_app: "Callable[[], WSGIApplication] | None" = None,
    ) -> None:
        """Respond to the API's requests; leave the rest to a WSGI application, the mock's own."""
        self._registry = registry
        self._log = log
        #: Responds to all but the API's requests.
        self.bridge = WsgiBridge(make_app or self._make_flask)
        self._waits = WaitsOnLoop(ThreadPoolExecutor(THREADS, "crmcom-delivery"))

    def _make_flask(self) -> "WSGIApplication":
        from crmcom_kit.mock_server.http.app import create_app

        return create_app(self._registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        if scope["type"] != "http":
            return
        headers = asgi_headers(scope["headers"])
        name, rest = split_path(scope["path"])
        path = api_path(rest)
        with suppress(ClientLeft, asyncio.CancelledError):  # cancelled: the server ends
            if path is None:
                await self._respond_with_app(scope, receive, send, headers, name, rest)
            else:
                await self._respond_as_api(scope, receive, send, headers, name, path)

    # The API.

    async def _respond_as_api(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[str, str],
        name: str,
        path: str,
    ) -> None:
        began = perf_counter()
        client = _client(scope)
        shared = cors_headers(self._registry.access, scope["method"], headers)
        if shared is not None and is_preflight(scope["method"], headers):
            await _send(preflight_response(), scope, send, shared)
            return
        found = world_or_refusal(self._registry, name, client, headers)
        if isinstance(found, Response):
            world, response = self._registry.default, found
        else:
            world = found
            read = BytesIO()
            is_whole = await read_body(headers, receive, read, MAX_BODY_BYTES)
            body = read.getvalue() if is_whole else None
            content_type = headers.pop("CONTENT_TYPE", "")
            headers.pop("CONTENT_LENGTH", None)
            verb, query = scope["method"], scope["query_string"]
            request = request_of(verb, path, query, body, content_type, client, headers)
            response = await handle(world, request, self._waits)
        sent = await _send(response, scope, send, shared or [])
        if self._log is not None:
            seconds = perf_counter() - began
            found_ending = ending_of(response, scope["method"])
            ending = None if found_ending is None else found_ending.kind
            status = 0 if ending == "dropped" else response.status
            marks = response.statement, response.fault, response.warnings, ending
            line = _line(world, scope, status, sent, seconds, *marks, response.entry_id)
            self._log.add(line)

    # Everything else.

    async def _respond_with_app(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[str, str],
        name: str,
        rest: str,
    ) -> None:
        began = perf_counter()
        limit = MAX_LARGE_BODY_BYTES if rest in LARGE_BODIES else MAX_BODY_BYTES
        status, sent = await self.bridge.respond(scope, receive, send, headers, limit)
        # What the console reads gets no line; what it changes, and what it is refused, does.
        is_own_page = headers.get("HTTP_SEC_FETCH_SITE") == "same-origin"
        is_of_console = is_own_page and scope["method"] == "GET" and status < HTTPStatus.BAD_REQUEST
        if self._log is not None and not is_of_console:
            seconds = perf_counter() - began
            # The request may have ended its world.
            world = self._registry.existing(name) or self._registry.default
            self._log.add(_line(world, scope, status, sent, seconds))


class WaitsOnLoop(Waits):
    """Waits for requests on the running event loop."""

    def __init__(self, threads: Executor | None) -> None:
        """Make calls that may take long in ``threads``; in the loop's own by default."""
        self._threads = threads

    async def sleep(self, clock: WorldClock, seconds: float, until: IsOver) -> None:
        """Sleep without a thread."""
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        end = clock.now() + timedelta(seconds=seconds)
        with clock.watched(lambda: loop.call_soon_threadsafe(changed.set)):
            while not until() and (left := clock.seconds_until(end)) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), min(left, _POLL_SECONDS))
                changed.clear()

    async def call(self, function: Callable[[], _T]) -> _T:
        """Call ``function`` in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


def _line(world: World, scope: Scope, status: int, sent: int, seconds: float, *marks: Any) -> Line:
    """Return the log's line of a request; ``marks`` are the members that an API request adds."""
    client, verb, path = _client(scope), scope["method"], wsgi_path(scope)
    query = scope["query_string"].decode("latin-1")
    return Line(world, client, verb, path, query, status, sent, seconds, *marks)


def _client(scope: Scope) -> str:
    client: tuple[str, int] | None = scope["client"]
    return "-" if client is None else client[0]


async def _send(response: Response, scope: Scope, send: Send, more: list[tuple[str, str]]) -> int:
    """Send a response with ``more`` headers, or what a fault lets through of it.

    Returns how many bytes of its body were sent.
    """
    body, ending = response.body, ending_of(response, scope["method"])
    connection: Connection = scope[CONNECTION]
    sent = 0
    is_unframed = response.length is None and scope["http_version"] == "1.0"
    if is_unframed:
        connection.leave_unframed()
    try:
        if ending is not None and ending.kind == "dropped":
            connection.end()
            return 0
        headers = [(name.encode(), value.encode()) for name, value in response.headers()]
        headers += [(name.encode(), value.encode("latin-1")) for name, value in more]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return 0
        if isinstance(body, bytes) and ending is None:
            await send({"type": "http.response.body", "body": body, "more_body": False})
            return len(body)
        parts: Iterable[bytes] = body if ending is None else kept(body, ending)  # type: ignore[assignment]
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            sent += len(part)
            if connection.transport.is_closing():  # the client is gone
                connection.end()
                return sent
        if ending is not None or is_unframed:
            connection.end()
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        getattr(body, "close", bool)()
    return sent
