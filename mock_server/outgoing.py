"""Calls to receivers: an HTTP exchange with a checked address, within limits of time and size.

httpcore speaks HTTP and TLS. What it gets for a network is ours: it connects to one of the
addresses that were checked, whatever the name would resolve to by then, and it stops reading when
time or bytes are used up. It knows of no proxy, no environment and no redirect.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urljoin

import httpcore

from crmcom_kit.mock_server.addresses import Addresses, BadUrl, Destination, NotCalled
from crmcom_kit.mock_server.delivery import Stopped
from crmcom_kit.schemas.third_party import Message

#: Connects to an address and a port within so many seconds.
Connect = Callable[[str, int, float], httpcore.NetworkStream]

#: How much of a receiver's answer is read: of its body, and in all.
MOST_ANSWER = 65_536
_MOST_BYTES = MOST_ANSWER + 262_144
_REDIRECTS = {301: False, 302: False, 303: False, 307: True, 308: True}  # whether the body goes on


class Limits(NamedTuple):
    """What a receiver may take; seconds."""

    connect: float = 5.0
    read: float = 10.0
    overall: float = 30.0
    redirects: int = 0


class Returned(NamedTuple):
    """A receiver's answer, as far as it was read."""

    status: int
    reason: str
    body: bytes


class CallFailed(Exception):
    """A call without an answer: the outcome's name, and why."""

    def __init__(self, outcome: str, why: str) -> None:
        """Remember ``outcome``."""
        super().__init__(why)
        self.outcome = outcome


def tcp_connect(address: str, port: int, seconds: float) -> httpcore.NetworkStream:
    """Connect over TCP. Raises httpcore's errors."""
    return httpcore.SyncBackend().connect_tcp(address, port, timeout=seconds)


class Caller:
    """Makes calls; many threads may use it at once."""

    def __init__(
        self,
        addresses: Addresses,
        *,
        connect: Connect = tcp_connect,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Call what ``addresses`` allows.

        Args:
            addresses: decides who may be called.
            connect: makes the connections.
            tls: how certificates are judged; as this machine does where left out.
        """
        self._addresses = addresses
        self._connect = connect
        self._given_tls = tls
        self._lock = threading.Lock()
        self._open: set[httpcore.NetworkStream] = set()
        self._stopped = False

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()

    def call(self, url: str, message: Message, limits: Limits) -> Returned:
        """Send a message and return the answer.

        Raises:
            CallFailed: no answer came, or the URL may not be called.
            Stopped: ``stop`` was called.
        """
        deadline = monotonic() + limits.overall
        left = limits.redirects
        while True:
            try:
                destination = self._addresses.check(url)
            except NotCalled as refused:
                raise CallFailed(refused.outcome, str(refused)) from None
            returned, location = self._once(destination, message, limits, deadline)
            goes_on = _REDIRECTS.get(returned.status)
            if goes_on is None or location is None or left <= 0:
                return returned
            left -= 1
            url = _joined(url, location)
            if not goes_on:
                kept = [(k, v) for k, v in message.headers if k.lower() != "content-type"]
                message = Message("GET", tuple(kept), b"")

    def stop(self) -> None:
        """End all calls that run, and refuse new ones."""
        with self._lock:
            self._stopped = True
            streams = tuple(self._open)
        for stream in streams:
            _cut(stream)

    def _once(
        self, destination: Destination, message: Message, limits: Limits, deadline: float
    ) -> tuple[Returned, str | None]:
        with self._lock:
            if self._stopped:
                raise Stopped
        network = _Network(self, destination, deadline)
        connection = httpcore.HTTPConnection(
            httpcore.Origin(
                destination.scheme.encode(), destination.host.encode(), destination.port
            ),
            ssl_context=self._tls if destination.scheme == "https" else None,
            network_backend=network,
        )
        try:
            with _failures():
                response = connection.handle_request(_request(destination, message, limits))
                try:
                    body = _beginning(response.iter_stream())
                finally:
                    response.close()
        except CallFailed:
            if self._stopped:
                raise Stopped from None
            raise
        finally:
            connection.close()
            network.close()
        reason = response.extensions.get("reason_phrase", b"").decode("ascii", "replace")
        location = next((v for k, v in response.headers if k.lower() == b"location"), None)
        return (
            Returned(response.status, reason, body),
            None if location is None else location.decode("latin-1"),
        )

    def connected(self, address: str, port: int, seconds: float) -> httpcore.NetworkStream:
        """Return a connection that ``stop`` can cut."""
        stream = self._connect(address, port, seconds)
        with self._lock:
            self._open.add(stream)
            if not self._stopped:
                return stream
        self.closed(stream)
        raise httpcore.ConnectError

    def closed(self, stream: httpcore.NetworkStream) -> None:
        """Close a connection, and forget it."""
        with self._lock:
            self._open.discard(stream)
        stream.close()


def _request(destination: Destination, message: Message, limits: Limits) -> httpcore.Request:
    timeouts = {"connect": limits.connect, "read": limits.read, "write": limits.read}
    own = [("Host", destination.authority), ("Connection", "close")]
    if message.body or message.method != "GET":
        own.append(("Content-Length", str(len(message.body))))
    url = httpcore.URL(
        scheme=destination.scheme.encode(),
        host=destination.host.encode(),
        port=destination.port,
        target=destination.target.encode(),
    )
    return httpcore.Request(
        message.method,
        url,
        headers=[*own, *message.headers],
        content=message.body,
        extensions={"timeout": timeouts},
    )


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return location  # which is no URL, and refused as such


def _beginning(parts: Iterable[bytes]) -> bytes:
    """Return the beginning of a body; the rest is not read, and an early end is an end."""
    found = b""
    with suppress(httpcore.NetworkError, httpcore.ProtocolError, _Enough):
        for part in parts:
            found += part
            if len(found) >= MOST_ANSWER:
                break
    return found[:MOST_ANSWER]


class _Enough(Exception):
    """More bytes came than are read."""


class _Network(httpcore.NetworkBackend):
    """Connects to the checked addresses of one destination, and to nothing else."""

    def __init__(self, caller: Caller, destination: Destination, deadline: float) -> None:
        self._caller = caller
        self._destination = destination
        self._deadline = deadline
        self._raw: httpcore.NetworkStream | None = None

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
        *others, last = self._destination.addresses
        for address in others:
            with suppress(httpcore.ConnectError):
                return self._connected(address, port, timeout)
        return self._connected(last, port, timeout)

    def _connected(self, address: str, port: int, timeout: float | None) -> "_Limited":
        seconds = _left(self._deadline, timeout, httpcore.ConnectTimeout)
        self._raw = self._caller.connected(address, port, seconds)
        return _Limited(self._raw, self._deadline)

    def close(self) -> None:
        """Close what is open."""
        if self._raw is not None:
            self._caller.closed(self._raw)


def _left(deadline: float, timeout: float | None, late: type[Exception]) -> float:
    """Return how many seconds one step may take. Raises ``late`` when there are none."""
    left = deadline - monotonic()
    if left <= 0:
        raise late
    return left if timeout is None else min(timeout, left)


class _Limited(httpcore.NetworkStream):
    """A connection with an end in time, and in bytes."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline
        self._came = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what comes next."""
        seconds = _left(self._deadline, timeout, httpcore.ReadTimeout)
        part = self._stream.read(max_bytes, seconds)
        self._came += len(part)
        if self._came > _MOST_BYTES:
            raise _Enough
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
        return _Limited(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Tell about the connection."""
        return self._stream.get_extra_info(info)


def _cut(stream: httpcore.NetworkStream) -> None:
    """End a connection under the hands of the thread that reads from it."""
    found = stream.get_extra_info("socket")
    if isinstance(found, socket.socket):
        with suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn httpcore's errors into outcomes."""
    try:
        yield
    except httpcore.ConnectTimeout:
        raise CallFailed("connect_timeout", "the receiver did not accept in time") from None
    except httpcore.TimeoutException:
        raise CallFailed("timeout", "the receiver did not answer in time") from None
    except httpcore.ConnectError as error:
        raise _no_connection(error.__cause__) from None
    except httpcore.NetworkError as error:
        raise CallFailed("reset", f"the connection broke: {error}") from None
    except httpcore.RemoteProtocolError as error:
        name = "no_response" if "without sending" in str(error) else "malformed"
        raise CallFailed(name, f"no HTTP came back: {error}") from None
    except _Enough:
        raise CallFailed("malformed", "no end of headers came back") from None
    except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol) as error:
        raise CallFailed(BadUrl.outcome, f"no HTTP can say it: {error}") from None


def _no_connection(cause: BaseException | None) -> CallFailed:
    if isinstance(cause, ConnectionRefusedError):
        return CallFailed("refused", "nobody listens there")
    if isinstance(cause, ConnectionError):
        return CallFailed("reset", f"the connection broke: {cause}")
    return CallFailed("unreachable", f"there is no way there: {cause}")
