"""Calls that wait for something to happen: only so many at once, since each holds a thread."""

import threading
from types import TracebackType

from crmcom_kit.mock_server.usage_errors import LimitExceeded


class Waiting:
    """Lets calls of the control API wait, a few at once: ``with waiting:``.

    Each holds a thread of the server for as long as it waits; the other threads keep answering.
    """

    _what = "waiting calls"

    def __init__(self, most: int) -> None:
        """Let ``most`` calls wait at once."""
        self.most = most
        self._places = threading.BoundedSemaphore(most) if most else None

    def __enter__(self) -> "Waiting":
        """Take a place. Raises LimitExceeded where none is free."""
        if self._places is None or not self._places.acquire(blocking=False):
            allowed = f"at most {self.most} at once, half of the server's threads"
            raise LimitExceeded(self._what, seen="one more", allowed=allowed)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the place back."""
        if self._places is not None:
            self._places.release()
