"""Clocks, and the waiting of requests."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, Protocol, TypeVar

from crmcom_kit.machine_time import utc_now
from crmcom_kit.usage_errors import UsageError

_T = TypeVar("_T")
#: Seconds in each unit by which a clock can be moved forward.
SECONDS_PER = {
    f"{unit}s": timedelta(**{f"{unit}s": 1}).total_seconds()
    for unit in ("week", "day", "hour", "minute", "second")
}


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        ...


class SystemClock:
    """The machine's own time."""

    now = staticmethod(utc_now)


ClockMode = Literal["real", "frozen"]
#: The range of a world's clock, in which date arithmetic cannot overflow.
FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(2999, 12, 31, tzinfo=UTC)
_MAX_WAIT = 3600.0  # seconds of the machine's time for one wait
_POLL_SECONDS = 0.5  # between two checks for an early end of a sleep


def in_clock_range(name: str, moment: datetime) -> datetime:
    """Return ``moment`` in UTC.

    Raises:
        UsageError: ``moment``, named ``name``, has no time zone or is outside the range.
    """
    if moment.tzinfo is None:
        raise UsageError(name, seen=moment.isoformat(), allowed="a date and time with a time zone")
    if not FIRST_MOMENT <= moment <= LAST_MOMENT:
        allowed = f"{FIRST_MOMENT:%Y-%m-%d} to {LAST_MOMENT:%Y-%m-%d}"
        raise UsageError(name, seen=moment.isoformat(), allowed=allowed)
    return moment.astimezone(UTC)


def write_moment(moment: datetime) -> str:
    """Return a datetime as text in UTC, with milliseconds."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


#: Returns True if waiting must stop, such as the method ``is_set`` of an event.
IsOver = Callable[[], bool]


class ClockState(NamedTuple):
    """The mode and time of a world's clock."""

    mode: ClockMode
    now: datetime


class WorldClock:
    """The time of one world: it follows a base clock, runs apart from it, or is frozen.

    A sleep takes the world's time: it ends early when the clock is moved forward or frozen.
    """

    def __init__(self, base: Clock) -> None:
        """Follow ``base``."""
        self._base = base
        self._condition = threading.Condition(threading.Lock())
        self._watchers: dict[object, Callable[[], object]] = {}
        self._frozen = False
        self._start = self._since = FIRST_MOMENT  # the world's time when the base clock had since
        #: Return the current time in UTC; the base clock's own method while both agree.
        self.now: Callable[[], datetime] = base.now

    def _running_now(self) -> datetime:
        return min(self._start + (self._base.now() - self._since), LAST_MOMENT)

    def _frozen_now(self) -> datetime:
        return self._start

    @property
    def state(self) -> ClockState:
        """The mode and time of the clock."""
        with self._condition:
            return ClockState("frozen" if self._frozen else "real", self.now())

    def freeze(self, at: datetime | None = None) -> None:
        """Freeze the clock, at the current time or at ``at``. Raises UsageError."""
        self._set(start=at, is_frozen=True)

    def run(self, at: datetime | None = None) -> None:
        """Run, from the current time or from ``at``. Raises UsageError."""
        self._set(start=at, is_frozen=False)

    def advance(self, seconds: float) -> None:
        """Move forward by ``seconds``, as if they had passed. Raises UsageError."""
        with self._condition:
            now = self.now()
            remaining = (LAST_MOMENT - now).total_seconds()
            if not 0 <= seconds <= remaining:
                allowed = f"0 to {remaining:.0f}, which ends in {LAST_MOMENT:%Y-%m-%d}"
                raise UsageError("seconds", seen=repr(seconds), allowed=allowed)
            self._move(now + timedelta(seconds=seconds))

    def restart(self) -> None:
        """Follow the base clock again."""
        with self._condition:
            self._frozen = False
            self.now = self._base.now
            self._wake()

    def sleep(self, seconds: float, until: IsOver | None = None) -> None:
        """Return when ``seconds`` of the world's time have passed; at once if the clock is frozen.

        ``until`` ends the sleep early, within a second of the machine's time.
        """
        with self._condition:
            end = self.now() + timedelta(seconds=seconds)
            while until is None or not until():
                remaining = self.seconds_until(end)
                if remaining <= 0:
                    return
                self._condition.wait(min(remaining, _MAX_WAIT if until is None else _POLL_SECONDS))

    def seconds_until(self, moment: datetime) -> float:
        """Return the seconds until ``moment``; 0 if it has passed or the clock is frozen."""
        if self._frozen:
            return 0.0
        return max(0.0, (moment - self.now()).total_seconds())

    @contextmanager
    def watch(self, callback: Callable[[], object]) -> Iterator[None]:
        """Call ``callback``, under a lock, whenever the clock is set or moved in the block."""
        key = object()
        with self._condition:
            self._watchers[key] = callback
        try:
            yield
        finally:
            with self._condition:
                del self._watchers[key]

    def _wake(self) -> None:
        self._condition.notify_all()
        for callback in self._watchers.values():
            callback()

    def _set(self, *, start: datetime | None, is_frozen: bool) -> None:
        with self._condition:
            moment = in_clock_range("at", self.now() if start is None else start)
            self._frozen = is_frozen
            self._move(moment)

    def _move(self, moment: datetime) -> None:
        self._start, self._since = moment, self._base.now()
        self.now = self._frozen_now if self._frozen else self._running_now
        self._wake()


class Waits:
    """Waits for a delay and for a delivery, in the thread of the request.

    A shell with an event loop has waits of its own.
    """

    async def sleep(self, clock: WorldClock, seconds: float, until: IsOver) -> None:
        """Return when ``seconds`` of the world's time have passed.

        The sleep ends early when the world's clock is frozen or moved forward, and when ``until``
        returns True.
        """
        clock.sleep(seconds, until)

    async def call(self, function: Callable[[], _T]) -> _T:
        """Return the result of ``function``, which may take long: a delivery over the network."""
        return function()
