"""An httpx transport that calls the mock in this process, and fails as a connection would."""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import httpx

from crmcom_kit.mock_server.http.transmission import ConnectionCut, ConnectionDropped

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

#: Host of the URLs of a client that needs no socket. It is reserved (RFC 2606): nobody can own it.
HOST = "crmcom-mock.invalid"
_PREFER = "X-Mock-Prefer"  # by which a call asks for a fault of its own
_OF_THE_BODY = ("CONTENT_LENGTH", "TRANSFER_ENCODING")  # which is here as a whole already


class InProcess(httpx.BaseTransport):
    """Answers every request from a WSGI application, whatever the host of its URL is."""

    def __init__(
        self, app: "WSGIApplication", *, may_take_long: Callable[[], bool] | None = None
    ) -> None:
        """Call ``app``; in a thread that can be left behind while ``may_take_long`` says so."""
        self._app = app
        self._may_take_long = may_take_long or (lambda: False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            httpx.RemoteProtocolError: the mock dropped the connection; where it cut the answer's
                body, reading the body raises it.
            httpx.ReadTimeout: the mock held the answer back for longer than the client waits; the
                call goes on without it, as on a server.
        """
        request.read()
        call = _Call(self._app, _environ(request))
        patience = request.extensions.get("timeout", {}).get("read")
        if patience is None or not (self._may_take_long() or _PREFER in request.headers):
            call.make()
        elif not call.is_made_within(patience):
            msg = "timed out"
            raise httpx.ReadTimeout(msg, request=request)
        body = _Body(call.parts, request)
        if not call.started:
            body.close()
            raise _dropped(request)
        status, headers = call.started
        body.begin(headers)
        return httpx.Response(status, headers=headers, stream=body)


class _Call:
    """One call of the application."""

    def __init__(self, app: "WSGIApplication", environ: "WSGIEnvironment") -> None:
        self._app, self._environ = app, environ
        self.started: Any = None  # status and headers
        self.parts: Iterable[bytes] = ()
        self._failed: BaseException | None = None

    def make(self) -> None:
        self.parts = self._app(self._environ, self._start)

    def _start(self, status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
        self.started = int(status[:3]), headers
        return lambda _: None

    def is_made_within(self, seconds: float) -> bool:
        thread = threading.Thread(target=self._make_apart, daemon=True)
        thread.start()
        thread.join(seconds)
        if self._failed is not None:
            raise self._failed
        return not thread.is_alive()

    def _make_apart(self) -> None:
        try:
            self.make()
        except BaseException as error:  # noqa: BLE001 - it is raised where the call is wanted
            self._failed = error


class _Body(httpx.SyncByteStream):
    """The parts of an answer, which must be as long together as the answer says."""

    def __init__(self, parts: Iterable[bytes], request: httpx.Request) -> None:
        self._whole = parts
        self._parts = iter(parts)
        self._request = request
        self._first = b""
        self._expected: int | None = None

    def begin(self, headers: Iterable[tuple[str, str]]) -> None:
        """Take the first part of an answer of a known length: one that is dropped has none."""
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        if not lengths:
            return
        try:
            self._first = next(self._parts, b"")
        except ConnectionDropped:
            self.close()
            raise _dropped(self._request) from None
        except ConnectionCut:  # before its first part; whoever reads the body learns of it
            self._parts = iter(())
        if self._request.method != "HEAD":
            self._expected = int(lengths[0])

    def __iter__(self) -> Iterator[bytes]:
        received = 0
        with suppress(ConnectionCut):
            for part in chain([self._first], self._parts):
                received += len(part)
                if part:
                    yield part
        if self._expected is not None and received < self._expected:
            raise _cut(self._request, received, self._expected)

    def close(self) -> None:
        close = getattr(self._whole, "close", None)
        if close is not None:
            close()


# What httpx says over a socket.


def _dropped(request: httpx.Request) -> httpx.RemoteProtocolError:
    msg = "Server disconnected without sending a response."
    return httpx.RemoteProtocolError(msg, request=request)


def _cut(request: httpx.Request, received: int, expected: int) -> httpx.RemoteProtocolError:
    msg = (
        "peer closed connection without sending complete message body "
        f"(received {received} bytes, expected {expected})"
    )
    return httpx.RemoteProtocolError(msg, request=request)


def _environ(request: httpx.Request) -> "WSGIEnvironment":
    path, _, query = request.url.raw_path.partition(b"?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("ascii"),
        "SERVER_NAME": request.url.host,
        "SERVER_PORT": str(request.url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(request.content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if request.content or request.method not in ("GET", "HEAD"):
        environ["CONTENT_LENGTH"] = str(len(request.content))
    for name, value in request.headers.raw:
        key = name.decode("ascii").upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = value.decode("latin-1")
        elif key not in _OF_THE_BODY:
            key, text = f"HTTP_{key}", value.decode("latin-1")
            environ[key] = f"{environ[key]}, {text}" if key in environ else text
    return environ
