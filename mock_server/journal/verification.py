"""Whether calls were made as expected, and which were nearest where they were not."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from crmcom_kit.mock_server.clock import Flag
from crmcom_kit.mock_server.journal.call_view import Teller, ToldCall
from crmcom_kit.mock_server.journal.patterns import Difference, Pattern
from crmcom_kit.mock_server.journal.safe_regex import Budget
from crmcom_kit.mock_server.usage_errors import UsageError

if TYPE_CHECKING:
    from crmcom_kit.mock_server.world.world import World

NEAREST = 3
_MAX_SHOWN = 5
_MAX_KEPT = 100


class Times(NamedTuple):
    """How often something should have happened."""

    least: int = 1
    most: int | None = None

    def fits(self, count: int) -> bool:
        """Whether ``count`` is as often as it should be."""
        return self.least <= count and (self.most is None or count <= self.most)

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {_calls(self.least)}"
        if self.most == self.least:
            return "no call" if not self.least else f"exactly {_calls(self.least)}"
        if not self.least:
            return f"at most {_calls(self.most)}"
        return f"{self.least} to {_calls(self.most)}"


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"


def times(value: Any = None) -> Times:
    """Return how often: a number, or an object with ``exactly``, or ``atLeast`` and ``atMost``.

    Raises:
        UsageError: it is none of these, or allows nothing.
    """
    if value is None:
        return Times()
    if isinstance(value, Times):
        return value
    if not isinstance(value, Mapping):
        value = {"exactly": value}
    for name, count in value.items():
        if name not in ("exactly", "atLeast", "atMost"):
            raise UsageError(
                f"times.{name}", seen="in it", allowed="exactly, or atLeast and atMost"
            )
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise UsageError(f"times.{name}", seen=repr(count), allowed="a whole number from 0 on")
    if "exactly" in value:
        if len(value) > 1:
            raise UsageError("times", seen="exactly beside others", allowed="exactly alone")
        return Times(value["exactly"], value["exactly"])
    # At most, and no word of at least: none at all is fine.
    least = value.get("atLeast", 0 if "atMost" in value else 1)
    most = value.get("atMost")
    if most is not None and most < least:
        raise UsageError("times.atMost", seen=str(most), allowed=f"atLeast, {least}, or more")
    return Times(least, most)


class Near(NamedTuple):
    """A call that is near to a pattern, and what keeps it from fitting."""

    call: ToldCall
    distance: float  # from 0, which fits, to 1
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        lines = [line(self.call), *(f"    {one}" for one in self.differences)]
        return "\n".join(lines)


def line(call: ToldCall) -> str:
    """Return a call in one line."""
    code = f" {call.code}" if call.code else ""
    fault = f" (fault {call.fault.get('name')})" if call.fault else ""
    return f"{call.id} {call.verb} {call.url} answered {call.status}{code}{fault}"


def found(world: "World", pattern: Pattern, since: int = 0) -> list[ToldCall]:
    """Return the calls above number ``since`` that fit, oldest first. Raises TookTooLong."""
    calls, budget = Teller(world).calls(since), Budget()
    return [call for call in calls if pattern.fits(call, budget)]


def nearest(
    calls: Iterable[ToldCall], pattern: Pattern, most: int = NEAREST, budget: Budget | None = None
) -> list[Near]:
    """Return those that do not fit and are nearest to ``pattern``, the nearest first.

    Raises:
        TookTooLong: it cannot be decided in the time that there is.
    """
    budget = budget or Budget()
    near = []
    for call in calls:
        differences = pattern.differences(call, budget)
        if differences:
            far = sum(one.distance for one in differences) / len(pattern.members)
            near.append(Near(call, round(far, 3), differences))
    return sorted(near, key=lambda one: (one.distance, -one.call.number))[:most]


class Watch:
    """Counts the calls of a journal that fit, each looked at once, however often it is asked."""

    def __init__(self, world: "World", pattern: Pattern, since: int = 0) -> None:
        """Begin with the calls above number ``since`` that are in the journal now."""
        self.journal = world.journal
        self.count = self.others = 0
        self.calls: deque[ToldCall] = deque(maxlen=_MAX_KEPT)
        self._world = world
        self._pattern = pattern
        self._seen = since

    def look(self) -> int:
        """Look at the calls that are new; return how many fit by now. Raises TookTooLong."""
        notes = self.journal.notes(self._seen)
        if notes:
            teller, budget = Teller(self._world), Budget()
            for note in notes:
                call = teller.tell(self.journal, note)
                if self._pattern.fits(call, budget):
                    self.calls.append(call)
                    self.count += 1
                else:
                    self.others += 1
                self._seen = note.number
        return self.count

    def near(self) -> tuple[Near, ...]:
        """Return the nearest of the calls that are in the journal and do not fit."""
        calls = Teller(self._world).calls(journal=self.journal)
        return tuple(nearest(calls, self._pattern))


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether as many calls fitted as should."""

    pattern: Pattern
    times: Times
    count: int  # of the calls that fit
    calls: tuple[ToldCall, ...]  # the last of them
    others: int = 0  # how many do not
    near: tuple[Near, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it is as expected."""
        return self.times.fits(self.count)

    @property
    def message(self) -> str:
        """What was expected, what was found, and the nearest calls."""
        lines = [f"expected {self.times}, found {self.count or 'none'}: {self.pattern}"]
        if self.calls:
            shown = self.calls[-_MAX_SHOWN:]
            more = self.count - len(shown)
            lines += [f"found{f', {more} earlier ones and' if more else ''}:"]
            lines += [f"  {line(call)}" for call in shown]
        if self.near and self.count < self.times.least:
            lines += [f"nearest of {self.others} other calls:", *(f"  {one}" for one in self.near)]
        elif not self.count and not self.others:
            lines.append("the journal is empty")
        return "\n".join(lines)


def verified(
    world: "World",
    pattern: Pattern,
    expected: Times | int | Mapping[str, int] | None = None,
    *,
    seconds: float = 0.0,
    closing: Flag | None = None,
) -> Verification:
    """Return whether ``world`` was called as expected, at once or in time.

    Args:
        world: whose journal is looked at.
        pattern: which calls count.
        expected: how many should; at least one where left out.
        seconds: how long to wait until there are as many, of the machine's time.
        closing: ends the wait when it is set.

    Raises:
        UsageError: ``expected`` cannot be read, or the pattern takes too long.
    """
    wanted = times(expected)
    watch = Watch(world, pattern)

    def ready() -> bool | None:
        over = closing is not None and closing.is_set()
        return True if wanted.fits(watch.look()) or over else None

    watch.journal.wait_for(ready, seconds)
    near = () if wanted.fits(watch.count) else watch.near()
    return Verification(pattern, wanted, watch.count, tuple(watch.calls), watch.others, near)
