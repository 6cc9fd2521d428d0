"""The network transport: no exchange lasts longer than its timeout."""

import httpcore
import httpx

from crmcom_kit.deadline_streams import Deadline, DeadlineBackend

#: A connection that was idle for so many seconds is not used again; servers close theirs.
_IDLE = 5.0


class Network(httpx.HTTPTransport):
    """Sends requests over the network; no exchange lasts longer than it may."""

    def __init__(self, deadline: Deadline) -> None:
        """End each exchange, from its connection to its last byte, at ``deadline``.

        The sender of a request restarts the deadline before it.
        """
        # No initializer of httpx takes the backend of a pool.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            keepalive_expiry=_IDLE,
            network_backend=DeadlineBackend(deadline),
        )
