"""The ASGI shell: answers the API on the event loop, and hands everything else to Flask.

Nothing that waits holds the loop: a fault's delay sleeps on it, and a delivery that is really sent
has a thread, as everything in Flask does. A body is read whole before a thread is taken, so that
slow senders hold none.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from time import perf_counter
from typing import IO, TYPE_CHECKING, Any

from a2wsgi import WSGIMiddleware

from crmcom_kit.mock_server.access import api_refusal
from crmcom_kit.mock_server.admin.call import CLIENT_LEFT
from crmcom_kit.mock_server.api.dispatch import steps
from crmcom_kit.mock_server.api.waits import Delay, Wait
from crmcom_kit.mock_server.http.access_log import AccessLog, Entry
from crmcom_kit.mock_server.http.connection import CONNECTION, Connection
from crmcom_kit.mock_server.http.requests import (
    admin_token_of,
    api_path,
    asgi_headers,
    caller_of,
    request_of,
)
from crmcom_kit.mock_server.http.transmission import (
    ConnectionEnded,
    ended,
    refusal,
)
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES
from crmcom_kit.mock_server.protocol.response import Response, misused
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.routing import (
    CONTROL,
    WORLD_HEADER,
    split_path,
    world_for,
    world_of,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: Where bodies may be a whole world, and how long they may be then, in bytes.
LARGE_BODIES = frozenset({f"{CONTROL}/records", f"{CONTROL}/state"})
MAX_LARGE_BODY_BYTES = 1024**3
_BODY = "crmcom_kit.body"


class ClientLeft(Exception):
    """The connection ended before the request did."""


class AsgiShell:
    """An ASGI application for a server whose connections are ``Connection``."""

    def __init__(
        self,
        registry: WorldRegistry,
        app: "WSGIApplication",
        *,
        threads: int,
        log: AccessLog | None = None,
    ) -> None:
        """Answer the API's requests; leave the rest to ``app``, Flask's.

        Args:
            registry: the worlds.
            app: answers what is not the API's, in threads.
            threads: how many requests may run in threads at the same time; as many deliveries.
            log: the access log.
        """
        self._registry = registry
        self._app = app
        self._log = log
        self._in_threads: Any = WSGIMiddleware(self._call_app, workers=threads)  # type: ignore[arg-type]
        self._deliveries = ThreadPoolExecutor(threads, "crmcom-delivery")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = asgi_headers(scope["headers"])
        name, rest = split_path(scope["path"])
        path = api_path(rest)
        with suppress(ClientLeft, asyncio.CancelledError):  # cancelled: the server ends
            if path is None:
                await self._answer_with_app(scope, receive, send, headers, rest)
            else:
                await self._answer_as_api(scope, receive, send, headers, name, path)

    # The API.

    async def _answer_as_api(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[str, str],
        name: str | None,
        path: str,
    ) -> None:
        began = perf_counter()
        world = self._registry.default
        refused = api_refusal(self._registry.access, caller_of(_client(scope), headers))
        if refused is not None:
            response = refusal(refused)
        else:
            try:
                world = world_for(
                    name, headers.get(WORLD_HEADER), self._registry, admin_token_of(headers)
                )
            except UsageError as error:
                response = misused(error)
            else:
                content_type = headers.pop("CONTENT_TYPE", "")
                body = await _body(headers, receive)
                request = request_of(
                    scope["method"],
                    path,
                    scope["query_string"],
                    body,
                    content_type,
                    _client(scope),
                    headers,
                )
                response = await self._run(steps(world, request))
        sent = await _send(response, scope, send)
        if self._log is not None:
            ending = None if response.ending is None else response.ending.kind
            self._log.add(
                Entry(
                    world,
                    _client(scope),
                    scope["method"],
                    _wsgi_path(scope),
                    scope["query_string"].decode("latin-1"),
                    0 if ending == "dropped" else response.status,
                    sent,
                    perf_counter() - began,
                    response.statement,
                    response.fault,
                    response.warnings,
                    ending,
                )
            )

    async def _run(self, way: Generator[Wait, Any, Response]) -> Response:
        """Return the response at the end of ``way``; wait where it has to wait."""
        try:
            wait = next(way)
            while True:
                try:
                    result = await self._wait(wait)
                except Exception as error:  # noqa: BLE001 - the request decides what it means
                    wait = way.throw(error)
                else:
                    wait = way.send(result)
        except StopIteration as end:
            response: Response = end.value
            return response
        finally:
            way.close()  # if the server ends meanwhile

    async def _wait(self, wait: Wait) -> Any:
        if isinstance(wait, Delay):
            return await wait.wait()
        return await asyncio.get_running_loop().run_in_executor(self._deliveries, wait.block)

    # Everything else.

    async def _answer_with_app(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[str, str],
        rest: str,
    ) -> None:
        began = perf_counter()
        status = sent = 0

        async def counted(message: dict[str, Any]) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        limit = MAX_LARGE_BODY_BYTES if rest in LARGE_BODIES else MAX_BODY_BYTES
        with SpooledTemporaryFile(max_size=MAX_BODY_BYTES) as body:
            await _spool(headers, receive, body, limit)
            # Headers with an underscore could pass for others, as X_Mock_World for X-Mock-World.
            plain = [header for header in scope["headers"] if b"_" not in header[0]]
            handed = {**scope, "headers": plain, _BODY: body}
            await self._in_threads(handed, receive, counted)
        if self._log is not None:
            world = world_of(scope["path"], headers.get(WORLD_HEADER), self._registry)
            self._log.add(
                Entry(
                    world,
                    _client(scope),
                    scope["method"],
                    _wsgi_path(scope),
                    scope["query_string"].decode("latin-1"),
                    status,
                    sent,
                    perf_counter() - began,
                )
            )

    def _call_app(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        """Answer a request whose body has arrived, in a thread."""
        scope = environ["asgi.scope"]
        body, connection = scope[_BODY], scope[CONNECTION]
        size = body.tell()
        body.seek(0)
        environ["wsgi.input"], environ["wsgi.errors"] = body, sys.stderr
        environ["SCRIPT_NAME"] = ""  # not what the process's environment says
        if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:
            environ["CONTENT_LENGTH"] = str(size)
        environ[CLIENT_LEFT] = lambda: connection.is_left

        def start(status: str, found: list[tuple[str, str]], *rest: Any) -> Any:
            _check(connection)
            return start_response(status, found, *rest)

        return _while_connected(self._app(environ, start), connection)


def _check(connection: Connection) -> None:
    """Raise ClientLeft if a thread would send to a connection that has ended."""
    if connection.transport.is_closing():
        raise ClientLeft


def _while_connected(parts: "Iterable[bytes]", connection: Connection) -> "Iterator[bytes]":
    try:
        for part in parts:
            _check(connection)
            yield part
    finally:
        getattr(parts, "close", bool)()


def _client(scope: Scope) -> str:
    client: tuple[str, int] | None = scope["client"]
    return "-" if client is None else client[0]


def _wsgi_path(scope: Scope) -> str:
    """Return the path as WSGI has it, and so the log."""
    path: str = scope["path"]
    return path if path.isascii() else path.encode("utf-8", "replace").decode("latin-1")


async def _body(headers: dict[str, str], receive: Receive) -> bytes | None:
    """Return a body; None if it is longer than the API reads. Raises ClientLeft."""
    length = headers.pop("CONTENT_LENGTH", None)
    if length is None and "HTTP_TRANSFER_ENCODING" not in headers:
        return b""
    if length is not None and int(length) > MAX_BODY_BYTES:
        return None
    found, more = bytearray(), True
    while more and len(found) <= MAX_BODY_BYTES:
        part, more = await _part(receive)
        found += part
    return None if len(found) > MAX_BODY_BYTES else bytes(found)


async def _spool(headers: dict[str, str], receive: Receive, body: IO[bytes], limit: int) -> None:
    """Write a body to a file, up to ``limit`` bytes and a little more. Raises ClientLeft."""
    length = headers.get("CONTENT_LENGTH")
    more = "HTTP_TRANSFER_ENCODING" in headers if length is None else 0 < int(length) <= limit
    while more and body.tell() <= limit:
        part, more = await _part(receive)
        body.write(part)


async def _part(receive: Receive) -> tuple[bytes, bool]:
    """Return the next part of a body, and whether there are more. Raises ClientLeft."""
    message = await receive()
    if message["type"] != "http.request":
        raise ClientLeft
    return message["body"], message["more_body"]


async def _send(response: Response, scope: Scope, send: Send) -> int:
    """Send a response, or what a fault lets through of it; return how many bytes of its body."""
    body, ending, is_head = response.body, response.ending, scope["method"] == "HEAD"
    connection: Connection = scope[CONNECTION]
    sent = 0
    if response.length is None and scope["http_version"] == "1.0":  # which knows no chunks
        body = response.body = b"".join(body)  # type: ignore[arg-type]
        response.length = len(body)
    try:
        if ending is not None and ending.kind == "dropped":
            connection.end(scope)
            return 0
        headers = [(name.encode(), value.encode()) for name, value in response.headers()]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if isinstance(body, bytes) and (ending is None or is_head):
            await send({"type": "http.response.body", "body": body, "more_body": False})
            return 0 if is_head else len(body)
        parts: Iterable[bytes] = body if ending is None else ended(body, ending)  # type: ignore[assignment]
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            sent += len(part)
            if connection.transport.is_closing():  # nobody reads on
                return sent
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except ConnectionEnded:
        connection.end(scope)
    finally:
        getattr(body, "close", bool)()
    return sent
