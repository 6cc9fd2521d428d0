"""The store: what it finds, and what it never takes again."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
)

from crmcom_kit.mock_server.states import TRANSITIONS, Event, State, WrongState
from crmcom_kit.mock_server.store import (
    INDEXED,
    DuplicateRecord,
    IndexedField,
    Key,
    MemoryStore,
    Query,
    Record,
    Row,
)


def made(number: object, /, **values: Any) -> Record:
    """Make a record whose body names it."""
    row = {
        "id": f"id{number}",
        "number": str(number),
        "state": State.REJECTED,
        "definition": "D0",
        "rule": "R0",
        "entity": "ACTIVITIES",
        "entity_id": "E0",
        "url": "http://receiver/in",
        "created": 0,
    }
    return Record(
        Row(**{**row, **values}), f"body of {number}".encode("utf-8", "surrogatepass"), None
    )


def filled(*records: Record) -> MemoryStore:
    """Make a store that holds ``records``, the last one as the newest."""
    store = MemoryStore()
    for record in records:
        store.insert(record)
    return store


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
SOME = st.integers(0, 12).map(str)
VALUES: dict[IndexedField, list[str]] = {
    "definition": ["D0", "D1", "D2"],
    "rule": ["R0", "R1"],
    "entity": ["ACTIVITIES", "JOBS", "SUBSCRIPTIONS"],
    "entity_id": ["E0", "E1", "E2", "E3"],
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
            self.store.restore(snapshot)
            self.model = kept.copy()

    @invariant()
    def agrees(self) -> None:
        """Both hold the same records under the same keys, and every index agrees with them."""
        assert len(self.store) == len(self.model.live)
        for n in range(13):
            for key in KEYS:
                at = self.model.at(key, str(n))
                expected = None if at is None else self.model.live[at]
                assert self.store.get(key, str(n)) == expected
        for field, values in VALUES.items():
            for value in values:
                query = Query(indexed=((field, frozenset({value})),))
                assert self.store.query(query) == self.model.found(query)


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(rows=st.lists(ROWS, max_size=12), query=queries())
def test_a_query_finds_what_a_look_at_every_record_finds(
    rows: list[dict[str, Any]], query: Query
) -> None:
    """Any combination of conditions, order and page agrees with a search from end to end."""
    records = [made(number, **row) for number, row in enumerate(rows)]

    assert filled(*records).query(query) == Moment(records, set()).found(query)


@pytest.mark.parametrize(
    ("conditions", "numbers"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"created_from": 0}, [4, 3, 2]),
        ({"created_from": 10}, [4, 3]),
        ({"created_before": 10}, [2, 1]),
        ({"created_from": -5, "created_before": 0}, [1]),
        ({"created_from": 10, "created_before": 11}, [4, 3]),
        ({"url": lambda url: url == "http://4"}, [4]),
        ({"states": frozenset({"SUCCESSFUL"})}, [3]),
        ({"states": frozenset({"REJECTED"})}, [4, 2, 1, 0]),
        ({"states": frozenset({"REJECTED", "SUCCESSFUL"})}, [4, 3, 2, 1, 0]),
        ({"states": frozenset()}, []),
        ({"newest_first": False}, [0, 1, 2, 3, 4]),
        ({"offset": 1, "limit": 2}, [3, 2]),
        ({"offset": 4, "limit": 2}, [0]),
        ({"offset": 5}, []),
        ({"offset": 10**18, "limit": 10**18}, []),
        ({"limit": 0}, []),
        ({"limit": 5}, [4, 3, 2, 1, 0]),
    ],
)
def test_each_condition_selects(conditions: dict[str, Any], numbers: list[int]) -> None:
    """Spans include their beginning and not their end; a record without date is in no span."""
    created = [None, -5, 0, 10, 10]
    store = filled(*(made(n, created=c, url=f"http://{n}") for n, c in enumerate(created)))
    store.transition("id3", Event.RESEND)
    store.transition("id3", Event.DELIVERED)
    store.transition("id2", Event.RESEND)  # and is still on its way

    found = store.query(Query(indexed=(("entity", frozenset({"ACTIVITIES"})),), **conditions))
    assert found == [b"body of %d" % number for number in numbers]


@pytest.mark.parametrize("key", KEYS)
def test_what_a_deleted_record_had_is_never_taken_again(key: Key) -> None:
    """Neither the id nor the number of a deleted record is taken again, with any other key."""
    store = filled(made(7))
    store.delete("number", "7")
    again = made(8, **{key: getattr(made(7).row, key)})

    with pytest.raises(DuplicateRecord, match=f"{key}: .*7 was there already"):
        store.insert(again)
    assert len(store) == 0
    store.insert(made(8))


@pytest.mark.parametrize("key", KEYS)
def test_what_a_record_has_is_not_taken_twice(key: Key) -> None:
    """A second record with an id or number that is there is refused, and nothing has changed."""
    store = filled(made(7))

    with pytest.raises(DuplicateRecord, match=f"{key}: .*7 is there already"):
        store.insert(made(8, **{key: getattr(made(7).row, key)}))
    assert store.query(Query(indexed=())) == [b"body of 7"]
    assert store.get("number", "8") is None
    assert store.get("id", "id8") is None


def test_restoring_forgets_what_was_deleted_since() -> None:
    """Back at an earlier content, a number deleted since is there, and one not yet there is new."""
    store = filled(made(7))
    snapshot = store.snapshot()
    store.delete("id", "id7")
    store.insert(made(8))
    store.delete("id", "id8")
    store.restore(snapshot)

    assert store.get("number", "7") == made(7)
    store.insert(made(8))
    store.restore(snapshot)
    assert store.query(Query(indexed=())) == [b"body of 7"]


def test_a_record_on_its_way_is_restored_as_rejected() -> None:
    """A delivery belongs to the present: no content that is restored waits for one for ever."""
    store = filled(made(7))
    store.transition("id7", Event.RESEND)
    snapshot = store.snapshot()
    now = store.get("number", "7")
    store.restore(snapshot)
    restored = store.get("number", "7")

    assert now is not None
    assert restored is not None
    assert (now.row.state, restored.row.state) == (State.SENDING, State.REJECTED)


def test_only_a_snapshot_is_restored() -> None:
    """Anything but a store's own snapshot is refused, and nothing has changed."""
    store = filled(made(7))

    with pytest.raises(TypeError, match="list is not a snapshot of a MemoryStore"):
        store.restore([made(8)])
    assert len(store) == 1


def test_a_change_that_fails_changes_nothing() -> None:
    """Where the change of a transition raises, state and record are what they were."""
    store = filled(made(7))

    def change(_: Record) -> Record:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.transition("id7", Event.RESEND, change)
    assert store.get("number", "7") == made(7)
    assert store.get("id", "id7") == made(7)


def test_keys_may_be_any_text() -> None:
    """Ids and numbers are texts: empty, beyond ASCII, unpaired surrogates, with leading zeros."""
    texts = ["", "7", "07", " 7", "Ω", "\ud800", "id=7", "x" * 10_000]
    store = filled(*(made(text) for text in texts))

    for text in texts:
        assert store.get("number", text) == made(text)
    assert store.get("number", "0") is None
