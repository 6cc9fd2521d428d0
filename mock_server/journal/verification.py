"""Verify that requests were made as expected; wait for conditions.

Waits use the machine's clock, not the world's.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from crmcom_kit.mock_server.clock import IsOver
from crmcom_kit.mock_server.journal.entry_view import EntryView, JournalReader
from crmcom_kit.mock_server.journal.journal import MAX_TOTAL_BYTES, Journal
from crmcom_kit.mock_server.journal.patterns import MEMBERS, Pattern, check_members
from crmcom_kit.usage_errors import UsageError, quoted

_MAX_NEAR = 3  # nearest requests in a message
_MAX_SHOWN = 5  # matching requests in a message, and undecided ones
_MAX_LISTED = 100  # matching requests in JSON
_TIMES = 'a whole number from 0 on, or {"at_least": 1, "at_most": 3}'

#: The expected number of requests, or ``{"at_least": 1, "at_most": 3}``.
Expected = int | Mapping[str, int] | None


class Times(NamedTuple):
    """The limits of an expected number."""

    minimum: int
    maximum: int | None

    def allows(self, count: int) -> bool:
        """Return True if ``count`` is within the limits."""
        return self.minimum <= count and (self.maximum is None or count <= self.maximum)

    def __str__(self) -> str:
        if self.maximum is None:
            return f"at least {self.minimum}"
        if self.maximum == self.minimum:
            return f"exactly {self.minimum}"
        return f"{self.minimum} to {self.maximum}"


def times(expected: Expected) -> Times:
    """Return limits from a number, or ``at_least``, ``at_most`` or both. Raises UsageError."""
    if expected is None:
        return Times(1, None)
    limits: Mapping[str, int]
    if isinstance(expected, Mapping):
        limits = expected
    else:
        limits = {"at_least": expected, "at_most": expected}
    are_counts = all(type(count) is int and count >= 0 for count in limits.values())
    if not limits or not are_counts or not limits.keys() <= {"at_least", "at_most"}:
        raise UsageError("times", seen=quoted(expected), allowed=_TIMES)
    times_ = Times(limits.get("at_least", 0), limits.get("at_most"))
    if times_.maximum is not None and times_.maximum < times_.minimum:
        raise UsageError("times", seen=quoted(expected), allowed=f"{_TIMES}; at_least comes first")
    return times_


class Condition(NamedTuple):
    """A condition to wait for."""

    holds: Callable[[], bool]  # returns True if the condition holds now
    #: Returns the facts that met the condition, or the nearest ones, as JSON. May raise UsageError.
    facts: Callable[[], dict[str, Any]]
    result: Callable[[], Any]  # returns the result of a wait in Python


class MatchingRequests:
    """The requests that match a pattern, and the number that is expected."""

    def __init__(
        self, reader: JournalReader, members: Mapping[str, Any], *, running: bool = False
    ) -> None:
        """Look for matching requests in the journal.

        ``members`` are those of a pattern, and ``times``: at least one request by default. A
        request counts once it has a response; with ``running``, as soon as it has arrived.

        Raises:
            UsageError: ``members`` are not allowed.
        """
        check_members(members, (*MEMBERS, "times"))
        pattern = {name: value for name, value in members.items() if name != "times"}
        self._reader = reader
        self.pattern = Pattern(reader, pattern)
        self._times = times(members.get("times"))
        self._counts_running = running
        self._revision = 0  # of the journal at the last call of ``holds``
        self._evicted = 0  # requests that the journal has dropped
        self._matches: dict[int, EntryView] = {}  # requests that match and count, by number
        self._undecided: dict[int, EntryView] = {}  # may count once they have a response

    def holds(self) -> bool:
        """Read new requests and responses; return True if as many match as expected."""
        journal = self._reader.journal
        self._revision, entries = journal.changed_since(self._revision)
        for view in [EntryView(self._reader, entry) for entry in entries]:
            matches = self.pattern.matches(view)
            self._undecided.pop(view.number, None)
            if matches and (self._counts_running or not view.running):
                self._matches[view.number] = view
            elif view.running and matches is not False:
                self._undecided[view.number] = view
        for views in (self._matches, self._undecided):
            for number in [number for number, view in views.items() if view.entry.is_gone]:
                del views[number]
        self._evicted = journal.evicted  # read last, so that no evicted request is missed
        return self.ok

    @property
    def views(self) -> list[EntryView]:
        """The requests that match and count, oldest first."""
        return [self._matches[number] for number in sorted(self._matches)]

    @property
    def count(self) -> int:
        """The number of requests that match and count."""
        return len(self._matches)

    @property
    def ok(self) -> bool:
        """True if there are as many as expected, even if all undecided requests match."""
        undecided = len(self._undecided) + self._evicted
        return self._times.allows(self.count) and self._times.allows(self.count + undecided)

    def check_complete(self) -> None:
        """Raise UsageError if requests that were evicted may make a difference."""
        maximum = self._times.maximum
        if self._evicted and not self.ok and (maximum is None or self.count <= maximum):
            journal = self._reader.journal
            raise UsageError(
                "journal",
                seen=f"{self._evicted:,} of {journal.last:,} requests dropped, which may match: "
                f"{self.pattern}",
                allowed="a journal that keeps them all; it has room for "
                f"{journal.max_entries:,}, those of all worlds for {MAX_TOTAL_BYTES:,} bytes: "
                "raise --journal, in Python journal=…, or clear it before the requests that matter",
            )

    @property
    def message(self) -> str:
        """The expected number, the matching requests and the nearest others."""
        refusals = sum(view.outcome == "refused" for view in self.views)
        note = f" ({refusals} refused; served=true counts only those that were served)"
        count = f"{self.count}{note if refusals else ''}"
        lines = [f"expected {self._times}, found {count}: {self.pattern}"]
        lines += [f"  {view}" for view in self.views[-_MAX_SHOWN:]]
        if self._undecided:
            lines.append("not counted before the response:")
            lines += [f"  {view}" for view in list(self._undecided.values())[-_MAX_SHOWN:]]
        if self.count < self._times.minimum:
            lines += self._nearest()
        return "\n".join(lines)

    def _nearest(self) -> list[str]:
        """Return the requests that differ least from the pattern, with their differences."""
        views = self._reader.views()
        if not views:
            return ["the journal is empty"]
        pairs = ((view, self.pattern.differences(view)) for view in views)
        mismatches = [(view, differences) for view, differences in pairs if differences]
        mismatches.sort(key=lambda pair: (len(pair[1]), -pair[0].number))
        lines = [f"nearest of {len(mismatches)} other requests:"] if mismatches else []
        for view, differences in mismatches[:_MAX_NEAR]:
            lines += [f"  {view}", *(f"    {difference}" for difference in differences)]
        return lines

    def facts(self) -> dict[str, Any]:
        """Return the matching requests; with a message if they are not as many as expected.

        Raises UsageError if requests that were evicted may make a difference.
        """
        self.check_complete()
        message = {} if self.ok else {"message": self.message}
        requests = [view.summary() for view in self.views[-_MAX_LISTED:]]
        return {"count": self.count, **message, "requests": requests}


def verify(reader: JournalReader, members: Mapping[str, Any]) -> MatchingRequests:
    """Return the requests that match; running ones count.

    ``MatchingRequests`` describes ``members``.
    Raises UsageError if ``members`` are not allowed, if evicted requests may make a difference, or
    if no request was expected and the named webhook request never existed.
    """
    requests = MatchingRequests(reader, members, running=True)
    requests.holds()
    requests.check_complete()
    if requests.ok and not requests.count:  # otherwise a typo in the record would pass
        requests.pattern.check_record(reader.views())
    return requests


def wait_for(
    journal: Journal, condition: Condition, seconds: float, is_over: IsOver = lambda: False
) -> Literal["held", "time over", "reset", "closing"]:
    """Wait until ``condition`` holds or the wait ends; return the reason.

    A reset of the journal's world ends the wait; so does ``is_over`` when it returns True.
    """
    if journal.wait_until(condition.holds, seconds, is_over):
        return "held"
    if is_over():
        return "closing"
    return "reset" if journal.closed else "time over"
