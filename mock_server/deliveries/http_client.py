"""Calls to receivers: an HTTP exchange with a checked address, within limits of time and size.

httpcore speaks HTTP and TLS; ``network`` is what it gets for a network. It knows of no proxy, no
environment and no redirect.
"""

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from time import monotonic
from typing import NamedTuple
from urllib.parse import urljoin

import httpcore

from crmcom_kit.mock_server.deliveries.allowed_hosts import (
    Addresses,
    BadUrl,
    Destination,
    NotCalled,
)
from crmcom_kit.mock_server.deliveries.deadline_streams import (
    CallFailed,
    Connect,
    Connections,
    Enough,
    Network,
    tcp_connect,
)
from crmcom_kit.mock_server.deliveries.senders import Stopped
from crmcom_kit.schemas.third_party import Message

#: How much of the body of a receiver's answer is read.
MAX_ANSWER = 65_536
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
        self._connections = Connections(connect)
        self._given_tls = tls

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
        self._connections.stop()

    def _once(
        self, destination: Destination, message: Message, limits: Limits, deadline: float
    ) -> tuple[Returned, str | None]:
        if self._connections.stopped:
            raise Stopped
        network = Network(self._connections, destination.addresses, deadline)
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
            if self._connections.stopped:
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
    with suppress(httpcore.NetworkError, httpcore.ProtocolError, Enough):
        for part in parts:
            found += part
            if len(found) >= MAX_ANSWER:
                break
    return found[:MAX_ANSWER]


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
    except Enough:
        raise CallFailed("malformed", "no end of headers came back") from None
    except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol) as error:
        raise CallFailed(BadUrl.outcome, f"no HTTP can say it: {error}") from None


def _no_connection(cause: BaseException | None) -> CallFailed:
    if isinstance(cause, ConnectionRefusedError):
        return CallFailed("refused", "nobody listens there")
    if isinstance(cause, ConnectionError):
        return CallFailed("reset", f"the connection broke: {cause}")
    return CallFailed("unreachable", f"there is no way there: {cause}")
