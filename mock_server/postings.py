"""Lists of record positions, the entries of the store's indexes."""

import heapq
from array import array
from collections.abc import Callable, Iterator

_WORTH_CLEANING = 32


class Posting:
    """The positions of the records that share a value, in order of insertion.

    A deleted record's position stays until deleted ones outnumber the others, so that deleting
    costs the same however many records share the value.
    """

    __slots__ = ("_dead", "_positions")

    def __init__(self) -> None:
        """Start empty."""
        self._positions = array("I")
        self._dead = 0

    def __len__(self) -> int:
        """How many records that are still there have the value."""
        return len(self._positions) - self._dead

    def add(self, position: int) -> None:
        """Add the newest record."""
        self._positions.append(position)

    def drop(self, is_live: Callable[[int], bool]) -> None:
        """Take note that one of the positions is deleted; ``is_live`` tells which are not."""
        self._dead += 1
        if self._dead > _WORTH_CLEANING and self._dead * 2 > len(self._positions):
            self._positions = array("I", filter(is_live, self._positions))
            self._dead = 0

    def walk(self, *, newest_first: bool) -> Iterator[int]:
        """Yield the positions in order, deleted ones included."""
        return reversed(self._positions) if newest_first else iter(self._positions)

    def copy(self) -> "Posting":
        """Return an independent copy."""
        twin = Posting()
        twin._positions = self._positions[:]
        twin._dead = self._dead
        return twin


Index = dict[str, Posting]


def merged(postings: list[Posting], *, newest_first: bool) -> Iterator[int]:
    """Yield the positions of all ``postings`` in order, each once."""
    if len(postings) == 1:
        yield from postings[0].walk(newest_first=newest_first)
        return
    last = -1
    walks = (posting.walk(newest_first=newest_first) for posting in postings)
    for position in heapq.merge(*walks, reverse=newest_first):
        if position != last:
            yield position
            last = position
