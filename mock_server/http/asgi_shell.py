"""The ASGI shell: responds to API requests on the event loop, and hands everything else to Flask.

Nothing that waits holds the loop: a fault's delay sleeps on it, and a delivery that is really sent
has a thread, as everything in Flask does. A body is read whole before a thread is taken, so that
slow senders hold none.
"""

import asyncio
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from crmcom_kit.mock_server.access import api_refusal
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
from crmcom_kit.mock_server.http.wsgi_bridge import (
    ClientLeft,
    Receive,
    Scope,
    Send,
    WsgiBridge,
    next_part,
    wsgi_path,
)
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES
from crmcom_kit.mock_server.protocol.response import Response, usage_error_response
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.routing import (
    CONTROL,
    WORLD_HEADER,
    split_path,
    world_for,
    world_of,
)
from crmcom_kit.usage_errors import UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: Where bodies may be a whole world, and how long they may be then, in bytes.
LARGE_BODIES = frozenset({f"{CONTROL}/records", f"{CONTROL}/state"})
MAX_LARGE_BODY_BYTES = 1024**3


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
        """Respond to the API's requests; leave the rest to ``app``, Flask's.

        Args:
            registry: the worlds.
            app: responds to what is not the API's, in threads.
            threads: how many requests may run in threads at the same time; as many deliveries.
            log: the access log.
        """
        self._registry = registry
        self._log = log
        self._bridge = WsgiBridge(app, threads=threads)
        self._deliveries = ThreadPoolExecutor(threads, "crmcom-delivery")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
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

    def log_refusal(self, client: str, verb: str, target: str, status: int, reason: str) -> None:
        """Log a request that the server refused, which never came here."""
        if self._log is not None:
            path, _, query = target.partition("?")
            world = world_of(path, None, self._registry)
            path = wsgi_path({"path": unquote(path)})
            size = len(reason)
            entry = Entry(world, client, verb, path, query, status, size, 0.0, warnings=[reason])
            self._log.add(entry)

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
                response = usage_error_response(error)
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
                    wsgi_path(scope),
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

    async def _run(self, generator: Generator[Wait, Any, Response]) -> Response:
        """Return the response at the end of ``generator``, as ``dispatch`` does without a loop."""
        try:
            wait = next(generator)
            while True:
                try:
                    result = await self._wait(wait)
                except Exception as error:  # noqa: BLE001 - the request decides what it means
                    wait = generator.throw(error)
                else:
                    wait = generator.send(result)
        except StopIteration as end:
            response: Response = end.value
            return response
        finally:
            generator.close()  # if the server ends meanwhile

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
        limit = MAX_LARGE_BODY_BYTES if rest in LARGE_BODIES else MAX_BODY_BYTES
        status, sent = await self._bridge.answer(scope, receive, send, headers, limit)
        if self._log is not None:
            world = world_of(scope["path"], headers.get(WORLD_HEADER), self._registry)
            self._log.add(
                Entry(
                    world,
                    _client(scope),
                    scope["method"],
                    wsgi_path(scope),
                    scope["query_string"].decode("latin-1"),
                    status,
                    sent,
                    perf_counter() - began,
                )
            )


def _client(scope: Scope) -> str:
    client: tuple[str, int] | None = scope["client"]
    return "-" if client is None else client[0]


async def _body(headers: dict[str, str], receive: Receive) -> bytes | None:
    """Return a body; None if it is longer than the API reads. Raises ClientLeft."""
    length = headers.pop("CONTENT_LENGTH", None)
    if length is None and "HTTP_TRANSFER_ENCODING" not in headers:
        return b""
    if length is not None and int(length) > MAX_BODY_BYTES:
        return None
    found, more = bytearray(), True
    while more and len(found) <= MAX_BODY_BYTES:
        part, more = await next_part(receive)
        found += part
    return None if len(found) > MAX_BODY_BYTES else bytes(found)


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
            if connection.transport.is_closing():  # the client is gone
                return sent
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except ConnectionEnded:
        connection.end(scope)
    finally:
        getattr(body, "close", bool)()
    return sent
