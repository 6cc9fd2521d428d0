"""Waiting until something has happened in a world: calls, or what they do to its records.

Waits are by the machine's time, whatever the world's clock shows.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from crmcom_kit.mock_server.clock import Flag
from crmcom_kit.mock_server.journal.pattern_checks import RECORD_SETS, SHOWN_STATES, check_one_of
from crmcom_kit.mock_server.journal.patterns import Pattern
from crmcom_kit.mock_server.journal.serializers import near, summary
from crmcom_kit.mock_server.journal.verification import Times, Watch, times
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.mock_server.store.records import Key, Query
from crmcom_kit.mock_server.usage_errors import UsageError

if TYPE_CHECKING:
    from crmcom_kit.mock_server.world.world import World

DELETED = "DELETED"
STATES = (*map(str, State), DELETED)


class Condition(Protocol):
    """Something that may come to hold in a world."""

    def holds(self) -> bool:
        """Whether it holds now."""
        ...

    def told(self) -> dict[str, Any]:
        """Return, as JSON, what is there: what made it hold, or what is nearest to that."""
        ...


class Awaited(NamedTuple):
    """How a wait ended."""

    ok: bool
    why: str  # held, time over, reset or closing
    told: dict[str, Any]


def wait_for(
    world: "World",
    condition: Condition,
    *,
    seconds: float,
    closing: Flag | None = None,
) -> Awaited:
    """Return once ``condition`` holds, or when there is nothing more to wait for.

    Args:
        world: whose reset ends the wait.
        condition: what is waited for, in the same world.
        seconds: how long, of the machine's time.
        closing: ends the wait when it is set.

    Raises:
        UsageError: a pattern takes too long.
    """
    journal = world.journal

    def look() -> str | None:
        if condition.holds():
            return "held"
        return "closing" if closing is not None and closing.is_set() else None

    why = journal.wait_for(look, seconds) or ("reset" if journal.closed else "time over")
    return Awaited(why == "held", why, condition.told())


class Calls:
    """So many calls that fit a pattern."""

    def __init__(
        self,
        world: "World",
        pattern: Pattern,
        expected: Times | int | Mapping[str, int] | None = None,
        since: int = 0,
    ) -> None:
        """Count the calls above number ``since`` that are in the journal, and those to come."""
        self.times = times(expected)
        self._pattern = pattern
        self._watch = Watch(world, pattern, since)

    def holds(self) -> bool:
        """Whether as many as wanted were made."""
        return self.times.fits(self._watch.look())

    def told(self) -> dict[str, Any]:
        """Return the calls that fit, and the nearest others where there are too few."""
        found: dict[str, Any] = {
            "count": self._watch.count,
            "requests": [summary(call) for call in self._watch.calls],
        }
        if not self.times.fits(self._watch.count):
            spec = self._pattern.shown
            found["nearMisses"] = [near(one, spec) for one in self._watch.near()]
        return found


class OneRecord:
    """A webhook request in a state."""

    def __init__(self, world: "World", key: Key, value: str, state: str | None = None) -> None:
        """Wait for the record with that id or number; in any state, where none is given.

        Raises:
            UsageError: there is no such state.
        """
        if state is not None and state not in STATES:
            raise UsageError("state", seen=quoted(state), allowed=f"one of {', '.join(STATES)}")
        self._world = world
        self._key: Key = key
        self._value = value
        self._state = state
        self._was_there = False

    def _seen(self) -> str | None:
        """Return the state in which it is; None where there never was such a record."""
        store = self._world.store
        record = store.get(self._key, self._value)
        # What was seen here counts, too: another content in its place may never have had it.
        self._was_there = self._was_there or record is not None
        if record is not None:
            return str(record.state)
        return DELETED if self._was_there or store.ever_existed(self._key, self._value) else None

    def holds(self) -> bool:
        """Whether it is in that state now; SENDING is one that answers show as REJECTED."""
        seen = self._seen()
        return seen not in (None, DELETED) if self._state is None else seen == self._state

    def told(self) -> dict[str, Any]:
        """Return the state in which it is."""
        seen = self._seen()
        told = {"record": {self._key: self._value}, "state": seen}
        return told if seen else {**told, "note": "there never was such a webhook request"}


class Records:
    """So many webhook requests in a state."""

    def __init__(
        self,
        world: "World",
        state: str | None = None,
        expected: Times | int | Mapping[str, int] | None = None,
        entity: str | None = None,
    ) -> None:
        """Count those in a state, as answers show it; in any, where none is given.

        Raises:
            UsageError: there is no such state or entity, or ``expected`` cannot be read.
        """
        if state not in (None, *SHOWN_STATES):
            raise UsageError("state", seen=quoted(state), allowed=" or ".join(SHOWN_STATES))
        if entity:
            check_one_of("entity", entity, RECORD_SETS["entity"]())
        self.times = times(expected)
        self._world = world
        self._query = Query(
            indexed=(("entity", frozenset({entity})),) if entity else (),
            states=frozenset({state}) if state else None,
        )

    def holds(self) -> bool:
        """Whether as many as wanted are there."""
        return self.times.fits(self._count())

    def _count(self) -> int:
        return len(self._world.store.query(self._query))

    def told(self) -> dict[str, Any]:
        """Return how many are there."""
        return {"count": self._count()}


class Deliveries:
    """So many attempts to send webhook requests that are over."""

    def __init__(
        self,
        world: "World",
        record: str | None = None,
        expected: Times | int | Mapping[str, int] | None = None,
        *,
        delivered: bool | None = None,
    ) -> None:
        """Count those of a webhook request, by number or id, or of any where none is given.

        Args:
            world: whose attempts.
            record: number or id of a webhook request.
            expected: how many.
            delivered: whether the receiver took it; either where left out.

        Raises:
            UsageError: ``expected`` cannot be read.
        """
        self.times = times(expected)
        self._world = world
        self._record = record
        self._delivered = delivered

    def holds(self) -> bool:
        """Whether as many as wanted are over."""
        return self.times.fits(self._count())

    def _count(self) -> int:
        notes = self._world.current_epoch.attempts.notes(record=self._record)
        return sum(
            note.over
            and self._delivered in (None, note.outcome is not None and note.outcome.delivered)
            for note in notes
        )

    def told(self) -> dict[str, Any]:
        """Return how many are over."""
        return {"count": self._count()}
