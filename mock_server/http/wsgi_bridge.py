"""Runs a WSGI application, such as Flask's, in threads beside the event loop.

A thread is taken when the whole body has arrived, so that slow senders hold none, and a response
of known length comes back in one piece, so that a busy loop is crossed only once. A stream holds a
thread while it makes its next part.
"""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from crmcom_kit.mock_server.http.connection import CONNECTION, Connection
from crmcom_kit.mock_server.http.requests import Receive, Scope, read_body
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

#: Requests that may run at the same time, besides those of the API. Of these, registry.MAX_WAITING
#: may wait, so that there is always a thread for others.
THREADS = 64

Send = Callable[[dict[str, Any]], Awaitable[None]]


#: Status, headers, the body as far as it is made, and what makes the rest of a stream.
_Begun = tuple[int, list[tuple[bytes, bytes]], bytes, Generator[bytes, None, None] | None]


class WsgiBridge:
    """Responds to a server's requests with a WSGI application.

    This is made with its first request, or when ``warm`` is called: importing Flask is most of what
    a start would cost, and many users need the API alone.
    """

    def __init__(self, make: "Callable[[], WSGIApplication]") -> None:
        """Respond with what ``make`` returns, in at most THREADS threads at the same time."""
        self._make = make
        # Werkzeug compiles its rules, and Python 3.11 breaks if two threads compile at once.
        self._lock = threading.Lock()
        self._app: WSGIApplication | None = None
        self._threads = ThreadPoolExecutor(THREADS, "crmcom-wsgi")

    def warm(self) -> "WSGIApplication":
        """Return the application, which is made once."""
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
        """Respond to one request; return the status, and how many bytes of the body were sent.

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
            await read_body(headers, receive, body, max_body)
            environ = _environ(scope, headers, body)
            begun = await self._in_thread(self._begin, environ)
            try:
                sent = await self._send(begun, scope, send)
            finally:
                if begun[3] is not None:  # in a thread, and also if this task is canceled
                    self._threads.submit(begun[3].close)
        return begun[0], sent

    def _begin(self, environ: "WSGIEnvironment") -> _Begun:
        """Call the application, and make the response if its length is known."""
        started: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            started[:] = int(status[:3]), headers
            return None  # nothing here uses the old way to write

        rest = _closing((self._app or self.warm())(environ, start))
        first = next(rest, b"")  # a generator calls ``start`` only now
        status, headers = started
        encoded = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers]
        if any(name.lower() == "content-length" for name, _ in headers):
            return status, encoded, b"".join([first, *rest]), None
        return status, encoded, first, rest

    async def _send(self, begun: _Begun, scope: Scope, send: Send) -> int:
        """Send a response; return how many bytes of its body."""
        status, headers, body, rest = begun
        connection: Connection = scope[CONNECTION]
        is_unframed = rest is not None and scope["http_version"] == "1.0"
        if is_unframed:
            connection.leave_unframed()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        more = rest is not None
        await send({"type": "http.response.body", "body": body, "more_body": more})
        sent = len(body)
        while rest is not None and more:
            if connection.transport.is_closing():  # the client is gone
                connection.end()
                break
            part = await self._in_thread(next, rest, None)
            more = part is not None
            if not more and is_unframed:
                connection.end()
                break
            body = part or b""
            await send({"type": "http.response.body", "body": body, "more_body": more})
            sent += len(body)
        return sent

    async def _in_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def _closing(parts: Iterable[bytes]) -> Generator[bytes, None, None]:
    """Yield what an application returns, which is closed at the end."""
    try:
        yield from parts
    finally:
        getattr(parts, "close", bool)()


def _environ(scope: Scope, headers: Mapping[str, str], body: IO[bytes]) -> "WSGIEnvironment":
    """Return what WSGI says of a request whose body has arrived."""
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
        # A client that has reset its connection has no address any more.
        "REMOTE_ADDR": scope["client"][0] if scope["client"] else "",
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
