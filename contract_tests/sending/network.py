"""The way to a target over the network, with a deadline for each whole exchange.

The time-outs that HTTP libraries know count from one byte to the next: a server that sends a byte
now and then, or one interim answer after the other, never meets them. Here every wait is cut to
what is left of the exchange's time. Nothing is kept from one exchange to the next but the
connection: no cookies are sent back, no redirects followed.
"""

from collections.abc import Callable, Iterable, Iterator
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

#: What a network may do instead of answering.
FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)

#: A connection that was idle for so many seconds is not used again; servers close theirs.
_IDLE = 5.0


class _Deadline:
    """When the present exchange has to be over."""

    def __init__(self, seconds: float, now: Callable[[], float]) -> None:
        self._seconds, self._now = seconds, now
        self.begin()

    def begin(self) -> None:
        self._ends = self._now() + self._seconds

    def left(self, late: type[Exception]) -> float:
        """Return how many seconds are left. Raises ``late`` where none are."""
        left = self._ends - self._now()
        if left <= 0:
            msg = f"not over within {self._seconds:g} s"
            raise late(msg)
        return left


class _Stream(httpcore.NetworkStream):
    """A connection that waits no longer than to the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - theirs
        return self._inner.read(max_bytes, self._deadline.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - theirs
        self._inner.write(buffer, self._deadline.left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - theirs
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    """Makes connections that keep to the deadline."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is what counts
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        inner = super().connect_tcp(host, port, left, local_address, socket_options)
        return _Stream(inner, self._deadline)


class _Body(httpx.SyncByteStream):
    """An answer's body as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class Network(httpx.BaseTransport):
    """Sends requests over the network; no exchange lasts longer than it may."""

    def __init__(self, timeout: float, now: Callable[[], float]) -> None:
        """Let an exchange, from its connection to its last byte, take ``timeout`` seconds."""
        self._deadline = _Deadline(timeout, now)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            keepalive_expiry=_IDLE,
            network_backend=_Backend(self._deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of what it returns is yet to be read. Raises ``FAILURES``."""
        self._deadline.begin()
        url = request.url
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.read(),
        )
        answer = self._pool.handle_request(asked)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
