"""Verifying that requests were made as expected, and waiting for that or something else.

Waits are by the machine's time, whatever the world's clock shows.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from crmcom_kit.mock_server.clock import IsOver
from crmcom_kit.mock_server.journal.call_view import CallView, JournalReader
from crmcom_kit.mock_server.journal.journal import MAX_TOTAL_BYTES, Entry, Journal
from crmcom_kit.mock_server.journal.patterns import Pattern
from crmcom_kit.mock_server.journal.serializers import summary
from crmcom_kit.usage_errors import UsageError

_MAX_NEAR = 3  # nearest requests in a message
_MAX_SHOWN = 5  # matching requests in a message, and undecided ones
_MAX_KEPT = 100  # matching requests that a watch keeps


class Times(NamedTuple):
    """How often something is expected."""

    minimum: int = 1
    maximum: int | None = None

    def allows(self, count: int) -> bool:
        """Whether ``count`` is within the limits."""
        return self.minimum <= count and (self.maximum is None or count <= self.maximum)

    def __str__(self) -> str:
        if self.maximum is None:
            return f"at least {self.minimum}"
        if self.maximum == self.minimum:
            return f"exactly {self.minimum}"
        return f"{self.minimum} to {self.maximum}"


#: How often: a number, or ``{"at_least": 1, "at_most": 3}``.
Expected = int | Mapping[str, int] | None


def times(value: Any) -> Times:
    """Return how often: a number, or an object with ``at_least``, ``at_most``, or both.

    Raises:
        UsageError: it is none of these, or allows nothing.
    """
    if value is None:
        return Times()
    if not isinstance(value, Mapping):
        exactly = _count("times", value)
        return Times(exactly, exactly)
    for name, count in value.items():
        if name not in ("at_least", "at_most"):
            allowed = "a number, or at_least and at_most"
            raise UsageError(f"times.{name}", seen="an unknown name", allowed=allowed)
        _count(f"times.{name}", count)
    # at_most alone allows none at all.
    minimum = value.get("at_least", 0 if "at_most" in value else 1)
    maximum = value.get("at_most")
    if maximum is not None and maximum < minimum:
        raise UsageError(
            "times.at_most", seen=str(maximum), allowed=f"at_least, {minimum}, or more"
        )
    return Times(minimum, maximum)


def _count(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UsageError(name, seen=repr(value), allowed="a whole number from 0 on")
    return value


def line(call: CallView) -> str:
    """Return a request and its outcome in one line."""
    code = f" {call.code}" if call.code else ""
    fault = f" (fault {call.fault.get('name')})" if call.fault else ""
    outcome = "is running" if call.running else f"returned {call.status}"
    return f"{call.id} {call.verb} {call.url} {outcome}{code}{fault}"


class Condition(NamedTuple):
    """Something to wait for."""

    holds: Callable[[], bool]  # whether it holds now
    #: What made it hold, or what is nearest to that, as JSON. May raise UsageError.
    facts: Callable[[], dict[str, Any]]
    result: Callable[[], Any] | None = None  # what a wait in Python returns; the facts by default


class Calls:
    """As many matching requests as expected; every request is looked at until it is answered."""

    def __init__(
        self,
        reader: JournalReader,
        pattern: Pattern,
        expected: Expected = None,
        *,
        running: bool = False,
    ) -> None:
        """Count the requests in the journal, and those to come.

        A request counts when it is answered; with ``running``, as soon as it has arrived.

        Raises:
            UsageError: ``expected`` cannot be read.
        """
        self.times = times(expected)
        self.evicted = 0  # requests that came and went unseen
        self._reader = reader
        self._pattern = pattern
        self._counts_running = running
        self._seen = 0  # the number of the last request that was looked at
        self._answered = 0  # how many that match
        self._last: deque[CallView] = deque(maxlen=_MAX_KEPT)  # the last of them
        self._unanswered: list[Entry] = []
        self._running: list[CallView] = []  # those that match and count
        self._undecided: list[CallView] = []  # those that may count once they are answered

    def look(self) -> None:
        """Look at the new requests, and again at those that were running."""
        news = self._reader.journal.news(self._seen)
        self._seen = news.last
        self.evicted += news.evicted
        entries = [*self._unanswered, *news.entries]
        self._unanswered, self._running, self._undecided = [], [], []
        for entry in entries:
            call = CallView(self._reader, entry)
            matches = self._pattern.matches(call)
            if call.running:
                self._unanswered.append(entry)
                if matches and self._counts_running:
                    self._running.append(call)
                elif matches is not False:
                    self._undecided.append(call)
            elif matches:
                self._last.append(call)
                self._answered += 1

    def holds(self) -> bool:
        """Look at the requests; return whether there are as many."""
        self.look()
        return self.ok

    @property
    def count(self) -> int:
        """How many requests match and count."""
        return self._answered + len(self._running)

    @property
    def ok(self) -> bool:
        """Whether there are as many as expected, whatever is not known of other requests."""
        undecided = len(self._undecided) if self._counts_running else 0
        maximum = self.count + undecided + self.evicted
        return self.times.allows(self.count) and self.times.allows(maximum)

    def check_complete(self) -> None:
        """Raise UsageError if requests that were evicted may make a difference."""
        is_too_many = self.times.maximum is not None and self.count > self.times.maximum
        if self.evicted and not self.ok and not is_too_many:
            journal = self._reader.journal
            raise UsageError(
                "journal",
                seen=f"{self.evicted:,} of {journal.last:,} requests dropped, which may match: "
                f"{self._pattern}",
                allowed="a journal that keeps them all; it has room for "
                f"{journal.max_entries:,}, those of all worlds for {MAX_TOTAL_BYTES:,} bytes: "
                "raise --journal, in Python journal=…, or clear it before the requests that matter",
            )

    @property
    def calls(self) -> list[CallView]:
        """The last requests that match and count, oldest first."""
        return sorted([*self._last, *self._running], key=lambda call: call.number)[-_MAX_KEPT:]

    @property
    def message(self) -> str:
        """What was expected, what was found, and the nearest requests."""
        lines = [f"expected {self.times}, found {self.count}: {self._pattern}"]
        lines += [f"  {line(call)}" for call in self.calls[-_MAX_SHOWN:]]
        if self._undecided:
            lines.append("not counted before the response:")
            lines += [f"  {line(call)}" for call in self._undecided[-_MAX_SHOWN:]]
        if self.count < self.times.minimum:
            lines += self._nearest()
        return "\n".join(lines)

    def _nearest(self) -> list[str]:
        """Return the requests that differ least from the pattern, and how they differ."""
        calls = self._reader.calls()
        if not calls:
            return ["the journal is empty"]
        differing = [(call, found) for call in calls if (found := self._pattern.differences(call))]
        differing.sort(key=lambda each: (len(each[1]), -each[0].number))
        lines = [f"nearest of {len(differing)} other calls:"] if differing else []
        for call, differences in differing[:_MAX_NEAR]:
            lines += [f"  {line(call)}", *(f"    {one}" for one in differences)]
        return lines

    def facts(self) -> dict[str, Any]:
        """Return the matching requests; if they are not as many, a message as well.

        Raises UsageError if requests that were evicted may make a difference.
        """
        self.check_complete()
        facts = {"count": self.count, "requests": [summary(call) for call in self.calls]}
        return facts if self.ok else {**facts, "message": self.message}


def verify(reader: JournalReader, pattern: Pattern, expected: Expected = None) -> Calls:
    """Return the requests that match; running ones count. At least one is expected by default.

    Raises UsageError if ``expected`` cannot be read, or if evicted requests may make a difference.
    """
    calls = Calls(reader, pattern, expected, running=True)
    calls.look()
    calls.check_complete()
    return calls


class Waited(NamedTuple):
    """How a wait ended."""

    ok: bool
    why: str  # held, time over, reset or closing
    facts: dict[str, Any]


def wait_for(
    journal: Journal, condition: Condition, *, seconds: float, closing: IsOver | None = None
) -> Waited:
    """Return once ``condition`` holds, or when there is nothing more to wait for.

    A reset of the world whose journal it is ends the wait; so does ``closing`` when it returns
    True. Raises UsageError if evicted requests may make a difference.
    """

    def look() -> str | None:
        if condition.holds():
            return "held"
        return "closing" if closing is not None and closing() else None

    why = journal.wait_for(look, seconds) or ("reset" if journal.closed else "time over")
    return Waited(why == "held", why, condition.facts())
