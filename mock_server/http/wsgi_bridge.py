"""Runs a WSGI application, such as Flask's, in threads beside the event loop.

A thread is taken when the whole body has arrived, so that slow senders hold none, and a response
of known length comes back in one piece, so that a busy loop is crossed only once. A stream holds a
thread while it makes its next part.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from crmcom_kit.mock_server.http.connection import CONNECTION
from crmcom_kit.mock_server.http.requests import asgi_headers
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ClientLeft(Exception):
    """The connection ended before the request did."""


class _Response(NamedTuple):
    """A response as far as it is made: all of it, or its beginning and what makes the rest."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    rest: "_Stream | None"


class _Stream(NamedTuple):
    parts: Iterator[bytes]
    close: Callable[[], object]


class WsgiBridge:
    """An ASGI application that answers with a WSGI application."""

    def __init__(self, app: "WSGIApplication", *, threads: int) -> None:
        """Answer with ``app``, in at most ``threads`` threads at the same time."""
        self._app = app
        self._threads = ThreadPoolExecutor(threads, "crmcom-wsgi")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.answer(scope, receive, send, asgi_headers(scope["headers"]))

    async def answer(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[str, str],
        max_body: int = MAX_BODY_BYTES,
    ) -> tuple[int, int]:
        """Answer one request; return the status, and how many bytes of the body were sent.

        Args:
            scope: the request's.
            receive: returns what arrives.
            send: sends the response.
            headers: the request's, as CGI names them.
            max_body: bytes of the body that are read; the application refuses a longer one.

        Raises:
            ClientLeft: in the middle of the request's body.
        """
        with SpooledTemporaryFile(max_size=MAX_BODY_BYTES) as body:
            await _spool(headers, receive, body, max_body)
            environ = _environ(scope, headers, body)
            response = await self._in_thread(self._begin, environ)
            try:
                sent = await self._send(response, scope, send)
            finally:
                if response.rest is not None:  # in a thread, and also if this task is canceled
                    self._threads.submit(response.rest.close)
        return response.status, sent

    def _begin(self, environ: "WSGIEnvironment") -> _Response:
        """Call the application, and make the response if its length is known."""
        started: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            started[:] = int(status[:3]), headers
            return None  # nothing here uses the old way to write

        parts = self._app(environ, start)
        close = getattr(parts, "close", bool)
        iterator = iter(parts)
        first = b"" if started else next(iterator, b"")  # a generator may start it only now
        status, headers = started
        encoded = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers]
        if any(name.lower() == "content-length" for name, _ in headers):
            try:
                return _Response(status, encoded, b"".join([first, *iterator]), None)
            finally:
                close()
        return _Response(status, encoded, first, _Stream(iterator, close))

    async def _send(self, response: _Response, scope: Scope, send: Send) -> int:
        """Send a response; return how many bytes of its body."""
        connection, rest = scope[CONNECTION], response.rest
        ends_by_closing = rest is not None and scope["http_version"] == "1.0"
        if ends_by_closing:
            connection.end_with_body(scope)
        head = {"status": response.status, "headers": response.headers}
        await send({"type": "http.response.start", **head})
        more = rest is not None
        await send({"type": "http.response.body", "body": response.body, "more_body": more})
        sent = len(response.body)
        while rest is not None and more:
            if connection.transport.is_closing():  # the client is gone
                connection.end(scope)
                break
            part = await self._in_thread(next, rest.parts, None)
            more = part is not None
            if ends_by_closing and not more:
                connection.end(scope)
                break
            body = part or b""
            await send({"type": "http.response.body", "body": body, "more_body": more})
            sent += len(body)
        return sent

    async def _in_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def _environ(scope: Scope, headers: dict[str, str], body: IO[bytes]) -> "WSGIEnvironment":
    """Return what WSGI says of a request whose body has arrived."""
    from crmcom_kit.mock_server.admin.call import CLIENT_LEFT  # as late as Flask

    connection = scope[CONNECTION]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": wsgi_path(scope),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        CLIENT_LEFT: lambda: connection.is_left,
        **headers,
    }
    if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:
        environ["CONTENT_LENGTH"] = str(body.tell())
    body.seek(0)
    return environ


def wsgi_path(scope: Scope) -> str:
    """Return the path of a request as WSGI has it."""
    path: str = scope["path"]
    return path if path.isascii() else path.encode("utf-8", "replace").decode("latin-1")


async def _spool(headers: dict[str, str], receive: Receive, body: IO[bytes], limit: int) -> None:
    """Write a body to a file, up to ``limit`` bytes and a little more. Raises ClientLeft."""
    length = headers.get("CONTENT_LENGTH")
    more = "HTTP_TRANSFER_ENCODING" in headers if length is None else 0 < int(length) <= limit
    while more and body.tell() <= limit:
        part, more = await next_part(receive)
        body.write(part)


async def next_part(receive: Receive) -> tuple[bytes, bool]:
    """Return the next part of a body, and whether there are more. Raises ClientLeft."""
    message = await receive()
    if message["type"] != "http.request":
        raise ClientLeft
    return message["body"], message["more_body"]
