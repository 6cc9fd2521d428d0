"""The delivery that really sends: an HTTP exchange with a checked address, within limits.

httpcore speaks HTTP and TLS. It uses no proxy, no environment and no redirect, and connects only to
the addresses that ``allowed_hosts`` checked, whatever the name would resolve to by then.
"""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, NamedTuple

import httpcore

from crmcom_kit.deadline_streams import Deadline, DeadlineStream, TooManyBytes
from crmcom_kit.mock_server.deliveries.allowed_hosts import AllowedHosts, Destination
from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage, message_of
from crmcom_kit.mock_server.deliveries.outcomes import (
    CallFailed,
    Outcome,
    OutcomeName,
    Stopped,
    outcome_of,
    outcome_of_status,
)
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages

#: How much of the body of a receiver's response is read.
MAX_BODY = 65_536
#: How much of a receiver's response is read in all, headers included.
_MAX_BYTES = 327_680

#: Connects to an address and a port within this many seconds.
Connect = Callable[[str, int, float], httpcore.NetworkStream]


class ReceiverResponse(NamedTuple):
    """A receiver's response, as far as it was read."""

    status: int
    reason: str
    body: bytes


def tcp_connect(address: str, port: int, seconds: float) -> httpcore.NetworkStream:
    """Connect over TCP. Raises httpcore's errors."""
    return httpcore.SyncBackend().connect_tcp(address, port, timeout=seconds)


class HttpDelivery:
    """Sends webhook requests over HTTP; many threads may use it at once."""

    def __init__(
        self,
        dialect: Dialect,
        allowed_hosts: AllowedHosts,
        *,
        tls: ssl.SSLContext | None = None,
        connect: Connect = tcp_connect,
    ) -> None:
        """Send as ``dialect`` says.

        Args:
            dialect: what is sent (``message.*``), and how long it may take (``delivery.timeout``).
            allowed_hosts: decides which URLs may be called.
            tls: how certificates are verified; by default as on this machine.
            connect: makes the connections.
        """
        self._messages = ThirdPartyMessages(dialect)
        self._dialect = dialect
        self._allowed_hosts = allowed_hosts
        self._given_tls = tls
        self._connect = connect
        self._lock = threading.Lock()
        self._open: set[_Network] = set()
        self._stopped = False

    def send(self, message: OutgoingMessage) -> Outcome:
        """Send once, and return the outcome. Raises Stopped."""
        url, limit = message.url, self._dialect["delivery.description_limit"]
        try:
            response = self._call(url, message_of(self._messages, message))
        except CallFailed as failed:
            return outcome_of(failed.outcome, url, limit, why=str(failed))
        status, success = response.status, self._dialect["delivery.success"]
        if success == "any" or status == 200 or (success == "2xx" and status // 100 == 2):
            return Outcome(OutcomeName.SUCCESS, None, None, status, response.body)
        return outcome_of_status(status, response.reason, url, limit, answer=response.body)

    def stop(self) -> None:
        """Cut the connections that are open, and send nothing until ``resume``."""
        with self._lock:
            self._stopped = True
            networks = tuple(self._open)
        for network in networks:
            network.cut()

    def resume(self) -> None:
        """Send again after ``stop``."""
        self._stopped = False

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()

    def _call(self, url: str, message: Message) -> ReceiverResponse:
        """Send a message and return the response; a redirect is one, too.

        Raises:
            CallFailed: no response came, or the URL may not be called.
            Stopped: ``stop`` was called.
        """
        deadline = Deadline(self._dialect["delivery.timeout"] / 1000)
        return self._exchange(self._allowed_hosts.check(url), message, deadline)

    def _exchange(self, to: Destination, message: Message, deadline: Deadline) -> ReceiverResponse:
        network = _Network(self._connect, to.addresses, deadline)
        with self._lock:
            if self._stopped:
                raise Stopped
            self._open.add(network)
        origin = httpcore.Origin(to.scheme.encode(), to.host.encode(), to.port)
        tls = self._tls if to.scheme == "https" else None
        connection = httpcore.HTTPConnection(origin, ssl_context=tls, network_backend=network)
        try:
            with _failures(network):
                response = connection.handle_request(_request(to, message))
                try:
                    body = _beginning(response.iter_stream())
                finally:
                    response.close()
        except CallFailed:
            if network.is_cut:  # also if others may be sent again by now
                raise Stopped from None
            raise
        finally:
            with self._lock:
                self._open.discard(network)
            connection.close()
            network.close_stream()
        reason = response.extensions.get("reason_phrase", b"").decode("ascii", "replace")
        return ReceiverResponse(response.status, reason, body)


class _Network(httpcore.NetworkBackend):
    """Connects to the checked addresses of one destination, and to nothing else."""

    def __init__(self, connect: Connect, addresses: tuple[str, ...], deadline: Deadline) -> None:
        self._connect, self._addresses, self._deadline = connect, addresses, deadline
        self._stream: DeadlineStream | None = None
        #: Whether ``cut`` was called.
        self.is_cut = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to one of the addresses, whatever ``host`` may resolve to by now.

        Each address gets its share of the time that is left, so that a silent one takes none from
        the next.
        """
        del host, local_address, socket_options
        connecting = Deadline(self._deadline.left(httpcore.ConnectTimeout, timeout))
        *others, last = self._addresses
        for tried, address in enumerate(others):
            share = connecting.left(httpcore.ConnectTimeout) / (len(self._addresses) - tried)
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._open_stream(address, port, share)
        return self._open_stream(last, port, connecting.left(httpcore.ConnectTimeout))

    def _open_stream(self, address: str, port: int, seconds: float) -> DeadlineStream:
        if self.is_cut:
            raise Stopped
        connection = self._connect(address, port, seconds)
        self._stream = stream = DeadlineStream(connection, self._deadline, _MAX_BYTES)
        if self.is_cut:  # meanwhile
            stream.cut()
        return stream

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, before or after the TLS handshake."""
        return self._stream is not None

    def cut(self) -> None:
        """End the connection while another thread uses it."""
        self.is_cut = True
        if self._stream is not None:
            self._stream.cut()

    def close_stream(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            self._stream.close()


def _request(to: Destination, message: Message) -> httpcore.Request:
    own = [("Host", to.authority), ("Connection", "close")]
    if message.body or message.method != "GET":
        own.append(("Content-Length", str(len(message.body))))
    return httpcore.Request(
        message.method,
        httpcore.URL(
            scheme=to.scheme.encode(),
            host=to.host.encode(),
            port=to.port,
            target=to.target.encode(),
        ),
        headers=[*own, *message.headers],
        content=message.body,
    )


def _beginning(parts: Iterable[bytes]) -> bytes:
    """Return the beginning of a body; the rest is not read, and an early end is an end."""
    found = b""
    with suppress(httpcore.NetworkError, httpcore.ProtocolError, TooManyBytes):
        for part in parts:
            found += part
            if len(found) >= MAX_BODY:
                break
    return found[:MAX_BODY]


@contextmanager
def _failures(network: _Network) -> Iterator[None]:
    """Turn httpcore's errors into outcomes."""
    try:
        yield
    except httpcore.ConnectTimeout:
        raise CallFailed(
            OutcomeName.CONNECT_TIMEOUT, "the receiver did not accept the connection in time"
        ) from None
    except httpcore.TimeoutException:
        raise CallFailed(OutcomeName.TIMEOUT, "the receiver did not respond in time") from None
    except httpcore.ConnectError as error:
        if network.is_connected:
            raise CallFailed(OutcomeName.BAD_TLS, f"TLS failed: {error}") from None
        raise _no_connection(error.__cause__) from None
    except httpcore.NetworkError as error:
        raise CallFailed(OutcomeName.RESET, f"the connection was lost: {error}") from None
    except httpcore.RemoteProtocolError as error:
        early = "without sending" in str(error)
        name = OutcomeName.NO_RESPONSE if early else OutcomeName.MALFORMED
        raise CallFailed(name, f"the response is not HTTP: {error}") from None
    except TooManyBytes:
        raise CallFailed(OutcomeName.MALFORMED, "the response headers are too long") from None
    except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol) as error:
        raise CallFailed(
            OutcomeName.BAD_URL, f"the URL or a header is not valid in HTTP: {error}"
        ) from None


def _no_connection(cause: BaseException | None) -> CallFailed:
    if isinstance(cause, ConnectionRefusedError):
        return CallFailed(OutcomeName.REFUSED, "no server listens there")
    if isinstance(cause, ConnectionError):
        return CallFailed(OutcomeName.RESET, f"the connection was lost: {cause}")
    return CallFailed(OutcomeName.UNREACHABLE, f"the receiver cannot be reached: {cause}")
