"""The time of a world, to be stopped and moved."""

from collections.abc import Callable
from datetime import datetime, timedelta

from crmcom_kit.mock_server.clock import ClockState, WorldClock
from crmcom_kit.mock_server.python_api.arguments import moment, number
from crmcom_kit.mock_server.usage_errors import UsageError

#: How many seconds an argument of ``advance`` is.
_PARTS = {
    f"{name}s": timedelta(**{f"{name}s": 1}).total_seconds()
    for name in ("week", "day", "hour", "minute", "second", "millisecond", "microsecond")
}


class Clock:
    """A world's clock: record dates, token expiry, faults and delays all obey it."""

    def __init__(self, clock: Callable[[], WorldClock]) -> None:
        """Set the clock that ``clock`` returns."""
        self._clock = clock

    def now(self) -> datetime:
        """Return the world's present moment, in UTC."""
        return self._clock().now()

    @property
    def state(self) -> ClockState:
        """How it is set."""
        return self._clock().state

    def freeze(self, at: datetime | str | None = None) -> None:
        """Stand, now or at a moment: one with a zone, or its ISO 8601 text. Raises UsageError."""
        self._clock().freeze(moment("at", at))

    def advance(self, by: float | timedelta = 0, **parts: float) -> None:
        """Move on, as if the time had passed; nobody sleeps for it.

        Args:
            by: seconds, or a timedelta.
            parts: the arguments of a timedelta: ``minutes=5``.

        Raises:
            UsageError: backwards, or beyond what dates can show.
        """
        passed = by.total_seconds() if isinstance(by, timedelta) else number("by", by)
        for name, value in parts.items():
            if name not in _PARTS:
                raise UsageError(
                    name, seen="among the arguments", allowed=f"some of {', '.join(_PARTS)}"
                )
            passed += number(name, value, "a number from 0 on") * _PARTS[name]
        self._clock().advance(passed)

    def scale(self, rate: float, at: datetime | str | None = None) -> None:
        """Go ``rate`` times as fast, from now or from a moment on. Raises UsageError."""
        allowed = "a number of seconds for each one of the machine's"
        self._clock().run(moment("at", at), number("rate", rate, allowed))

    def restart(self) -> None:
        """Show the time that the mock was started with again, the machine's in general."""
        self._clock().restart()

    def __repr__(self) -> str:
        mode, now, rate = self.state
        return f"<clock, {mode}, {now.isoformat()}, rate {rate:g}>"
