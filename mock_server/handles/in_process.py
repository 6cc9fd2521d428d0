"""An httpx transport that calls the mock in this process, and fails as a connection would."""

import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import httpx

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

#: Host of the URLs of a client that needs no socket. It is reserved (RFC 2606): nobody can own it.
HOST = "crmcom-mock.invalid"
_OF_THE_BODY = ("CONTENT_LENGTH", "TRANSFER_ENCODING")  # which is here as a whole already


class InProcess(httpx.BaseTransport):
    """Answers every request from a WSGI application, whatever the host of its URL is."""

    def __init__(self, app: "WSGIApplication") -> None:
        """Call ``app``."""
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            httpx.RemoteProtocolError: the mock dropped the connection; where it cut the answer's
                body, reading the body raises it.
        """
        request.read()
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            started[:] = [int(status[:3]), headers]
            return lambda _: None

        body = _Body(self._app(_environ(request), start_response), request)
        if not started:
            body.close()
            raise _dropped(request)
        status, headers = started
        if request.method != "HEAD":
            body.expect(headers)
        return httpx.Response(status, headers=headers, stream=body)


class _Body(httpx.SyncByteStream):
    """The parts of an answer, which must be as long together as the answer says."""

    def __init__(self, parts: Iterable[bytes], request: httpx.Request) -> None:
        self._parts = parts
        self._request = request
        self._expected: int | None = None

    def expect(self, headers: Iterable[tuple[str, str]]) -> None:
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        self._expected = int(lengths[0]) if lengths else None

    def __iter__(self) -> Iterator[bytes]:
        received = 0
        for part in self._parts:
            received += len(part)
            yield part
        if self._expected is not None and received < self._expected:
            msg = (
                "peer closed connection without sending complete message body "
                f"(received {received} bytes, expected {self._expected})"
            )
            raise httpx.RemoteProtocolError(msg, request=self._request)

    def close(self) -> None:
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()


def _dropped(request: httpx.Request) -> httpx.RemoteProtocolError:
    """Return what a client over a socket raises when the connection ends before an answer."""
    msg = "Server disconnected without sending a response."
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
