"""The ASGI shell: responds to API requests on the event loop, and hands everything else to Flask.

Waiting never blocks the loop: a delay sleeps on it, and a delivery over the network has a thread,
as every request to Flask has. A thread is taken once the complete body is read, so that slow
senders hold none.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from io import BytesIO
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from crmcom_kit.mock_server.admin import LARGE_BODIES, MAX_LARGE_BODY_BYTES
from crmcom_kit.mock_server.api.dispatch import handle
from crmcom_kit.mock_server.clock import IsOver, Waits, WorldClock
from crmcom_kit.mock_server.http.access_log import AccessLog, Line
from crmcom_kit.mock_server.http.connection import CONNECTION, Connection
from crmcom_kit.mock_server.http.endings import cut_body, ending_of
from crmcom_kit.mock_server.http.requests import (
    ClientLeft,
    Receive,
    Route,
    Scope,
    client_of,
    has_body,
    read_body,
    resolve_scope,
)
from crmcom_kit.mock_server.http.wsgi_bridge import THREADS, Send, WsgiBridge, wsgi_path
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES, Request
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_T = TypeVar("_T")
_POLL_SECONDS = 0.5  # between two checks for the end of a wait


class AsgiShell:
    """An ASGI application for a server whose connections are ``Connection``."""

    def __init__(
        self,
        registry: WorldRegistry,
        *,
        log: AccessLog | None = None,
        make_app: "Callable[[], WSGIApplication] | None" = None,
    ) -> None:
        """Respond to API requests; leave others to a WSGI application, by default Flask's."""
        self._registry = registry
        self._log = log
        #: Responds to all requests except those of the API.
        self.bridge = WsgiBridge(make_app or self._make_flask)
        self._waits = WaitsOnLoop(ThreadPoolExecutor(THREADS, "crmcom-delivery"))

    def _make_flask(self) -> "WSGIApplication":
        from crmcom_kit.mock_server.http.app import create_app

        return create_app(self._registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        if scope["type"] != "http":
            return
        with suppress(ClientLeft, asyncio.CancelledError):  # cancelled: the server ends
            await self._respond(scope, receive, send, perf_counter())

    async def _respond(self, scope: Scope, receive: Receive, send: Send, start: float) -> None:
        route = resolve_scope(self._registry, scope)
        world, response = self._registry.default, route.response
        if route.api is not None:
            world, request = route.api
            if has_body(route.headers):
                request = await _read_request(request, receive, route.headers)
            response = await handle(world, request, self._waits)
        if response is None:
            await self._respond_with_app(scope, receive, send, route, start)
            return
        size = await _send(response, scope, send, route.cors)
        if self._log is not None:
            seconds = perf_counter() - start
            early_end = ending_of(response, scope["method"])
            ending = None if early_end is None else early_end.kind
            status = 0 if ending == "dropped" else response.status
            self._log.add(_line(world, scope, status, size, seconds, response, ending))

    async def _respond_with_app(
        self, scope: Scope, receive: Receive, send: Send, route: Route, start: float
    ) -> None:
        limit = MAX_LARGE_BODY_BYTES if route.path in LARGE_BODIES else MAX_BODY_BYTES
        headers = route.headers
        status, size = await self.bridge.respond(scope, receive, send, headers, limit)
        # Reads of the console get no line; its changes and refused requests do.
        is_own_page = headers.get("HTTP_SEC_FETCH_SITE") == "same-origin"
        is_of_console = is_own_page and scope["method"] == "GET" and status < HTTPStatus.BAD_REQUEST
        if self._log is not None and not is_of_console:
            # The request may have ended its world.
            world = self._registry.find(route.world_name) or self._registry.default
            self._log.add(_line(world, scope, status, size, perf_counter() - start))


class WaitsOnLoop(Waits):
    """Waits for requests on the running event loop."""

    def __init__(self, threads: Executor | None) -> None:
        """Run calls that may take long in ``threads``, by default those of the loop."""
        self._threads = threads

    async def sleep(self, clock: WorldClock, seconds: float, until: IsOver) -> None:
        """Sleep without a thread."""
        wakeup = asyncio.Event()
        loop = asyncio.get_running_loop()
        end = clock.now() + timedelta(seconds=seconds)
        with clock.watch(lambda: loop.call_soon_threadsafe(wakeup.set)):
            while not until() and (remaining := clock.seconds_until(end)) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wakeup.wait(), min(remaining, _POLL_SECONDS))
                wakeup.clear()

    async def call(self, function: Callable[[], _T]) -> _T:
        """Call ``function`` in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


def _line(
    world: World, scope: Scope, status: int, size: int, seconds: float,
    response: Response | None = None, ending: str | None = None,
) -> Line:  # fmt: skip
    """Return the log line of a request; ``response`` and ``ending`` are those of the API."""
    client, verb, path = client_of(scope), scope["method"], wsgi_path(scope)
    query = scope["query_string"].decode("latin-1")
    if response is None:
        return Line(world, client, verb, path, query, status, size, seconds)
    statement, fault, warnings = response.statement, response.fault, response.warnings
    # By position: this runs for every request.
    return Line(
        world, client, verb, path, query, status, size, seconds,
        statement, fault, warnings, ending, response.entry_id,
    )  # fmt: skip


async def _read_request(request: Request, receive: Receive, headers: Mapping[str, str]) -> Request:
    """Return a request with its complete body. Raises ClientLeft."""
    body = BytesIO()
    is_whole = await read_body(headers, receive, body, MAX_BODY_BYTES)
    return request._replace(body=body.getvalue() if is_whole else None)


async def _send(response: Response, scope: Scope, send: Send, cors: list[tuple[str, str]]) -> int:
    """Send a response with the headers of ``cors``, or the part before its ending.

    Returns the number of bytes of its body that were sent.
    """
    body, ending = response.body, ending_of(response, scope["method"])
    connection: Connection = scope[CONNECTION]
    size = 0
    is_unframed = response.length is None and scope["http_version"] == "1.0"
    if is_unframed:
        connection.leave_unframed()
    try:
        if ending is not None and ending.kind == "dropped":
            connection.end()
            return 0
        headers = [(name.encode(), value.encode()) for name, value in response.headers()]
        headers += [(name.encode(), value.encode("latin-1")) for name, value in cors]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return 0
        if isinstance(body, bytes) and ending is None:
            await send({"type": "http.response.body", "body": body, "more_body": False})
            return len(body)
        parts: Iterable[bytes] = body if ending is None else cut_body(body, ending)  # type: ignore[assignment]
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            size += len(part)
            if connection.transport.is_closing():  # the client is gone
                connection.end()
                return size
        if ending is not None or is_unframed:
            connection.end()
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        getattr(body, "close", bool)()
    return size
