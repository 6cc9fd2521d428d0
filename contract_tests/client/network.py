"""The network transport: no exchange lasts longer than its timeout.

Nothing is kept from one exchange to the next but the connection: no cookies are sent back, no
redirects followed.
"""

from collections.abc import Iterator

import httpcore
import httpx

from crmcom_kit.deadline_streams import Deadline, DeadlineBackend

#: What a network may do instead of answering.
FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)

#: A connection that was idle for so many seconds is not used again; servers close theirs.
_IDLE = 5.0


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

    def __init__(self, deadline: Deadline) -> None:
        """End each exchange, from its connection to its last byte, at ``deadline``.

        The sender of a request restarts the deadline before it.
        """
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            keepalive_expiry=_IDLE,
            network_backend=DeadlineBackend(deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of what it returns is yet to be read. Raises ``FAILURES``."""
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
