"""Everything a store in memory holds, in columns: a record is a position in each of them.

Columns of plain numbers take a tenth of the memory of an object for each value, and are copied at
once. Positions are never used again, and a deleted record's id and number keep leading to its
position, where there is no body any more: that is how they are known to be used up.

Nothing here knows of threads: whoever has a content has to keep others away from it.
"""

from array import array
from collections.abc import Callable, Sequence

from crmcom_kit.mock_server.store.keys import (
    Numbers,
    Texts,
    packed_id,
    packed_number,
    unpacked_id,
)
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.mock_server.store.pairs import Pairs
from crmcom_kit.mock_server.store.postings import Index
from crmcom_kit.mock_server.store.records import (
    INDEXED,
    KEYS,
    DuplicateRecord,
    IndexedField,
    Key,
    Record,
    Row,
    shown_state,
)

SUCCESSFUL, REJECTED, SENDING = range(3)  # how states are kept
_STATES = (State.SUCCESSFUL, State.REJECTED, State.SENDING)
_KEPT = {state: kept for kept, state in enumerate(_STATES)}
_SHOWN = tuple(_KEPT[shown_state(state)] for state in _STATES)
#: The fields whose pairs are looked for; an entity_id has few records anyway.
_PAIRED: tuple[tuple[IndexedField, IndexedField], ...] = (
    ("definition", "rule"),
    ("definition", "entity"),
    ("rule", "entity"),
)
NO_DATE = -(2**63)  # how a missing created is kept: before any other
_ODD = -1  # how a number that is no plain whole number is kept


def with_state(value: int, shown: int) -> int:
    """Return a value together with a state that answers show, as one number."""
    return value * 2 + shown


class IndexedColumn:
    """The values of one indexed field, and where to find them: alone and with each state."""

    __slots__ = ("by_state", "by_value", "texts", "values")

    def __init__(self) -> None:
        """Start empty."""
        self.texts = Texts()
        self.values = array("I")  # by position, the text's ordinal
        self.by_value = Index()
        self.by_state = Index()  # by ``with_state``

    def add(self, text: str, shown: int, position: int) -> None:
        """Add the value of the newest record."""
        value = self.texts.ordinal(text)
        self.values.append(value)
        self.by_value.add(value, position)
        self.by_state.add(with_state(value, shown), position)

    def move(self, position: int, before: int, after: int) -> None:
        """Let a record have another state."""
        value = self.values[position]
        self.by_state.take_out(with_state(value, before), position)
        self.by_state.add(with_state(value, after), position)

    def drop(self, position: int, shown: int, is_live: Callable[[int], bool]) -> None:
        """Take note that a record is deleted; ``is_live`` tells which are not."""
        value = self.values[position]
        self.by_state.drop(with_state(value, shown), position, is_live)
        self.by_value.drop(value, position, is_live)
        if not self.by_value.size(value):
            self.texts.forget(value)

    def copy(self) -> "IndexedColumn":
        """Return an independent copy."""
        clone = IndexedColumn()
        clone.texts = self.texts.copy()
        clone.values = self.values[:]
        clone.by_value = self.by_value.copy()
        clone.by_state = self.by_state.copy()
        return clone


class Content:
    """The records of a store, by position; the newest is the last."""

    def __init__(self) -> None:
        """Start empty."""
        self.bodies: list[bytes | None] = []  # None is a deleted record
        self.states = array("b")
        self.created = array("q")
        self.urls = array("I")
        self.url_texts = Texts()
        self.columns: dict[IndexedField, IndexedColumn] = {f: IndexedColumn() for f in INDEXED}
        self.pairs: dict[tuple[IndexedField, IndexedField], Pairs] = {f: Pairs() for f in _PAIRED}
        self._data: list[bytes | None] = []
        self._ids: list[int | str] = []
        self._numbers = array("q")
        self._odd_numbers: dict[int, str] = {}  # by position
        self._by_id: dict[int | str, int] = {}
        self._by_number = Numbers()
        self._sending: set[int] = set()
        self._deleted = 0

    def __len__(self) -> int:
        """How many records there are."""
        return len(self.bodies) - self._deleted

    def position(self, key: Key, value: str) -> int | None:
        """Return where the record is that has, or had until it was deleted, that id or number."""
        if key == "number":
            return self._by_number.position(packed_number(value))
        return self._by_id.get(packed_id(value))

    def is_live(self, position: int) -> bool:
        """Whether the record there is not deleted."""
        return self.bodies[position] is not None

    def record(self, position: int) -> Record | None:
        """Return the record there; None where it is deleted."""
        body = self.bodies[position]
        if body is None:
            return None
        created, number = self.created[position], self._numbers[position]
        definition, rule, entity, entity_id = [
            column.texts[column.values[position]] for column in self.columns.values()
        ]
        row = Row(  # by position, which takes half as long as by name
            unpacked_id(self._ids[position]),
            self._odd_numbers[position] if number == _ODD else str(number),
            _STATES[self.states[position]],
            definition,
            rule,
            entity,
            entity_id,
            self.url_texts[self.urls[position]],
            None if created == NO_DATE else created,
        )
        return Record(row, body, self._data[position])

    def largest_number(self) -> int:
        """Return the largest plain number that a record has or had; 0 where there is none."""
        return max(0, max(self._numbers, default=0))

    def has_sending(self) -> bool:
        """Whether any record is on its way."""
        return bool(self._sending)

    def check_new(self, records: Sequence[Record]) -> None:
        """Raise DuplicateRecord where a record has, or had, the id or number of one of these.

        Or where two of them have the same, or one a moment that no column holds.
        """
        for key in KEYS:
            values = [getattr(record.row, key) for record in records]
            if len(set(values)) < len(values):
                repeated = next(value for value in values if values.count(value) > 1)
                msg = f"{key}: {repeated} is there twice"
                raise DuplicateRecord(msg)
            for value in values:
                taken = self.position(key, value)
                if taken is not None:
                    when = "is there" if self.is_live(taken) else "was there"
                    msg = f"{key}: {value} {when} already"
                    raise DuplicateRecord(msg)
        array("q", (record.row.created or 0 for record in records))  # an OverflowError of its own

    def add(self, records: Sequence[Record]) -> None:
        """Add ``records``, which ``check_new`` let pass, as the newest.

        Their bodies last and in one step: whoever looks without a lock sees all or none.
        """
        for position, record in enumerate(records, len(self.bodies)):
            self._add(record, position)
        self.bodies.extend([record.body for record in records])

    def _add(self, record: Record, position: int) -> None:
        row = record.row
        number, identifier = packed_number(row.number), packed_id(row.id)
        kept = _KEPT[row.state]
        self.created.append(NO_DATE if row.created is None else row.created)
        self._data.append(record.data)
        self.states.append(kept)
        self.urls.append(self.url_texts.ordinal(row.url))
        self._ids.append(identifier)
        self._by_id[identifier] = position
        self._by_number.add(number, position)
        if isinstance(number, str):
            self._odd_numbers[position] = number
            number = _ODD
        self._numbers.append(number)
        for field, column in self.columns.items():
            column.add(getattr(row, field), _SHOWN[kept], position)
        for fields, pairs in tuple(self.pairs.items()):
            if not pairs.add(*self._pair(fields, position), position):
                del self.pairs[fields]
        if kept == SENDING:
            self._sending.add(position)

    def _pair(self, fields: tuple[IndexedField, IndexedField], position: int) -> tuple[int, int]:
        columns = self.columns
        return columns[fields[0]].values[position], columns[fields[1]].values[position]

    def replace(self, position: int, record: Record) -> None:
        """Let a record have another state, url, created, body and data."""
        created = record.row.created
        self.created[position] = NO_DATE if created is None else created
        self.urls[position] = self.url_texts.ordinal(record.row.url)
        self.bodies[position] = record.body
        self._data[position] = record.data
        self.move(position, record.row.state)

    def move(self, position: int, state: State) -> None:
        """Let a record have another state."""
        before, after = self.states[position], _KEPT[state]
        self.states[position] = after
        if _SHOWN[before] != _SHOWN[after]:
            for column in self.columns.values():
                column.move(position, _SHOWN[before], _SHOWN[after])
        if after == SENDING:
            self._sending.add(position)
        else:
            self._sending.discard(position)

    def drop(self, position: int) -> None:
        """Delete a record that is there."""
        self.bodies[position] = self._data[position] = None
        self._deleted += 1
        self._sending.discard(position)
        for fields, pairs in self.pairs.items():
            pairs.drop(*self._pair(fields, position), position, self.is_live)
        for column in self.columns.values():
            column.drop(position, _SHOWN[self.states[position]], self.is_live)

    def settled_copy(self) -> "Content":
        """Return an independent copy in which no record is on its way."""
        clone = Content()
        clone.bodies, clone._data = self.bodies.copy(), self._data.copy()
        clone.states, clone.created = self.states[:], self.created[:]
        clone.urls, clone.url_texts = self.urls[:], self.url_texts.copy()
        clone.columns = {field: column.copy() for field, column in self.columns.items()}
        clone.pairs = {fields: pairs.copy() for fields, pairs in self.pairs.items()}
        clone._ids, clone._numbers = self._ids.copy(), self._numbers[:]
        clone._odd_numbers = self._odd_numbers.copy()
        clone._by_id, clone._by_number = self._by_id.copy(), self._by_number.copy()
        for position in self._sending:
            clone.states[position] = REJECTED
        clone._deleted = self._deleted
        return clone
