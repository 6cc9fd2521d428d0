"""A limit on the calls that wait for something to happen, since each holds a thread."""

import threading

from crmcom_kit.usage_errors import LimitExceeded


class WaitSlots:
    """Limits how many calls of the control API wait at the same time: ``with wait_slots:``.

    Each call holds a thread of the server while it waits; the other threads keep responding.
    """

    def __init__(self, maximum: int) -> None:
        """Let at most ``maximum`` calls wait at the same time."""
        self.maximum = maximum
        self._slots = threading.BoundedSemaphore(maximum)

    def __enter__(self) -> "WaitSlots":
        """Take a slot. Raises LimitExceeded if none is free."""
        if not self._slots.acquire(blocking=False):
            what, allowed = "waiting calls", f"at most {self.maximum} at once"
            raise LimitExceeded(what, seen="one more", allowed=allowed)
        return self

    def __exit__(self, *error: object) -> None:
        """Give the slot back."""
        self._slots.release()
