"""httpcore connections with a deadline for each complete exchange, and a limit in bytes.

The timeouts of HTTP libraries count from one byte to the next: a peer that sends a byte now and
then, or interim responses, never reaches them. Here every wait ends at the deadline of the
exchange. The mock's deliveries and the contract kit's requests use this module.
"""

import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from ssl import SSLContext
from time import monotonic
from typing import Any

import httpcore


class TooManyBytes(Exception):
    """The peer sent more bytes than the limit."""


class Deadline:
    """The moment at which an exchange must have ended."""

    def __init__(self, seconds: float, now: Callable[[], float] = monotonic) -> None:
        """Start an exchange that may take ``seconds``; ``now`` is a monotonic clock."""
        self._seconds, self._now = seconds, now
        self.restart()

    def restart(self, seconds: float | None = None) -> None:
        """Start the next exchange, which may take ``seconds``, by default those of the first."""
        self._limit = self._seconds if seconds is None else seconds
        self._ends = self._now() + self._limit

    def remaining(self, late: type[Exception], timeout: float | None = None) -> float:
        """Return the seconds for one step, at most ``timeout``. Raises ``late``."""
        seconds = self._ends - self._now()
        if seconds <= 0:
            msg = f"not finished within {self._limit:.3g} s"
            raise late(msg)
        return seconds if timeout is None else min(timeout, seconds)


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose waits end at the deadline."""

    def __init__(
        self, stream: httpcore.NetworkStream, deadline: Deadline, max_bytes: int | None = None
    ) -> None:
        """Use ``stream``; read at most ``max_bytes``, any number by default."""
        self._stream, self._deadline, self._bytes_left = stream, deadline, max_bytes
        self._is_cut = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes. Raises httpcore.ReadTimeout, TooManyBytes."""
        part = self._stream.read(max_bytes, self._deadline.remaining(httpcore.ReadTimeout, timeout))
        if self._bytes_left is not None:
            self._bytes_left -= len(part)
            if self._bytes_left < 0:
                raise TooManyBytes
        return part

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of ``buffer``. Raises httpcore.WriteTimeout."""
        self._stream.write(buffer, self._deadline.remaining(httpcore.WriteTimeout, timeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def cut(self) -> None:
        """End the connection while another thread reads from it or writes to it."""
        self._is_cut = True
        connection = self._stream.get_extra_info("socket")
        if isinstance(connection, socket.socket):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "DeadlineStream":
        """Return this connection, which continues in TLS. Raises httpcore.ConnectTimeout."""
        seconds = self._deadline.remaining(httpcore.ConnectTimeout, timeout)
        self._stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        if self._is_cut:  # in the meantime, with another socket
            self.cut()
        return self

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection."""
        return self._stream.get_extra_info(info)


class DeadlineBackend(httpcore.SyncBackend):
    """A network for httpcore whose connections have a deadline."""

    def __init__(self, deadline: Deadline, max_bytes: int | None = None) -> None:
        """Connect until ``deadline``; read at most ``max_bytes`` from each connection."""
        self._deadline, self._max_bytes = deadline, max_bytes

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> DeadlineStream:
        """Connect over TCP. Raises httpcore.ConnectTimeout, httpcore.ConnectError."""
        seconds = self._deadline.remaining(httpcore.ConnectTimeout, timeout)
        stream = super().connect_tcp(host, port, seconds, local_address, socket_options)
        return DeadlineStream(stream, self._deadline, self._max_bytes)
