"""The records of one world: the protocol that a store keeps, and one in memory.

A record is kept as the bytes that an answer carries, with a small row of the values it can be
found by. Whatever a method does with the store is one atomic call.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple, Protocol

from crmcom_kit.mock_server.postings import Index, Posting, merged
from crmcom_kit.mock_server.states import Event, State, after

Key = Literal["id", "number"]
KEYS: tuple[Key, ...] = ("id", "number")
IndexedField = Literal["definition", "rule", "entity", "entity_id"]
INDEXED: tuple[IndexedField, ...] = ("definition", "rule", "entity", "entity_id")
Indexed = tuple[IndexedField, frozenset[str]]  # a field and the values that fit


class Row(NamedTuple):
    """The values by which a record is found."""

    id: str
    number: str
    state: State
    definition: str
    rule: str
    entity: str
    entity_id: str
    url: str
    created: int | None  # seconds since 1970 of created_date, read as if it were UTC


class Record(NamedTuple):
    """One record: its row, the bytes an answer carries, and the data object that was sent."""

    row: Row
    body: bytes
    data: bytes | None


class DuplicateRecord(Exception):
    """An id or number that the store has or had already; nothing has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which records to find, in which order, and which page of them.

    ``indexed`` gives the values of fields, all of which must fit, or any of which; without one
    every record fits. All other conditions must hold besides.
    """

    indexed: tuple[Indexed, ...]
    any_of_indexed: bool = False
    url: Callable[[str], bool] | None = None
    states: frozenset[str] | None = None
    created_from: int | None = None
    created_before: int | None = None
    newest_first: bool = True
    offset: int = 0
    limit: int | None = None

    @property
    def looks_closer(self) -> bool:
        """Whether there is any condition that no index answers."""
        closer = (self.states, self.url, self.created_from, self.created_before)
        return any(condition is not None for condition in closer)

    def accepts(self, row: Row) -> bool:
        """Whether ``row`` meets every condition that no index answers."""
        if self.states is not None and shown_state(row.state) not in self.states:
            return False
        if self.url is not None and not self.url(row.url):
            return False
        if self.created_from is not None or self.created_before is not None:
            if row.created is None:
                return False
            if self.created_from is not None and row.created < self.created_from:
                return False
            if self.created_before is not None and row.created >= self.created_before:
                return False
        return True


def shown_state(state: State) -> str:
    """Return the state that answers show: a record that is being sent is still REJECTED."""
    return State.REJECTED if state is State.SENDING else state


def _settled(record: Record) -> Record:
    if record.row.state is not State.SENDING:
        return record
    return record._replace(row=record.row._replace(state=State.REJECTED))


class Store(Protocol):
    """What a world needs of the place where its records are. Every call is atomic."""

    def __len__(self) -> int:
        """How many records there are."""
        ...

    def get(self, key: Key, value: str) -> Record | None:
        """Return the record with that id or number."""
        ...

    def query(self, query: Query) -> list[bytes]:
        """Return the bodies of the records that ``query`` finds, all of one moment."""
        ...

    def insert(self, record: Record) -> None:
        """Add ``record`` as the newest. Raises DuplicateRecord; deleted records count, too."""
        ...

    def transition(
        self, record_id: str, event: Event, change: Callable[[Record], Record] | None = None
    ) -> Record | None:
        """Let ``event`` happen to a record, changed by ``change``; None where there is none.

        ``change`` runs under the lock: it must be quick, may not touch the store, and keeps
        id, number and indexed fields. Where it or this method raises, nothing has changed. A
        record that nothing has changed since is handed to it as the object that was returned.
        Raises WrongState.
        """
        ...

    def delete(self, key: Key, value: str) -> Record | None:
        """Remove the record with that id or number and return it as it last was."""
        ...

    def snapshot(self) -> object:
        """Return the whole content, to be given to ``restore``.

        A record that is on its way is in it as REJECTED: its delivery belongs to the present.
        """
        ...

    def restore(self, snapshot: object) -> None:
        """Go back to a content that ``snapshot`` returned."""
        ...


class _Content:
    """Everything a MemoryStore holds; copied for snapshots."""

    def __init__(self) -> None:
        self.records: list[Record | None] = []  # by position; None is a deleted one
        self.by_key: dict[Key, dict[str, int]] = {key: {} for key in KEYS}
        self.gone: dict[Key, set[str]] = {key: set() for key in KEYS}  # never used again
        self.index: dict[IndexedField, Index] = {field: {} for field in INDEXED}
        self.texts: dict[str, str] = {}  # one object for each text that many rows have

    def copy(self) -> "_Content":
        twin = copy(self)
        twin.records = self.records.copy()
        twin.by_key = {key: found.copy() for key, found in self.by_key.items()}
        twin.gone = {key: gone.copy() for key, gone in self.gone.items()}
        twin.index = {
            field: {value: posting.copy() for value, posting in index.items()}
            for field, index in self.index.items()
        }
        return twin


class MemoryStore:
    """Records in this process's memory, with hash indexes over their rows."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._content = _Content()

    def __len__(self) -> int:
        return len(self._content.by_key["id"])

    def get(self, key: Key, value: str) -> Record | None:
        """Return the record with that id or number."""
        with self._lock:
            position = self._content.by_key[key].get(value)
            return None if position is None else self._content.records[position]

    def query(self, query: Query) -> list[bytes]:
        """Return the bodies that ``query`` finds; the smallest index and the page are the cost."""
        if query.limit == 0:
            return []
        with self._lock:
            return list(self._page(query))

    def _page(self, query: Query) -> Iterator[bytes]:
        end = None if query.limit is None else query.offset + query.limit
        return (record.body for record in islice(self._found(query), query.offset, end))

    def _found(self, query: Query) -> Iterator[Record]:
        positions, rest = self._candidates(query)
        # A deleted record is None; a record is never empty.
        found: Iterator[Record] = filter(None, map(self._content.records.__getitem__, positions))
        if rest:
            tests = [(Row._fields.index(field), values) for field, values in rest]
            found = (
                record
                for record in found
                if all(record.row[column] in values for column, values in tests)
            )
        return (r for r in found if query.accepts(r.row)) if query.looks_closer else found

    def _candidates(self, query: Query) -> tuple[Iterable[int], list[Indexed]]:
        """Return the fewest positions that are worth a look, and what no index has answered."""
        if not query.indexed:
            everything = range(len(self._content.records))
            return (reversed(everything) if query.newest_first else everything), []
        lists = [(self._postings(*condition), condition) for condition in query.indexed]
        if query.any_of_indexed:
            every = [posting for postings, _ in lists for posting in postings]
            return merged(every, newest_first=query.newest_first), []
        lists.sort(key=lambda found: sum(map(len, found[0])))
        smallest, rest = lists[0][0], [condition for _, condition in lists[1:]]
        return merged(smallest, newest_first=query.newest_first), rest

    def _postings(self, field: IndexedField, values: Iterable[str]) -> list[Posting]:
        index = self._content.index[field]
        return [index[value] for value in values if value in index]

    def insert(self, record: Record) -> None:
        """Add ``record`` as the newest. Raises DuplicateRecord."""
        row = record.row
        with self._lock:
            content = self._content
            for key in KEYS:
                if getattr(row, key) in content.by_key[key]:
                    msg = f"{key}: {getattr(row, key)} is there already"
                    raise DuplicateRecord(msg)
                if getattr(row, key) in content.gone[key]:
                    msg = f"{key}: {getattr(row, key)} was there already"
                    raise DuplicateRecord(msg)
            position = len(content.records)
            row = self._lean(row)
            content.records.append(record._replace(row=row))
            for key in KEYS:
                content.by_key[key][getattr(row, key)] = position
            for field in INDEXED:
                content.index[field].setdefault(getattr(row, field), Posting()).add(position)

    def _lean(self, row: Row) -> Row:
        """Return ``row`` with the store's own texts in place of equal ones."""
        own = self._content.texts.setdefault
        return row._replace(
            definition=own(row.definition, row.definition),
            rule=own(row.rule, row.rule),
            entity=own(row.entity, row.entity),
            entity_id=own(row.entity_id, row.entity_id),
            url=own(row.url, row.url),
        )

    def transition(
        self, record_id: str, event: Event, change: Callable[[Record], Record] | None = None
    ) -> Record | None:
        """Let ``event`` happen to a record. Raises WrongState, and then nothing has changed."""
        with self._lock:
            position = self._content.by_key["id"].get(record_id)
            record = None if position is None else self._content.records[position]
            if position is None or record is None:
                return None
            state = after(record.row.state, event)
            changed = record if change is None else change(record)
            changed = changed._replace(row=changed.row._replace(state=state))
            self._content.records[position] = changed
            return changed

    def delete(self, key: Key, value: str) -> Record | None:
        """Remove the record with that id or number and return it as it last was."""
        with self._lock:
            content = self._content
            position = content.by_key[key].get(value)
            record = None if position is None else content.records[position]
            if position is None or record is None:
                return None
            row = record.row
            content.records[position] = None
            for name in KEYS:
                del content.by_key[name][getattr(row, name)]
                content.gone[name].add(getattr(row, name))
            for field in INDEXED:
                posting = content.index[field][getattr(row, field)]
                posting.drop(lambda at: content.records[at] is not None)
                if not len(posting):
                    del content.index[field][getattr(row, field)]
            return record

    def snapshot(self) -> object:
        """Return the whole content, to be given to ``restore``."""
        with self._lock:
            twin = self._content.copy()
        twin.records = [record and _settled(record) for record in twin.records]
        return twin

    def restore(self, snapshot: object) -> None:
        """Go back to a content that ``snapshot`` returned. Raises TypeError for anything else."""
        if not isinstance(snapshot, _Content):
            msg = f"snapshot: {type(snapshot).__name__} is not a snapshot of a MemoryStore"
            raise TypeError(msg)
        fresh = snapshot.copy()
        with self._lock:
            self._content = fresh
