"""Verifying that requests were made as expected, and waiting for that or something else.

Waits are by the machine's time, whatever the world's clock shows.
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

#: How often: a number, or ``{"at_least": 1, "at_most": 3}``.
Expected = int | Mapping[str, int] | None


class Times(NamedTuple):
    """How often something is expected."""

    minimum: int
    maximum: int | None

    def allows(self, count: int) -> bool:
        """Whether ``count`` is within the limits."""
        return self.minimum <= count and (self.maximum is None or count <= self.maximum)

    def __str__(self) -> str:
        if self.maximum is None:
            return f"at least {self.minimum}"
        if self.maximum == self.minimum:
            return f"exactly {self.minimum}"
        return f"{self.minimum} to {self.maximum}"


def times(expected: Expected) -> Times:
    """Return how often: a number, or ``at_least``, ``at_most`` or both. Raises UsageError."""
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
    often = Times(limits.get("at_least", 0), limits.get("at_most"))
    if often.maximum is not None and often.maximum < often.minimum:
        raise UsageError("times", seen=quoted(expected), allowed=f"{_TIMES}; at_least comes first")
    return often


class Condition(NamedTuple):
    """Something to wait for."""

    holds: Callable[[], bool]  # whether the condition holds now
    #: What met the condition, or came nearest to it, as JSON. May raise UsageError.
    facts: Callable[[], dict[str, Any]]
    result: Callable[[], Any]  # what a wait in Python returns


class MatchingRequests:
    """As many matching requests as expected."""

    def __init__(
        self, reader: JournalReader, asked: Mapping[str, Any], *, running: bool = False
    ) -> None:
        """Look for matching requests in the journal.

        ``asked`` has the members of a pattern, and ``times``; at least one is expected by default.
        A request counts once it has a response; with ``running``, as soon as it has arrived.

        Raises:
            UsageError: ``asked`` is not allowed.
        """
        check_members(asked, (*MEMBERS, "times"))
        members = {name: value for name, value in asked.items() if name != "times"}
        self._reader = reader
        self.pattern = Pattern(reader, members)
        self._times = times(asked.get("times"))
        self._counts_running = running
        self._revision = 0  # of the journal when it was last read
        self._evicted = 0  # requests that came and went unseen
        self._counted: dict[int, EntryView] = {}  # requests that match and count, by number
        self._undecided: dict[int, EntryView] = {}  # may count once they have a response

    def holds(self) -> bool:
        """Look at new requests and new responses; return whether as many match as expected."""
        journal = self._reader.journal
        self._revision, changed = journal.changed_since(self._revision)
        for view in [EntryView(self._reader, entry) for entry in changed]:
            matches = self.pattern.matches(view)
            self._undecided.pop(view.number, None)
            if matches and (self._counts_running or not view.running):
                self._counted[view.number] = view
            elif view.running and matches is not False:
                self._undecided[view.number] = view
        for views in (self._counted, self._undecided):
            for number in [number for number, view in views.items() if view.entry.is_gone]:
                del views[number]
        self._evicted = journal.evicted  # read last, so that no evicted request is missed
        return self.ok

    @property
    def views(self) -> list[EntryView]:
        """The requests that match and count, oldest first."""
        return [self._counted[number] for number in sorted(self._counted)]

    @property
    def count(self) -> int:
        """How many requests match and count."""
        return len(self._counted)

    @property
    def ok(self) -> bool:
        """Whether there are as many as expected, whatever is not known of other requests."""
        unknown = len(self._undecided) + self._evicted
        return self._times.allows(self.count) and self._times.allows(self.count + unknown)

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
        """What was expected, what was found, and the nearest requests."""
        refused = sum(view.outcome == "refused" for view in self.views)
        which = f" ({refused} refused; served=true counts only those that were served)"
        count = f"{self.count}{which if refused else ''}"
        lines = [f"expected {self._times}, found {count}: {self.pattern}"]
        lines += [f"  {view}" for view in self.views[-_MAX_SHOWN:]]
        if self._undecided:
            lines.append("not counted before the response:")
            lines += [f"  {view}" for view in list(self._undecided.values())[-_MAX_SHOWN:]]
        if self.count < self._times.minimum:
            lines += self._nearest()
        return "\n".join(lines)

    def _nearest(self) -> list[str]:
        """Return the requests that differ least from the pattern, and how they differ."""
        views = self._reader.views()
        if not views:
            return ["the journal is empty"]
        pairs = ((view, self.pattern.differences(view)) for view in views)
        differing = [(view, differences) for view, differences in pairs if differences]
        differing.sort(key=lambda pair: (len(pair[1]), -pair[0].number))
        lines = [f"nearest of {len(differing)} other requests:"] if differing else []
        for view, differences in differing[:_MAX_NEAR]:
            lines += [f"  {view}", *(f"    {difference}" for difference in differences)]
        return lines

    def facts(self) -> dict[str, Any]:
        """Return the matching requests; if they are not as many, a message as well.

        Raises UsageError if requests that were evicted may make a difference.
        """
        self.check_complete()
        message = {} if self.ok else {"message": self.message}
        requests = [view.summary() for view in self.views[-_MAX_LISTED:]]
        return {"count": self.count, **message, "requests": requests}


def verify(reader: JournalReader, asked: Mapping[str, Any]) -> MatchingRequests:
    """Return the requests that match; running ones count.

    ``MatchingRequests`` describes what is ``asked``.
    Raises UsageError if ``asked`` is not allowed, if evicted requests may make a difference, or if
    no request was expected and the webhook request that ``asked`` names never existed.
    """
    requests = MatchingRequests(reader, asked, running=True)
    requests.holds()
    requests.check_complete()
    if requests.ok and not requests.count:  # else a typo in the record would pass
        requests.pattern.check_record(reader.views())
    return requests


def wait_for(
    journal: Journal, condition: Condition, seconds: float, is_over: IsOver = lambda: False
) -> Literal["held", "time over", "reset", "closing"]:
    """Return once ``condition`` holds, or when there is nothing more to wait for, and say which.

    A reset of the world whose journal it is ends the wait; so does ``is_over`` when it returns
    True.
    """
    if journal.wait_until(condition.holds, seconds, is_over):
        return "held"
    if is_over():
        return "closing"
    return "reset" if journal.closed else "time over"
