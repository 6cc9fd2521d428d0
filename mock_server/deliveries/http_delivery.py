"""The delivery that really sends: an HTTP exchange with a checked address, within limits.

httpcore speaks HTTP and TLS. It uses no proxy, no environment and no redirect. It connects only to
the addresses that ``allowed_hosts`` checked, and does not resolve the name again.
"""

import ssl
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from typing import Any

import httpcore

from crmcom_kit.deadline_streams import Deadline, DeadlineBackend, DeadlineStream, TooManyBytes
from crmcom_kit.mock_server.deliveries.allowed_hosts import AllowedHosts
from crmcom_kit.mock_server.deliveries.messages import (
    CallFailed,
    Outcome,
    OutcomeName,
    OutgoingMessage,
    message_of,
    outcome_of,
    outcome_of_status,
)
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages

#: Maximum bytes of a response's body to read and keep.
MAX_BODY = 8_192
#: Maximum bytes of a response to read, with its headers.
_MAX_BYTES = 327_680
#: The outcomes of failed exchanges; the first class that matches counts.
_OUTCOMES = {
    httpcore.ConnectTimeout: OutcomeName.CONNECT_TIMEOUT,
    httpcore.TimeoutException: OutcomeName.TIMEOUT,
    httpcore.NetworkError: OutcomeName.RESET,
    httpcore.RemoteProtocolError: OutcomeName.MALFORMED,
    TooManyBytes: OutcomeName.MALFORMED,
}


class HttpDelivery:
    """Sends webhook requests over HTTP; threads may share it."""

    def __init__(self, dialect: Dialect, allowed_hosts: AllowedHosts) -> None:
        """Send as ``dialect`` says.

        Args:
            dialect: the message (``message.*``) and the timeout (``delivery.timeout``).
            allowed_hosts: decides which URLs may be called.
        """
        self._messages = ThirdPartyMessages(dialect)
        self._dialect = dialect
        self._allowed_hosts = allowed_hosts
        self._open: set[_Network] = set()

    def send(self, message: OutgoingMessage) -> Outcome:
        """Send once, and return the outcome; a redirect is not followed."""
        url = message.url
        try:
            response, body = self._exchange(url, message_of(self._messages, message))
        except CallFailed as error:
            return outcome_of(error.outcome, url, why=str(error))
        status, success = response.status, self._dialect["delivery.success"]
        if success == "any" or status == 200 or (success == "2xx" and status // 100 == 2):
            return Outcome(OutcomeName.SUCCESS, None, None, status, body)
        reason = response.extensions.get("reason_phrase", b"").decode("ascii", "replace")
        return outcome_of_status(status, reason, url, body)

    def cut(self) -> None:
        """End the running exchanges; each gets an outcome."""
        for network in self._open.copy():
            network.cut()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def _exchange(self, url: str, message: Message) -> tuple[httpcore.Response, bytes]:
        """Send a message; return the response, and the beginning of its body. Raises CallFailed.

        ``cut`` can end it at any time, even while the name in ``url`` is resolved.
        """
        network = _Network(Deadline(self._dialect["delivery.timeout"] / 1000))
        self._open.add(network)
        try:
            target = self._allowed_hosts.check(url)
            network.addresses = target.addresses
            tls = self._tls if target.url.scheme == b"https" else None
            with (
                httpcore.HTTPConnection(
                    target.url.origin, ssl_context=tls, network_backend=network
                ) as connection,
                connection.stream(
                    message.method,
                    target.url,
                    headers=[("Host", target.authority), ("Connection", "close"), *message.headers],
                    content=message.body,
                ) as response,
            ):
                return response, _beginning(response.iter_stream())
        except tuple(_OUTCOMES) as error:
            reason = str(error) or type(error).__name__
            raise CallFailed(_outcome_name(error, network), reason) from None
        finally:
            self._open.discard(network)
            network.close()


class _Network(DeadlineBackend):
    """Connects to the checked addresses of one destination, and to nothing else."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(deadline, _MAX_BYTES)
        self.addresses: tuple[str, ...] = ()
        #: The connection, before or after the TLS handshake.
        self.stream: DeadlineStream | None = None

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> DeadlineStream:
        """Connect to one of the checked addresses; ``host`` is not resolved again.

        Each address gets an equal share of the time, so that one without a response takes none
        from the next.
        """
        del host
        share = self._deadline.remaining(httpcore.ConnectTimeout, timeout) / len(self.addresses)
        *first_addresses, last_address = self.addresses
        for address in first_addresses:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connect(address, port, share)
        return self._connect(last_address, port, share)

    def _connect(self, address: str, port: int, seconds: float) -> DeadlineStream:
        self.stream = super().connect_tcp(address, port, seconds)
        return self.stream

    def cut(self) -> None:
        """End the exchange, which runs in another thread."""
        self._deadline.restart(0)
        if self.stream is not None:
            self.stream.cut()

    def close(self) -> None:
        """Close the connection."""
        if self.stream is not None:
            self.stream.close()


def _beginning(parts: Iterable[bytes]) -> bytes:
    """Return the beginning of a body; ignore an early end of the connection."""
    beginning = b""
    with suppress(httpcore.NetworkError, httpcore.ProtocolError, TooManyBytes):
        for part in parts:
            beginning += part
            if len(beginning) >= MAX_BODY:
                break
    return beginning[:MAX_BODY]


def _outcome_name(error: Exception, network: _Network) -> OutcomeName:
    """Return the outcome of an error of httpcore."""
    if isinstance(error, httpcore.ConnectError):
        if network.stream is not None:
            return OutcomeName.BAD_TLS
        is_refused = isinstance(error.__cause__, ConnectionRefusedError)
        return OutcomeName.REFUSED if is_refused else OutcomeName.UNREACHABLE
    if "without sending" in str(error):
        return OutcomeName.NO_RESPONSE
    return next(name for kind, name in _OUTCOMES.items() if isinstance(error, kind))
