"""The network that httpcore gets: checked addresses, an end in time and in bytes, a way to stop.

A connection goes to one of the addresses that were checked, whatever the name would resolve to by
then, and is read no further when time or bytes are used up.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Any

import httpcore

#: Connects to an address and a port within so many seconds.
Connect = Callable[[str, int, float], httpcore.NetworkStream]

#: How much of a receiver's answer is read in all, headers included.
_MAX_BYTES = 327_680


class CallFailed(Exception):
    """A call without an answer: the outcome's name, and why."""

    def __init__(self, outcome: str, why: str) -> None:
        """Remember ``outcome``."""
        super().__init__(why)
        self.outcome = outcome


def tcp_connect(address: str, port: int, seconds: float) -> httpcore.NetworkStream:
    """Connect over TCP. Raises httpcore's errors."""
    return httpcore.SyncBackend().connect_tcp(address, port, timeout=seconds)


class Connections:
    """The connections that are open; many threads may use them at once."""

    def __init__(self, connect: Connect) -> None:
        """Make connections with ``connect``."""
        self._connect = connect
        self._lock = threading.Lock()
        self._open: set[httpcore.NetworkStream] = set()
        self.stopped = False

    def stop(self) -> None:
        """Cut all connections, and make no new ones."""
        with self._lock:
            self.stopped = True
            streams = tuple(self._open)
        for stream in streams:
            _cut(stream)

    def connected(self, address: str, port: int, seconds: float) -> httpcore.NetworkStream:
        """Return a connection that ``stop`` can cut."""
        stream = self._connect(address, port, seconds)
        with self._lock:
            self._open.add(stream)
            if not self.stopped:
                return stream
        self.closed(stream)
        raise httpcore.ConnectError

    def secured(self, before: httpcore.NetworkStream, stream: httpcore.NetworkStream) -> None:
        """Take note that a connection goes on in TLS: the socket is another one by then."""
        with self._lock:
            self._open.discard(before)
            self._open.add(stream)
            stopped = self.stopped
        if stopped:
            _cut(stream)

    def closed(self, stream: httpcore.NetworkStream) -> None:
        """Close a connection, and forget it."""
        with self._lock:
            self._open.discard(stream)
        stream.close()


class Enough(Exception):
    """More bytes came than are read."""


class Network(httpcore.NetworkBackend):
    """Connects to the checked addresses of one destination, and to nothing else."""

    def __init__(
        self, connections: Connections, addresses: tuple[str, ...], deadline: float
    ) -> None:
        """Connect to one of ``addresses``, until ``deadline`` of the machine's monotonic clock."""
        self._connections = connections
        self._addresses = addresses
        self._deadline = deadline
        self._stream: httpcore.NetworkStream | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to one of the addresses, whatever ``host`` may mean by now."""
        del host, local_address, socket_options
        *others, last = self._addresses
        for address in others:
            with suppress(httpcore.ConnectError):
                return self._connected(address, port, timeout)
        return self._connected(last, port, timeout)

    def _connected(self, address: str, port: int, timeout: float | None) -> "_Limited":
        seconds = _left(self._deadline, timeout, httpcore.ConnectTimeout)
        self._stream = self._connections.connected(address, port, seconds)
        return _Limited(self._stream, self._deadline, self.secured)

    def secured(self, stream: httpcore.NetworkStream) -> None:
        """Go on with this connection, which speaks TLS."""
        if self._stream is not None:
            self._connections.secured(self._stream, stream)
        self._stream = stream

    def close(self) -> None:
        """Close what is open."""
        if self._stream is not None:
            self._connections.closed(self._stream)


def _left(deadline: float, timeout: float | None, late: type[Exception]) -> float:
    """Return how many seconds one step may take. Raises ``late`` when there are none."""
    left = deadline - monotonic()
    if left <= 0:
        raise late
    return left if timeout is None else min(timeout, left)


class _Limited(httpcore.NetworkStream):
    """A connection with an end in time, and in bytes."""

    def __init__(
        self,
        stream: httpcore.NetworkStream,
        deadline: float,
        secured: Callable[[httpcore.NetworkStream], None],
    ) -> None:
        self._stream = stream
        self._deadline = deadline
        self._secured = secured
        self._came = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what comes next."""
        seconds = _left(self._deadline, timeout, httpcore.ReadTimeout)
        part = self._stream.read(max_bytes, seconds)
        self._came += len(part)
        if self._came > _MAX_BYTES:
            raise Enough
        return part

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of ``buffer``."""
        self._stream.write(buffer, _left(self._deadline, timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "_Limited":
        """Go on in TLS."""
        seconds = _left(self._deadline, timeout, httpcore.ConnectTimeout)
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        except httpcore.ConnectError as error:
            raise CallFailed("bad_tls", f"TLS failed: {error}") from None
        self._secured(stream)
        return _Limited(stream, self._deadline, self._secured)

    def get_extra_info(self, info: str) -> Any:
        """Tell about the connection."""
        return self._stream.get_extra_info(info)


def _cut(stream: httpcore.NetworkStream) -> None:
    """End a connection under the hands of the thread that reads from it."""
    found = stream.get_extra_info("socket")
    if isinstance(found, socket.socket):
        with suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)
