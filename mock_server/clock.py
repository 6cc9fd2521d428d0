"""Time, handed in: the one place that asks the machine what time it is."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the emulator knows of time."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A time that moves only when told to, for tests and reproducible runs."""

    def __init__(self, start: datetime) -> None:
        """Stand at ``start``, which must have a zone. Raises ValueError if it has none."""
        if start.tzinfo is None:
            msg = f"clock: {start!r} has no zone; allowed is a moment with one"
            raise ValueError(msg)
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the moment at which this clock stands."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``."""
        self._now += timedelta(seconds=seconds)
