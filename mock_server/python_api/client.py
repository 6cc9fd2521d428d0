"""An httpx transport that calls the mock in this process, and fails as a connection would."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import httpx

from crmcom_kit.mock_server.http.endings import ConnectionCut, ConnectionDropped

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The host in the URLs of a client that needs no socket. It is reserved (RFC 2606).
HOST = "crmcom-mock.invalid"

# Of threads that wait for work: to start one for each request would cost as much as the request.
_idle: list[SimpleQueue[Callable[[], None]]] = []
if hasattr(os, "register_at_fork"):  # a forked process has none of its parent's threads
    os.register_at_fork(after_in_child=_idle.clear)


def _run(work: Callable[[], None]) -> None:
    """Run ``work`` now in a daemon: what was given up does not keep the process alive."""
    try:
        queue = _idle.pop()
    except IndexError:
        queue = SimpleQueue()
        threading.Thread(target=_work, args=(queue,), daemon=True).start()
    queue.put(work)


def _work(queue: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        queue.get()()
        _idle.append(queue)


class InProcess(httpx.BaseTransport):
    """Sends every request to a WSGI application, whatever the host in its URL is."""

    def __init__(self, app: "WSGIApplication", is_stopped: Callable[[], bool] = bool) -> None:
        """Send requests to ``app``, unless ``is_stopped`` returns True."""
        self._app = app
        self._is_stopped = is_stopped

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response to one request.

        Raises:
            httpx.ConnectError: the mock is stopped.
            httpx.RemoteProtocolError: the mock dropped the connection. If it cut the body, reading
                the body raises this.
            httpx.ReadTimeout: the mock took longer than the client's read timeout. The mock carries
                out the request all the same, as a server does.
        """
        request.read()
        if self._is_stopped():
            msg = "Connection refused: the mock is stopped; its start() serves it again"
            raise httpx.ConnectError(msg, request=request)
        seconds = request.extensions.get("timeout", {}).get("read")
        if seconds is None:
            return self._response_to(request)
        results: SimpleQueue[httpx.Response | BaseException] = SimpleQueue()
        _run(partial(self._put_result, request, results))
        try:
            result = results.get(timeout=seconds)
        except Empty:
            msg = "timed out"
            raise httpx.ReadTimeout(msg, request=request) from None
        if isinstance(result, BaseException):
            raise result
        return result

    def _put_result(
        self, request: httpx.Request, results: "SimpleQueue[httpx.Response | BaseException]"
    ) -> None:
        try:
            results.put(self._response_to(request))
        except BaseException as error:  # noqa: BLE001 - raised again in the client's thread
            results.put(error)

    def _response_to(self, request: httpx.Request) -> httpx.Response:
        def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            environ.update(_corrections(request))
            return _until_cut(self._app(environ, start_response))

        # Without headers: httpx's transport cannot represent all of them.
        bare = httpx.Request(request.method, request.url, content=request.content)
        bare.headers = httpx.Headers()
        try:
            response = httpx.WSGITransport(app).handle_request(bare)
        except ConnectionDropped:
            msg = "Server disconnected without sending a response."
            raise httpx.RemoteProtocolError(msg, request=request) from None
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 - it always is
        response.stream = _Body(response.stream, request, response.headers)
        return response


def _corrections(request: httpx.Request) -> dict[str, str]:
    """Return what a WSGI server puts into the environ otherwise than httpx's transport."""
    path = request.url.raw_path.partition(b"?")[0]
    found = {"PATH_INFO": unquote_to_bytes(path).decode("latin-1")}
    for name, value in request.headers.raw:
        key = f"HTTP_{name.decode('ascii').upper().replace('-', '_')}"
        text = value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    for key in ("HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH"):  # the body is complete
        found.pop(key, None)
    if "HTTP_CONTENT_TYPE" in found:
        found["CONTENT_TYPE"] = found.pop("HTTP_CONTENT_TYPE")
    if request.content or request.method not in ("GET", "HEAD"):
        found["CONTENT_LENGTH"] = str(len(request.content))
    return found


def _until_cut(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts of a body; ``_Body`` finds that it was cut."""
    try:
        with suppress(ConnectionCut):
            yield from parts
    finally:
        getattr(parts, "close", bool)()


class _Body(httpx.SyncByteStream):
    """A body that must be as long as announced."""

    def __init__(
        self, stream: httpx.SyncByteStream, request: httpx.Request, headers: httpx.Headers
    ) -> None:
        self._stream, self._request = stream, request
        self._expected = 0 if request.method == "HEAD" else int(headers.get("Content-Length", 0))

    def __iter__(self) -> Iterator[bytes]:
        received = 0
        for part in self._stream:
            received += len(part)
            yield part
        if received < self._expected:
            msg = (
                "peer closed connection without sending complete message body "
                f"(received {received} bytes, expected {self._expected})"
            )
            raise httpx.RemoteProtocolError(msg, request=self._request)

    def close(self) -> None:
        self._stream.close()
