"""The store beside a list that is searched from end to end: they always agree."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from helpers.records import filled, made
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
)

from crmcom_kit.mock_server.store import searching
from crmcom_kit.mock_server.store.life_cycle import TRANSITIONS, Event, State, WrongState
from crmcom_kit.mock_server.store.memory_store import MemoryStore
from crmcom_kit.mock_server.store.pairs import Pairs
from crmcom_kit.mock_server.store.postings import Index
from crmcom_kit.mock_server.store.records import (
    INDEXED,
    DuplicateRecord,
    IndexedField,
    Key,
    Query,
    Record,
    Row,
)


class Moment:
    """What a store holds at one moment, as a list that is searched from end to end."""

    def __init__(self, live: list[Record], gone: set[tuple[str, str]]) -> None:
        self.live = live
        self.gone = gone

    def copy(self) -> "Moment":
        """Return what stays as it is now."""
        return Moment(self.live.copy(), self.gone.copy())

    def at(self, key: str, value: str) -> int | None:
        """Return where the record with that id or number is."""
        return next((n for n, r in enumerate(self.live) if getattr(r.row, key) == value), None)

    def is_taken(self, row: Row) -> bool:
        """Whether a record has or had the id or number of ``row``."""
        taken = self.gone | {(key, getattr(r.row, key)) for r in self.live for key in KEYS}
        return bool(taken & {(key, getattr(row, key)) for key in KEYS})

    def found(self, query: Query) -> list[bytes]:
        """Return the bodies that ``query`` must find."""
        found = [record.body for record in self.live if _fits(record.row, query)]
        if query.newest_first:
            found.reverse()
        end = None if query.limit is None else query.offset + query.limit
        return found[query.offset : end]


def _fits(row: Row, query: Query) -> bool:
    hits = [getattr(row, field) in values for field, values in query.indexed]
    if hits and not (any(hits) if query.any_of_indexed else all(hits)):
        return False
    state = "SUCCESSFUL" if row.state == "SUCCESSFUL" else "REJECTED"
    created = row.created
    return (
        (query.states is None or state in query.states)
        and (query.url is None or query.url(row.url))
        and (query.created_from is None or (created is not None and created >= query.created_from))
        and (
            query.created_before is None or (created is not None and created < query.created_before)
        )
    )


KEYS: tuple[Key, ...] = ("id", "number")
#: Ids and numbers of every form that a store may keep in a way of its own, or must not confuse.
TEXTS = (
    *map(str, range(8)),
    "07",
    "-7",
    "1_0",
    "\u0667",  # a digit seven, but not that of 7
    "",
    "\ud800",
    "9" * 30,
    f"{171:032X}",
    f"{171:032x}",
    f"{171:031X}",
    "F" * 32,
)
SOME = st.sampled_from(TEXTS)
STATES = (None, frozenset({"SUCCESSFUL"}), frozenset({"REJECTED"}))
VALUES: dict[IndexedField, list[str]] = {
    "definition": ["D0", "D1", "D2"],
    "rule": ["R0", "R1"],
    "entity": ["ACTIVITIES", "JOBS", "SUBSCRIPTIONS"],
    "entity_id": ["E0", "E1", "E2", "\ud800"],
}
CREATED = st.none() | st.integers(-2, 5)
ROWS = st.fixed_dictionaries(
    {field: st.sampled_from(values) for field, values in VALUES.items()}
    | {
        "state": st.sampled_from([State.REJECTED, State.SUCCESSFUL]),
        "url": st.sampled_from(["http://a/in", "http://a/in/2", "http://b"]),
        "created": CREATED,
    }
)
URL_TESTS: list[Callable[[str], bool] | None] = [
    None,
    lambda url: url == "http://a/in",
    lambda url: url.startswith("http://a"),
    lambda _: False,
]


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Draw any combination of conditions, order and page."""
    fields = draw(st.lists(st.sampled_from(INDEXED), unique=True))
    return Query(
        indexed=tuple(
            (field, frozenset(draw(st.sets(st.sampled_from([*VALUES[field], "unknown"])))))
            for field in fields
        ),
        any_of_indexed=draw(st.booleans()),
        url=draw(st.sampled_from(URL_TESTS)),
        states=draw(st.none() | st.frozensets(st.sampled_from(["SUCCESSFUL", "REJECTED"]))),
        created_from=draw(CREATED),
        created_before=draw(CREATED),
        newest_first=draw(st.booleans()),
        offset=draw(st.integers(0, 4)),
        limit=draw(st.none() | st.integers(0, 4)),
    )


class StoreMachine(RuleBasedStateMachine):
    """A store beside a list: whatever is done to both, they answer alike."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.model = Moment([], set())
        self.snapshots: list[tuple[object, Moment]] = []
        self.inserted = 0

    @rule(id=SOME, number=SOME, values=ROWS)
    def insert(self, id: str, number: str, values: dict[str, Any]) -> None:
        """A record comes in unless its id or number is or was there."""
        self.inserted += 1
        record = made(self.inserted, **{"id": id, "number": number, **values})
        if self.model.is_taken(record.row):
            with pytest.raises(DuplicateRecord):
                self.store.insert(record)
        else:
            self.store.insert(record)
            self.model.live.append(record)

    @rule(many=st.lists(ROWS, min_size=20, max_size=60))
    def insert_many(self, many: list[dict[str, Any]]) -> None:
        """Many records come in, so that deleting them clears indexes away."""
        for values in many:
            self.inserted += 1
            record = made(1000 + self.inserted, **values)
            if not self.model.is_taken(record.row):
                self.store.insert(record)
                self.model.live.append(record)

    @rule(id=SOME, event=st.sampled_from(Event), changes=st.booleans())
    def transition(self, id: str, event: Event, changes: bool) -> None:  # noqa: FBT001 - drawn by name
        """An event leads to the table's state, or is refused and changes nothing."""

        def change(record: Record) -> Record:
            return Record(record.row._replace(url="http://new"), b"new " + record.body, b"{}")

        at = self.model.at("id", id)
        before = None if at is None else self.model.live[at]
        if at is None or before is None:
            assert self.store.transition(id, event, change) is None
        elif (before.row.state, event) not in TRANSITIONS:
            with pytest.raises(WrongState):
                self.store.transition(id, event, change)
        else:
            after = change(before) if changes else before
            state = TRANSITIONS[before.row.state, event]
            self.model.live[at] = after._replace(row=after.row._replace(state=state))
            result = self.store.transition(id, event, change if changes else None)
            assert result == self.model.live[at]

    @rule(key=st.sampled_from(KEYS), value=SOME)
    def delete(self, key: Key, value: str) -> None:
        """A record comes back as it last was, and is gone."""
        at = self.model.at(key, value)
        record = None if at is None else self.model.live.pop(at)
        assert self.store.delete(key, value) == record
        if record is not None:
            self.model.gone |= {(name, getattr(record.row, name)) for name in KEYS}

    @rule(share=st.sampled_from([2, 3, 10]))
    def delete_many(self, share: int) -> None:
        """All records but every so many go."""
        for record in [r for n, r in enumerate(self.model.live) if n % share]:
            self.delete("number", record.row.number)

    @rule(query=queries())
    def query(self, query: Query) -> None:
        """A query finds what a look at every record finds, in the same order."""
        assert self.store.query(query) == self.model.found(query)

    @rule()
    def snapshot(self) -> None:
        """The content is kept; what was on its way is in it as rejected."""
        kept = self.model.copy()
        kept.live = [
            record._replace(row=record.row._replace(state=State.REJECTED))
            if record.row.state is State.SENDING
            else record
            for record in kept.live
        ]
        self.snapshots.append((self.store.snapshot(), kept))

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        """A content kept earlier is back, as often as wanted."""
        if self.snapshots:
            snapshot, kept = data.draw(st.sampled_from(self.snapshots))
            self.store = self.store.restore(snapshot)
            self.model = kept.copy()

    @invariant()
    def agrees(self) -> None:
        """Both hold the same records under the same keys, and every index agrees with them."""
        assert len(self.store) == len(self.model.live)
        for text in TEXTS:
            for key in KEYS:
                at = self.model.at(key, text)
                expected = None if at is None else self.model.live[at]
                assert self.store.get(key, text) == expected
                assert self.store.body(key, text) == (expected and expected.body)
        for field, values in VALUES.items():
            for value, states in product(values, STATES):
                query = Query(indexed=((field, frozenset({value})),), states=states)
                assert self.store.query(query) == self.model.found(query)


class LongStoreMachine(StoreMachine):
    """The same with indexes that take every posting for a long one."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(Index, "MOVED_AT_ONCE", 3)
        self.patch.setattr(searching, "_FEW", 0)
        self.patch.setattr(Pairs, "MOST", 5)

    def teardown(self) -> None:
        """Let postings be short ones again."""
        self.patch.undo()


TestStoreMachine = StoreMachine.TestCase
TestLongStoreMachine = LongStoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestLongStoreMachine.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


@given(rows=st.lists(ROWS, max_size=12), query=queries())
def test_a_query_finds_what_a_look_at_every_record_finds(
    rows: list[dict[str, Any]], query: Query
) -> None:
    """Any combination of conditions, order and page agrees with a search from end to end."""
    records = [made(number, **row) for number, row in enumerate(rows)]

    expected = Moment(records, set()).found(query)
    assert filled(*records).query(query) == expected
    with pytest.MonkeyPatch.context() as patch:  # as if each posting were a long one
        patch.setattr(searching, "_FEW", 0)
        assert filled(*records).query(query) == expected
