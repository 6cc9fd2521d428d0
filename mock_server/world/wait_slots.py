"""Calls that wait for something to happen: only so many at once, since each holds a thread."""

import threading

from crmcom_kit.usage_errors import LimitExceeded


class Waiting:
    """Lets calls of the control API wait, a few at once: ``with waiting:``.

    Each holds a thread of the server for as long as it waits; the other threads keep answering.
    """

    def __init__(self, most: int) -> None:
        """Let ``most`` calls wait at once."""
        self.most = most
        self._places = threading.BoundedSemaphore(most)

    def __enter__(self) -> "Waiting":
        """Take a place. Raises LimitExceeded if none is free."""
        if not self._places.acquire(blocking=False):
            what = "waiting calls"
            allowed = f"at most {self.most} at once, half of the server's threads"
            raise LimitExceeded(what, seen="one more", allowed=allowed)
        return self

    def __exit__(self, *error: object) -> None:
        """Give the place back."""
        self._places.release()
