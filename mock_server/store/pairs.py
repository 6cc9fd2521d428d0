"""Where two values meet: the records that have both, as long as there are few such pairs.

Two values that seldom meet, or never, can each have many records: walking those of one and looking
for the other at each takes longer the more records there are. Where pairs are many, the records of
one value are few, and a list of each pair's records would take more memory than it is worth.
"""

from collections.abc import Callable
from typing import ClassVar

from crmcom_kit.mock_server.store.postings import Index


class Pairs:
    """The positions of the records that share two values, each known by a small whole number."""

    #: How many pairs there may be, or else one for so many records.
    MOST: ClassVar[int] = 2048
    RECORDS: ClassVar[int] = 64
    __slots__ = ("_forgotten", "_ordinals", "index")

    def __init__(self) -> None:
        """Start empty."""
        self.index = Index()  # by the pair's ordinal
        self._ordinals: dict[int, int] = {}
        self._forgotten: list[int] = []

    def find(self, first: int, second: int) -> int | None:
        """Return the ordinal of a pair that a record has which is still there."""
        return self._ordinals.get(first << 32 | second)

    def add(self, first: int, second: int, position: int) -> bool:
        """Add the newest record; return whether the pairs are still few enough to be kept."""
        key = first << 32 | second
        ordinal = self._ordinals.get(key)
        if ordinal is None:
            ordinal = self._forgotten.pop() if self._forgotten else len(self._ordinals)
            self._ordinals[key] = ordinal
        self.index.add(ordinal, position)
        return len(self._ordinals) <= max(self.MOST, position // self.RECORDS)

    def drop(self, first: int, second: int, position: int, is_live: Callable[[int], bool]) -> None:
        """Take note that a record is deleted; ``is_live`` tells which are not."""
        key = first << 32 | second
        ordinal = self._ordinals[key]
        self.index.drop(ordinal, position, is_live)
        if not self.index.size(ordinal):
            del self._ordinals[key]
            self._forgotten.append(ordinal)

    def copy(self) -> "Pairs":
        """Return an independent copy."""
        clone = Pairs()
        clone.index = self.index.copy()
        clone._ordinals, clone._forgotten = self._ordinals.copy(), self._forgotten.copy()
        return clone
