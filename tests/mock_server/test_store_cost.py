"""What the store costs: positions that a query looks at, memory that a long list takes."""

import tracemalloc
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from helpers.records import filled, made

from crmcom_kit.mock_server.protocol.fields import read_selection
from crmcom_kit.mock_server.protocol.response import Response, ResponseBuilder
from crmcom_kit.mock_server.store.content import IndexedColumn
from crmcom_kit.mock_server.store.life_cycle import Event, State
from crmcom_kit.mock_server.store.memory_store import MemoryStore
from crmcom_kit.mock_server.store.pairs import Pairs
from crmcom_kit.mock_server.store.postings import Index
from crmcom_kit.mock_server.store.records import (
    INDEXED,
    IndexedField,
    Query,
)
from crmcom_kit.schemas import load_dialect, resolve
from crmcom_kit.schemas.rendering import Renderer

# What a query costs: counted in positions that it looks at, which no other load on the machine
# changes.


REJECTED, SUCCESSFUL = frozenset({"REJECTED"}), frozenset({"SUCCESSFUL"})


@pytest.fixture(name="walked")
def _walked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect every position that a query takes out of an index."""
    positions: list[int] = []
    walk, page = Index.walk, Index.page

    def counting_walk(index: Index, value: int, *, newest_first: bool) -> Iterator[int]:
        for position in walk(index, value, newest_first=newest_first):
            positions.append(position)
            yield position

    def counting_page(index: Index, *given: Any, **named: Any) -> Sequence[int] | None:
        found = page(index, *given, **named)
        positions.extend(found or ())
        return found

    monkeypatch.setattr(Index, "walk", counting_walk)
    monkeypatch.setattr(Index, "page", counting_page)
    return positions


def large(size: int) -> MemoryStore:
    """Make a store in which an entity has half of all records, and an entity id 20 of them."""
    return filled(
        *(
            made(
                n,
                entity="ACTIVITIES" if n % 2 else "JOBS",
                entity_id=f"E{n}" if n >= 40 else f"E{n % 2}",
                rule="R0" if n < 100 else "R1",
                state=State.SUCCESSFUL,
            )
            for n in range(size)
        )
    )


def both(*conditions: tuple[IndexedField, str], **more: Any) -> Query:
    """Make a query for records that meet every condition."""
    return Query(indexed=tuple((f, frozenset(v.split(","))) for f, v in conditions), **more)


@pytest.mark.parametrize("size", [500, 5000])
@pytest.mark.parametrize(
    ("query", "looks"),
    [
        (both(("entity", "ACTIVITIES"), ("entity_id", "E1")), 20),
        (both(("entity_id", "E1"), ("entity", "ACTIVITIES")), 20),
        (both(("entity", "ACTIVITIES"), ("rule", "R0"), ("entity_id", "E77")), 1),
        (both(("entity", "ACTIVITIES"), ("rule", "R0")), 50),
        (both(("entity", "ACTIVITIES"), ("rule", "R0"), states=SUCCESSFUL), 50),
        (both(("entity", "ACTIVITIES"), ("rule", "R1"), limit=10), 10),
        (both(("entity", "ACTIVITIES"), ("definition", "D0"), ("rule", "R0"), limit=10), 50),
        (both(("entity", "ACTIVITIES,JOBS"), ("entity_id", "E0,E1")), 40),
        (both(("entity", "ACTIVITIES"), ("entity_id", "nowhere")), 0),
        (both(("entity", "ACTIVITIES"), limit=10), 10),
        (both(("entity", "ACTIVITIES"), limit=10, newest_first=False), 10),
        (both(("entity", "ACTIVITIES"), limit=10, offset=30), 10),
        (both(("entity", "ACTIVITIES"), limit=10, offset=200, newest_first=False), 10),
        (both(("entity_id", "E1"), limit=10, offset=15), 5),
        (both(("entity", "ACTIVITIES"), limit=0), 0),
    ],
)
def test_a_query_costs_its_smallest_index_and_its_page(
    walked: list[int], size: int, query: Query, looks: int
) -> None:
    """A query looks at no more records than its smallest index has, whatever the world's size."""
    store = large(size)
    found = store.query(query)

    assert len(walked) == looks
    assert len(found) <= looks


@pytest.mark.parametrize("met", [0, 3])
@pytest.mark.parametrize("size", [500, 5000])
@pytest.mark.parametrize(
    "fields", [("definition", "entity"), ("rule", "entity"), ("definition", "rule")]
)
def test_values_that_hardly_meet_cost_what_they_meet(
    walked: list[int], size: int, fields: tuple[IndexedField, IndexedField], met: int
) -> None:
    """Two values with half of all records each, which few records share, cost these few alone."""
    store = filled(
        *(
            made(
                n,
                **{
                    field: "A" if n % 2 == at or n < met else "B" for at, field in enumerate(fields)
                },
            )
            for n in range(size)
        )
    )
    query = both((fields[0], "A"), (fields[1], "A"))

    assert len(store.query(query)) == met
    assert len(walked) == met
    for n in range(met):
        store.delete("number", str(n))
    walked.clear()
    assert store.query(query) == []
    assert walked == []


def test_pairs_are_kept_while_they_are_few(
    walked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond their number the records of one value are walked, and the same ones are found."""
    monkeypatch.setattr(Pairs, "MOST", 10)
    rows = [{"definition": f"D{n % 5}", "rule": f"R{n % 7}", "entity": "JOBS"} for n in range(700)]
    store = filled(*(made(n, **row) for n, row in enumerate(rows)))

    assert len(store.query(both(("definition", "D1"), ("rule", "R3")))) == 20
    assert len(walked) == 100
    walked.clear()
    assert len(store.query(both(("rule", "R3"), ("entity", "JOBS"), limit=5))) == 5
    assert len(walked) == 5


@pytest.mark.parametrize("size", [500, 5000])
@pytest.mark.parametrize(
    "query",
    [
        both(("entity", "ACTIVITIES,JOBS"), limit=10),
        both(("entity", "ACTIVITIES,JOBS"), limit=10, newest_first=False),
        both(("entity", "ACTIVITIES"), ("definition", "D0"), any_of_indexed=True, limit=10),
    ],
)
def test_several_values_cost_a_page_of_each_at_most(
    walked: list[int], size: int, query: Query
) -> None:
    """Where indexes are walked together, none is walked further than the page needs."""
    store = large(size)
    found = store.query(query)

    assert len(found) == 10
    assert len(walked) <= 2 * (10 + 1)


@pytest.mark.parametrize("size", [500, 5000])
@pytest.mark.parametrize("field", INDEXED)
def test_a_field_and_the_state_cost_their_page(
    walked: list[int], size: int, field: IndexedField
) -> None:
    """Records of the other state are not looked at, however many there are, or moved away."""
    store = filled(
        *(made(n, state=State.SUCCESSFUL if n % 50 else State.REJECTED) for n in range(size))
    )
    value = getattr(made(0).row, field)

    def looks(states: frozenset[str], limit: int | None) -> tuple[int, int]:
        walked.clear()
        found = store.query(both((field, value), states=states, limit=limit))
        return len(found), len(walked)

    assert looks(REJECTED, 3) == looks(SUCCESSFUL, 3) == (3, 3)
    assert looks(REJECTED, None) == (size // 50, size // 50)
    for n in range(0, size, 50):
        store.transition(f"id{n}", Event.RESEND)
    assert looks(REJECTED, None) == (size // 50, size // 50)  # on its way is still rejected
    for n in range(0, size, 50):
        store.transition(f"id{n}", Event.DELIVERED)
    assert looks(REJECTED, 3) == (0, 0)
    assert looks(SUCCESSFUL, 3) == (3, 3)
    store.delete("number", "1")
    found, looked = looks(SUCCESSFUL, None)
    assert found == size - 1
    assert looked <= size


@pytest.mark.parametrize("moved_at_once", [0, Index.MOVED_AT_ONCE])
def test_deleted_records_do_not_make_a_query_dear(
    monkeypatch: pytest.MonkeyPatch, walked: list[int], moved_at_once: int
) -> None:
    """Where nearly all of a thousand records of an entity are deleted, a query passes few."""
    monkeypatch.setattr(Index, "MOVED_AT_ONCE", moved_at_once)
    store = filled(*(made(n) for n in range(1000)))
    for n in range(990):
        store.delete("number", str(n))

    assert len(store.query(both(("entity", "ACTIVITIES")))) == 10
    assert len(walked) <= 2 * 10


def test_a_value_that_no_record_has_any_more_leaves_nothing_behind() -> None:
    """Records that come and go under ever new entity ids leave no text and no posting each."""
    column, gone = IndexedColumn(), set[int]()
    column.add("stays", 0, 0)
    for position in range(1, 50):
        column.add(f"new {position}", 0, position)
        gone.add(position)
        column.drop(position, 0, lambda at: at not in gone)

    assert len(column.texts) == len(column.by_value) == len(column.by_state) == 1
    assert max(column.values) == 1
    assert column.texts.find("new 7") is None


# What a long list costs in memory.


@pytest.mark.parametrize("fields_set", [None, "id,number,log_information"])
def test_a_long_list_is_never_in_memory_at_once(fields_set: str | None) -> None:
    """Sending 30 MB takes a small part of that beyond the stored bytes themselves."""
    dialect, release = load_dialect(), resolve("R9")
    responses = ResponseBuilder(dialect, release, Renderer(dialect, release))
    selection = None
    if fields_set is not None:
        selection = read_selection(fields_set, dialect, from_body=False)
    body = b'{"id":"1","number":"2","log_information":{"text":"%s"},"url":"u"}' % (b"x" * 1500)
    store = filled(*(made(n)._replace(body=body) for n in range(20_000)))

    tracemalloc.start()
    try:
        answer = responses.listing(store.query(both(("entity", "ACTIVITIES"))), selection)
        sent = sum(map(len, parts(answer)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert sent > 30_000_000
    assert peak < 1_000_000
    assert answer.length in (None, sent)
    assert (answer.length is None) == (fields_set is not None)


def parts(answer: Response) -> Iterator[bytes]:
    """Yield an answer's body as a server sends it."""
    if isinstance(answer.body, bytes):
        yield answer.body
    else:
        yield from answer.body
