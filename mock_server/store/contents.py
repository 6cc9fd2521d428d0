"""The contents of a store: its records, and the indexes for queries.

This module does not lock; ``Store`` does.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby, islice
from math import inf
from typing import Literal

from crmcom_kit.mock_server.store.records import (
    KEYS,
    DuplicateRecord,
    IndexedField,
    Key,
    Query,
    Record,
)

_Field = IndexedField | Literal["state", "url"]
_Index = dict[str, list[int]]  # by value, the positions of its records in ascending order
_Condition = tuple[tuple[_Field, frozenset[str]], ...]  # one of the fields must match
_Test = Callable[[Record], bool]
_DIGITS = 100  # maximum length of a number that counts for the next number


class Contents:
    """Records by position, which counts additions from 0.

    Positions are not used again. The id and the number of a deleted record keep its position, which
    is empty, so they cannot be used again.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.records: dict[int, Record] = {}  # in the order of their positions
        self.positions: dict[Key, dict[str, int]] = {key: {} for key in KEYS}
        #: The largest whole number that a record has or had; 0 if there is none.
        self.largest_number = 0
        #: The creation of the newest record, also a deleted one, in seconds since 1970.
        self.newest = -inf
        #: The bytes that its records count for.
        self.size = 0
        self.indexes: dict[_Field, _Index] = {}  # built when a query needs them

    def copy(self) -> "Contents":
        """Return a copy; its indexes are built when a query needs them."""
        copy = Contents()
        copy.records = self.records.copy()
        copy.positions = {key: positions.copy() for key, positions in self.positions.items()}
        copy.largest_number = self.largest_number
        copy.newest = self.newest
        copy.size = self.size
        return copy

    def check_new(self, records: Sequence[Record]) -> None:
        """Raise DuplicateRecord unless the ids and numbers of ``records`` are new."""
        for key in KEYS:
            values = set[str]()
            for record in records:
                value = record.id if key == "id" else record.number
                if value in values:
                    msg = f"{key}: {value} is given twice"
                    raise DuplicateRecord(msg, record)
                values.add(value)
                position = self.positions[key].get(value)
                if position is not None:
                    exists = position in self.records
                    state = "already exists" if exists else "was used by a deleted webhook request"
                    msg = f"{key}: {value} {state}"
                    raise DuplicateRecord(msg, record)

    def add(self, records: Sequence[Record]) -> None:
        """Add ``records``, which ``check_new`` accepted, as the newest."""
        additions = dict(enumerate(records, len(self.positions["id"])))
        for position, record in additions.items():
            self.positions["id"][record.id] = position
            self.positions["number"][record.number] = position
            self.largest_number = max(self.largest_number, _as_int(record.number))
            if record.created is not None:
                self.newest = max(self.newest, record.created)
            self.size += record.size
            for field, index in self.indexes.items():
                index.setdefault(getattr(record, field), []).append(position)
        self.records.update(additions)  # last and at once: readers without a lock see all or none

    def add_deleted(self, ids_and_numbers: Iterable[tuple[str, str]]) -> None:
        """Add ids and numbers of deleted records."""
        for position, (record_id, number) in enumerate(ids_and_numbers, len(self.positions["id"])):
            self.positions["id"][record_id] = position
            self.positions["number"][number] = position
            self.largest_number = max(self.largest_number, _as_int(number))

    def deleted_keys(self) -> list[tuple[str, str]]:
        """Return id and number of each record that was removed."""
        pairs = zip(self.positions["id"].items(), self.positions["number"], strict=True)
        return [
            (record_id, number)
            for (record_id, position), number in pairs
            if position not in self.records
        ]

    def replace(self, position: int, record: Record) -> None:
        """Replace the record at ``position`` with ``record``, of the same id and number."""
        old_record = self.records[position]
        for field, index in self.indexes.items():
            old_value, new_value = getattr(old_record, field), getattr(record, field)
            if old_value != new_value:
                _remove_position(index, old_value, position)
                insort(index.setdefault(new_value, []), position)
        self.records[position] = record
        if record.created is not None:
            self.newest = max(self.newest, record.created)
        self.size += record.size - old_record.size

    def remove(self, position: int) -> None:
        """Remove the record at ``position``; its id and number stay in use."""
        record = self.records.pop(position)
        self.size -= record.size
        for field, index in self.indexes.items():
            _remove_position(index, getattr(record, field), position)

    def find(self, query: Query) -> Iterable[Record]:
        """Return the page of records that ``query`` selects.

        Reads the records of the most selective condition, up to the end of the page; only the page
        if there is no other condition.
        """
        conditions, tests = self._conditions(query), _tests(query)
        positions: Iterable[int] = self.records
        if conditions:
            choices = [self._buckets(condition) for condition in conditions]
            sizes = [sum(map(len, buckets)) for buckets in choices]
            best = sizes.index(min(sizes))
            del conditions[best]
            positions = _merge(choices[best], newest_first=query.newest_first)
        elif query.newest_first:
            positions = reversed(self.records)
        tests += map(_meets, conditions)
        end = None if query.limit is None else query.offset + query.limit
        if not (tests or query.order):
            return map(self.records.__getitem__, islice(positions, query.offset, end))
        records: Iterable[Record] = map(self.records.__getitem__, positions)
        for test in tests:
            records = filter(test, records)
        for key in reversed(query.order):
            records = sorted(records, key=key.value, reverse=key.is_down)
        return islice(records, query.offset, end)

    def _conditions(self, query: Query) -> list[_Condition]:
        """Return the conditions that indexes can check; all must be met."""
        conditions: list[_Condition] = [(condition,) for condition in query.indexed]
        if query.any_of_indexed and conditions:
            conditions = [query.indexed]
        if query.states is not None:
            conditions.append((("state", query.states),))
        if query.url is not None:
            conditions.append((("url", frozenset(filter(query.url, self._index("url")))),))
        return conditions

    def _buckets(self, condition: _Condition) -> list[list[int]]:
        """Return the buckets of all records that meet ``condition``."""
        buckets = [self._index(field).get(value) for field, values in condition for value in values]
        return [bucket for bucket in buckets if bucket]

    def _index(self, field: _Field) -> _Index:
        """Return the index of ``field``; build it if it is missing."""
        index = self.indexes.get(field)
        if index is None:
            index = {}
            for position, record in self.records.items():
                index.setdefault(getattr(record, field), []).append(position)
            # At once: stores that share these contents may read at the same time.
            self.indexes[field] = index
        return index


def _remove_position(index: _Index, value: str, position: int) -> None:
    bucket = index[value]
    if len(bucket) == 1:
        del index[value]
    else:
        del bucket[bisect_left(bucket, position)]


def _as_int(number: str) -> int:
    """Return a record's number as an int; 0 if it is not a whole number."""
    is_number = len(number) <= _DIGITS and number.isascii() and number.isdecimal()
    return int(number) if is_number else 0


def _meets(condition: _Condition) -> _Test:
    if len(condition) > 1:
        return lambda record: any(getattr(record, field) in values for field, values in condition)
    ((field, values),) = condition
    return lambda record: getattr(record, field) in values


def _tests(query: Query) -> list[_Test]:
    """Return the conditions that no index can check."""
    if query.created_from is None and query.created_before is None:
        return []
    start = -inf if query.created_from is None else query.created_from
    end = inf if query.created_before is None else query.created_before
    return [lambda record: record.created is not None and start <= record.created < end]


def _merge(buckets: list[list[int]], *, newest_first: bool) -> Iterator[int]:
    """Return each position of the ``buckets`` once, in order."""
    iterators = [reversed(bucket) if newest_first else iter(bucket) for bucket in buckets]
    if len(iterators) == 1:
        return iterators[0]
    return (position for position, _ in groupby(merge(*iterators, reverse=newest_first)))
