"""Postings: the positions of the records that share a value, in order of insertion."""

import heapq
from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar


class Index:
    """For each value, known by a small whole number, the positions of its records in order.

    A deleted record's position is taken out at once where few are behind it. In a long posting it
    stays until deleted ones outnumber the others, so that deleting costs about the same however
    many records share the value. A posting of one position is that number alone: most entity ids
    have few records, and an array's own size is that of twenty positions.
    """

    MOVED_AT_ONCE: ClassVar[int] = 4096  # positions; moving them takes about a microsecond
    __slots__ = ("_deleted", "_own", "_postings")

    def __init__(self) -> None:
        """Start empty."""
        self._postings: list[array[int] | int | None] = []
        self._deleted: dict[int, int] = {}  # how many are still in a posting, where any are
        # The values whose arrays no copy of this index has; None where there was no copy.
        self._own: set[int] | None = None

    def __len__(self) -> int:
        """How many values have a record that is still there."""
        return sum(posting is not None for posting in self._postings)

    def size(self, value: int) -> int:
        """How many records that are still there have ``value``."""
        posting = self._postings[value] if value < len(self._postings) else None
        if posting is None:
            return 0
        return 1 if isinstance(posting, int) else len(posting) - self._deleted.get(value, 0)

    def add(self, value: int, position: int) -> None:
        """Add a record; the newest at next to no cost, an older one by moving those behind it."""
        while value >= len(self._postings):
            self._postings.append(None)
        posting = self._postings[value]
        if posting is None:
            self._postings[value] = position
        elif isinstance(posting, int):
            self._postings[value] = array("I", sorted((posting, position)))
        else:
            if self._own is not None:
                posting = self._writable(value, posting)
            if position > posting[-1]:
                posting.append(position)
            else:
                insort(posting, position)

    def _writable(self, value: int, posting: "array[int]") -> "array[int]":
        """Return a posting that no other index has."""
        if self._own is not None and value not in self._own:
            self._own.add(value)
            posting = self._postings[value] = posting[:]
        return posting

    def take_out(self, value: int, position: int) -> None:
        """Remove a record that is still there, and has another value from now on."""
        posting = self._postings[value]
        if isinstance(posting, array) and len(posting) - self._deleted.get(value, 0) > 1:
            del self._writable(value, posting)[bisect_left(posting, position)]
        else:
            self._clear(value)

    def drop(self, value: int, position: int, is_live: Callable[[int], bool]) -> None:
        """Take note that a record is deleted; ``is_live`` tells which are not."""
        posting = self._postings[value]
        if not isinstance(posting, array) or self.size(value) == 1:
            self._clear(value)
            return
        if len(posting) <= self.MOVED_AT_ONCE and value not in self._deleted:
            del self._writable(value, posting)[bisect_left(posting, position)]
            return
        deleted = self._deleted.get(value, 0) + 1
        if deleted * 2 > len(posting):
            self._postings[value] = array("I", filter(is_live, posting))
            if self._own is not None:
                self._own.add(value)
            self._deleted.pop(value, None)
        else:
            self._deleted[value] = deleted

    def _clear(self, value: int) -> None:
        self._postings[value] = None
        if self._deleted:
            self._deleted.pop(value, None)

    def walk(self, value: int, *, newest_first: bool) -> Iterator[int]:
        """Yield the positions in order, deleted ones included."""
        posting = self._postings[value] if value < len(self._postings) else None
        if posting is None:
            return iter(())
        if isinstance(posting, int):
            return iter((posting,))
        return reversed(posting) if newest_first else iter(posting)

    def page(
        self,
        value: int,
        offset: int,
        limit: int | None,
        *,
        newest_first: bool,
    ) -> Sequence[int] | None:
        """Return ``limit`` positions behind the first ``offset``, which cost nothing, in order.

        None where deleted ones may be among them.
        """
        if value in self._deleted:
            return None
        posting = self._postings[value] if value < len(self._postings) else None
        if posting is None or isinstance(posting, int):
            return () if posting is None or offset else (posting,)
        if not newest_first:
            return posting[offset : None if limit is None else offset + limit]
        return posting[-1 - offset : None if limit is None else -1 - offset - limit : -1]

    def copy(self) -> "Index":
        """Return an independent copy; each posting is copied when one of the two is to change."""
        clone = Index()
        clone._postings = self._postings.copy()
        clone._deleted = self._deleted.copy()
        self._own, clone._own = set(), set()
        return clone


def merged(walks: list[Iterator[int]], *, newest_first: bool) -> Iterator[int]:
    """Return the positions of all ``walks``, which are in order, in order and each once."""
    return walks[0] if len(walks) == 1 else _merged(walks, newest_first=newest_first)


def _merged(walks: list[Iterator[int]], *, newest_first: bool) -> Iterator[int]:
    last = -1
    for position in heapq.merge(*walks, reverse=newest_first):
        if position != last:
            yield position
            last = position
