"""A world's clock for tests."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from crmcom_kit.mock_server.clock import SECONDS_PER, ClockState
from crmcom_kit.mock_server.python_api.arguments import methods_hide_our_frames, non_negative
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.usage_errors import UsageError


@methods_hide_our_frames
class ClockControl:
    """A world's clock: record dates, token expiry, faults and delays follow it."""

    __slots__ = ("_world",)

    def __init__(self, world: Callable[[], World]) -> None:
        """Control the clock of the world that ``world`` returns."""
        self._world = world

    def now(self) -> datetime:
        """Return the current time of the world, in UTC."""
        return self._world().clock.now()

    @property
    def state(self) -> ClockState:
        """The clock's mode and time."""
        return self._world().clock.state

    def freeze(self, at: date | timedelta | str | None = None) -> None:
        """Stop the clock, now or at a moment: a date, a date and time, or an age.

        Without a time zone, it has the zone of the server's dates.

        Raises:
            UsageError: ``at`` is not allowed.
        """
        self._world().clock.freeze(self._moment(at))

    def advance(self, by: float | timedelta | None = None, **parts: float) -> None:
        """Move the clock forward, as if the time had passed; nothing sleeps.

        Args:
            by: seconds, or a timedelta.
            parts: ``weeks``, ``days``, ``hours``, ``minutes`` and ``seconds``.

        Raises:
            UsageError: without arguments, backward, or beyond the last date of the clock.
        """
        if by is None and not parts:
            allowed = f"seconds, a timedelta, or some of {', '.join(SECONDS_PER)}"
            raise UsageError("by", seen="nothing", allowed=allowed)
        if isinstance(by, timedelta):
            seconds = by.total_seconds()
        else:
            seconds = 0.0 if by is None else non_negative("by", by)
        for name, value in parts.items():
            if name not in SECONDS_PER:
                allowed = f"some of {', '.join(SECONDS_PER)}"
                raise UsageError(name, seen="among the arguments", allowed=allowed)
            seconds += non_negative(name, value, "a number from 0 on") * SECONDS_PER[name]
        self._world().clock.advance(seconds)

    def run(self, at: date | timedelta | str | None = None) -> None:
        """Run again, from its current time or from ``at``. Raises UsageError."""
        self._world().clock.run(self._moment(at))

    def _moment(self, at: object) -> datetime | None:
        return None if at is None else self._world().current_epoch.present.instant("at", at)

    def restart(self) -> None:
        """Follow the original clock of the mock again, by default the machine's."""
        self._world().clock.restart()

    def __repr__(self) -> str:
        mode, now = self.state
        return f"<clock, {mode}, {now.isoformat()}>"
