"""The store beside a list that is searched from end to end: they always agree."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
from helpers.records import filled, made
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from crmcom_kit.mock_server.store.records import (
    KEYS,
    TRANSITIONS,
    DuplicateRecord,
    Event,
    IndexedField,
    Key,
    Query,
    Record,
    State,
    WrongState,
)
from crmcom_kit.mock_server.store.store import Store

EVERYTHING = Query()
REJECTED = Query(states=frozenset({"REJECTED"}))
SUCCESSFUL = Query(states=frozenset({"SUCCESSFUL"}))


class Model:
    """The content of a store, as a list that is searched from end to end."""

    def __init__(self, live: list[Record], deleted: list[Record]) -> None:
        self.live = live
        self.deleted = deleted

    def copy(self) -> "Model":
        live = [record._replace(state=record.state.in_responses) for record in self.live]
        return Model(live, self.deleted.copy())

    def at(self, key: Key, value: str) -> int | None:
        return next((n for n, r in enumerate(self.live) if getattr(r, key) == value), None)

    def ever_existed(self, key: Key, value: str) -> bool:
        return any(getattr(record, key) == value for record in self.live + self.deleted)

    def found(self, query: Query) -> list[bytes]:
        """Return the bodies that ``query`` must find on its page."""
        found = [record.body for record in self.live if _fits(record, query)]
        if query.newest_first:
            found.reverse()
        end = None if query.limit is None else query.offset + query.limit
        return found[query.offset : end]


def _fits(record: Record, query: Query) -> bool:
    hits = [getattr(record, field) in values for field, values in query.indexed]
    if hits and not (any(hits) if query.any_of_indexed else all(hits)):
        return False
    created, url = record.created, query.url
    return (
        (query.states is None or record.state.in_responses in query.states)
        and (url is None or url(record.url))
        and (query.created_from is None or (created is not None and created >= query.created_from))
        and (
            query.created_before is None or (created is not None and created < query.created_before)
        )
    )


#: Ids and numbers that must not be confused.
TEXTS = [*map(str, range(8)), "07", "\u0667", "", "\ud800", "9" * 30, f"{171:032X}", f"{171:032x}"]
VALUES: dict[IndexedField, list[str]] = {
    "definition": ["D0", "D1", "D2"],
    "rule": ["R0", "R1"],
    "entity": ["ACTIVITIES", "JOBS", "SUBSCRIPTIONS"],
    "entity_id": ["E0", "E1", "\ud800"],
}
CREATED = st.none() | st.integers(-2, 5)
RECORDS = st.fixed_dictionaries(
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


CONDITIONS: dict[str, st.SearchStrategy[Any]] = {
    "url": st.sampled_from(URL_TESTS),
    "states": st.frozensets(st.sampled_from(["SUCCESSFUL", "REJECTED"])),
    "created_from": CREATED,
    "created_before": CREATED,
    "offset": st.sampled_from([0, 1, 4, 10**18]),
    "limit": st.sampled_from([0, 1, 4, 10**18]),
}


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Draw any combination of conditions, order and page."""
    fields = draw(st.lists(st.sampled_from(get_args(IndexedField)), unique=True))
    values = {field: st.sampled_from([*VALUES[field], "unknown"]) for field in fields}
    names = draw(st.lists(st.sampled_from(sorted(CONDITIONS)), unique=True, max_size=3))
    return Query(
        indexed=tuple((field, draw(st.frozensets(values[field], max_size=2))) for field in fields),
        any_of_indexed=draw(st.booleans()),
        newest_first=draw(st.booleans()),
        **{name: draw(CONDITIONS[name]) for name in names},
    )


class StoreMachine(RuleBasedStateMachine):
    """Stores that share content, each beside a list: both always return the same."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs = [(Store(), Model([], []))]
        self.inserted = 0

    @property
    def store(self) -> Store:
        return self.pairs[0][0]

    @property
    def model(self) -> Model:
        return self.pairs[0][1]

    @rule(several=st.lists(RECORDS, max_size=5), texts=st.lists(st.sampled_from(TEXTS), max_size=2))
    def insert(self, several: list[dict[str, Any]], texts: list[str]) -> None:
        """All records come in, or none if an id or a number is taken or given twice."""
        records = []
        for values in several:
            self.inserted += 1
            record = made(self.inserted + 1000, **values)
            if texts:  # which others may have, too
                record = record._replace(id=texts[0], number=texts.pop())
            records.append(record)
        taken = any(
            len({getattr(record, key) for record in records}) < len(records)
            or any(self.model.ever_existed(key, getattr(record, key)) for record in records)
            for key in KEYS
        )
        if taken:
            with pytest.raises(DuplicateRecord):
                self.store.insert(*records)
        else:
            self.store.insert(*records)
            self.model.live.extend(records)

    def any_record(self, data: st.DataObject) -> Record:
        return data.draw(st.sampled_from([*self.model.live, *self.model.deleted, made(1)]))

    @rule(data=st.data(), changes=st.booleans())
    def transition(self, data: st.DataObject, *, changes: bool) -> None:
        """An event leads to the table's state, or is refused and changes nothing."""

        def change(record: Record) -> Record:
            return record._replace(url="http://new", body=b"new " + record.body, data=b"{}")

        record = self.any_record(data)
        allowed = [event for state, event in TRANSITIONS if state is record.state]
        event, id_ = data.draw(st.sampled_from([*allowed, *Event])), record.id
        at = self.model.at("id", id_)
        if at is None:
            assert self.store.transition(id_, event, change) is None
            return
        before = self.model.live[at]
        if (before.state, event) not in TRANSITIONS:
            with pytest.raises(WrongState):
                self.store.transition(id_, event, change)
            return
        after = change(before) if changes else before
        after = self.model.live[at] = after._replace(state=TRANSITIONS[before.state, event])
        assert self.store.transition(id_, event, change if changes else None) == after

    @rule(data=st.data(), key=st.sampled_from(KEYS))
    def delete(self, data: st.DataObject, key: Key) -> None:
        """A record comes back as it last was, and is gone."""
        value = getattr(self.any_record(data), key)
        at = self.model.at(key, value)
        record = None if at is None else self.model.live.pop(at)
        assert self.store.delete(key, value) == record
        if record is not None:
            self.model.deleted.append(record)

    @rule(query=queries())
    def query(self, query: Query) -> None:
        """A query finds what a look at every record finds, in the same order."""
        assert self.store.query(query) == self.model.found(query)

    @rule()
    def copy(self) -> None:
        self.pairs.insert(0, (self.store.copy(), self.model.copy()))

    @rule(data=st.data())
    def use_another(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.pairs) - 1))
        self.pairs.insert(0, self.pairs.pop(at))

    @invariant()
    def agrees(self) -> None:
        """Each store holds what its list holds, under the same keys."""
        for store, model in self.pairs:
            assert len(store) == len(model.live)
            for query in (EVERYTHING, REJECTED, SUCCESSFUL):
                assert store.query(query) == model.found(query)
        for key in KEYS:
            live = {getattr(record, key): record for record in self.model.live}
            deleted = {getattr(record, key) for record in self.model.deleted}
            for text in {*TEXTS, *live, *deleted}:
                assert self.store.get(key, text) == live.get(text)
                assert self.store.ever_existed(key, text) == (text in live or text in deleted)


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([{"id": "id7"}], "id: id7 already exists"),
        ([{"number": "8"}], "number: 8 was used by a deleted webhook request"),
        ([{"number": "9"}, {"number": "9"}], "number: 9 is given twice"),
    ],
)
def test_a_taken_key_is_named(values: list[Any], message: str) -> None:
    store = filled(made(7), made(8))
    store.delete("number", "8")
    with pytest.raises(DuplicateRecord, match=f"^{message}$"):
        store.insert(*(made(f"new{at}", **members) for at, members in enumerate(values)))


def test_a_change_that_fails_changes_nothing() -> None:
    """If the change of a transition raises, the record is what it was and can be resent."""
    store = filled(made(7))
    for event in (Event.RESEND, Event.DELIVERED):
        before = store.get("number", "7")
        with pytest.raises(ZeroDivisionError):
            store.transition("id7", event, lambda _: 1 // 0)  # type: ignore[arg-type,return-value]
        assert store.get("number", "7") == before
        store.transition("id7", event)
    assert store.query(SUCCESSFUL) == [b"body of 7"]


def test_records_are_those_of_the_moment() -> None:
    store = filled(made(7), made(8))
    records = store.records()
    store.delete("number", "7")
    store.insert(made(9))

    assert list(records) == [made(7), made(8)]


def test_the_largest_number_outlives_its_record() -> None:
    """Whole numbers count, deleted ones too."""
    store = Store()
    assert store.largest_number() == 0
    texts = ["7", "012", "\u0668", "-9", "1e3", "", "9" * 200]
    store.insert(*map(made, texts))
    store.delete("number", "012")
    assert store.largest_number() == 12
    copy = store.copy()
    copy.insert(made("6"))
    assert copy.largest_number() == 12
