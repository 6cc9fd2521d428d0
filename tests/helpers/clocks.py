"""A clock that stands, for reproducible tests."""

from datetime import datetime, timedelta


class FixedClock:
    """A time that only ``advance`` changes."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The time at which this clock stands."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``."""
        self._now += timedelta(seconds=seconds)
