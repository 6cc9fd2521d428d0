"""Runs a WSGI application, such as Flask's, in threads beside the event loop.

A thread is taken when the complete body has arrived, so that slow senders hold none. A response of
known length comes back in one piece, which needs only one step of a busy loop. A stream holds a
thread while it makes its next part.
"""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from crmcom_kit.mock_server.http.connection import CONNECTION, Connection
from crmcom_kit.mock_server.http.requests import Receive, Scope, read_body
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

#: Requests that may run at the same time, without those of the API. registry.MAX_WAITING of them
#: may wait, so that there is always a thread for others.
THREADS = 64

Send = Callable[[dict[str, Any]], Awaitable[None]]


class _WsgiResponse(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes  # of a stream: its first part
    stream: Generator[bytes, None, None] | None = None  # the other parts


class WsgiBridge:
    """Responds to a server's requests with a WSGI application.

    The first request or ``warm`` makes the application: importing Flask takes most of the time of a
    start, and many users need only the API.
    """

    def __init__(self, make: "Callable[[], WSGIApplication]") -> None:
        """Respond with what ``make`` returns, in at most THREADS threads at the same time."""
        self._make = make
        # Werkzeug compiles its rules, and Python 3.11 breaks if two threads compile at once.
        self._lock = threading.Lock()
        self._app: WSGIApplication | None = None
        self._threads = ThreadPoolExecutor(THREADS, "crmcom-wsgi")

    def warm(self) -> "WSGIApplication":
        """Return the application; make it at the first call."""
        with self._lock:
            if self._app is None:
                self._app = self._make()
            return self._app

    async def respond(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: Mapping[str, str],
        max_body: int = MAX_BODY_BYTES,
    ) -> tuple[int, int]:
        """Respond to one request; return the status, and the number of bytes sent of the body.

        Args:
            scope: that of the request.
            receive: returns the next message.
            send: sends the response.
            headers: those of the request, with CGI names.
            max_body: maximum bytes to read; the application refuses a longer body.

        Raises:
            ClientLeft: the connection ended in the middle of the body.
        """
        with SpooledTemporaryFile(max_size=MAX_BODY_BYTES) as body:
            await read_body(headers, receive, body, max_body)
            environ = _environ(scope, headers, body)
            response = await self._run_in_thread(self._begin, environ)
            try:
                size = await self._send(response, scope, send)
            finally:
                if response.stream is not None:  # in a thread, and also if this task is canceled
                    self._threads.submit(response.stream.close)
        return response.status, size

    def _begin(self, environ: "WSGIEnvironment") -> _WsgiResponse:
        """Call the application, and make the response if its length is known."""
        head: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            head[:] = int(status[:3]), headers
            return None  # Flask does not use the old write function

        parts = _close_after((self._app or self.warm())(environ, start))
        first_part = next(parts, b"")  # a generator calls ``start`` here
        status, headers = head
        header_pairs = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers]
        if any(name.lower() == "content-length" for name, _ in headers):
            return _WsgiResponse(status, header_pairs, b"".join([first_part, *parts]))
        return _WsgiResponse(status, header_pairs, first_part, parts)

    async def _send(self, response: _WsgiResponse, scope: Scope, send: Send) -> int:
        """Send a response; return the number of bytes of its body."""
        status, headers, body, stream = response
        connection: Connection = scope[CONNECTION]
        is_unframed = stream is not None and scope["http_version"] == "1.0"
        if is_unframed:
            connection.leave_unframed()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        has_more = stream is not None
        await send({"type": "http.response.body", "body": body, "more_body": has_more})
        size = len(body)
        while stream is not None and has_more:
            if connection.transport.is_closing():  # the client is gone
                connection.end()
                break
            part = await self._run_in_thread(next, stream, None)
            has_more = part is not None
            if not has_more and is_unframed:
                connection.end()
                break
            body = part or b""
            await send({"type": "http.response.body", "body": body, "more_body": has_more})
            size += len(body)
        return size

    async def _run_in_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def _close_after(parts: Iterable[bytes]) -> Generator[bytes, None, None]:
    """Yield the parts of an application's response, and close it."""
    try:
        yield from parts
    finally:
        getattr(parts, "close", bool)()


def _environ(scope: Scope, headers: Mapping[str, str], body: IO[bytes]) -> "WSGIEnvironment":
    """Return the WSGI environ of a request whose body has arrived."""
    from crmcom_kit.mock_server.admin.routing import CLIENT_LEFT  # as late as Flask

    connection = scope[CONNECTION]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": wsgi_path(scope),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        # A client that has reset its connection has no address.
        "REMOTE_ADDR": scope["client"][0] if scope["client"] else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        CLIENT_LEFT: lambda: connection.has_left,
        **headers,
    }
    if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:
        environ["CONTENT_LENGTH"] = str(body.tell())
    body.seek(0)
    return environ


def wsgi_path(scope: Scope) -> str:
    """Return the path of a request in the encoding of WSGI."""
    path: str = scope["path"]
    return path if path.isascii() else path.encode("utf-8", "replace").decode("latin-1")
