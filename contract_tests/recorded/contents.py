"""The exchanges of a recording, apart for each content of the server, and what overlaps in time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.oracle.sense import Sense, read
from crmcom_kit.contract_tests.recorded.reading import Recorded, Recording
from crmcom_kit.schemas.releases import Release

CHANGING = ("resend", "delete")
#: Times are rounded to milliseconds: two requests overlap only if it is by more than these seconds.
_ROUNDED = 0.002


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange of a recording, and those under way with it that may have changed something."""

    recorded: Recorded
    sense: Sense
    others: list[Sense]

    @property
    def exchange(self) -> Exchange:
        """The exchange; if it has no response, with the number 0."""
        return self.recorded.exchange


def contents(recording: Recording, release: Release) -> Iterator[list[Entry]]:
    """Yield the exchanges of a recording, apart for each time that the server has other content."""
    found: list[Entry] = []
    for recorded, others in with_overlapping(recording.exchanges):
        if recorded.anew and found:
            yield found
            found = []
        sense = read(recorded.exchange.call, release)
        senses = [read(each.exchange.call, release) for each in others]
        found.append(Entry(recorded, sense, senses))
    yield found


def with_overlapping(
    exchanges: Sequence[Recorded],
) -> Iterator[tuple[Recorded, list[Recorded]]]:
    """Yield each exchange with those under way with it that may have changed something."""
    found: dict[int, list[Recorded]] = {}
    active: list[Recorded] = []
    for each in exchanges:
        active = [other for other in active if other.end - _ROUNDED > each.start]
        if each.end - _ROUNDED > each.start:
            for other in active:
                if _changes(other):
                    found.setdefault(id(each), []).append(other)
                if _changes(each):
                    found.setdefault(id(other), []).append(each)
            active.append(each)
    for each in exchanges:
        yield each, found.get(id(each), [])


def _changes(recorded: Recorded) -> bool:
    return recorded.exchange.call.method in (*CHANGING, "token_release")
