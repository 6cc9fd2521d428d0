"""What the store costs: records that a query looks at, content that is copied."""

import tracemalloc
from typing import Any

import pytest
from helpers.records import filled, made

from crmcom_kit.mock_server.protocol.fields import read_selection
from crmcom_kit.mock_server.protocol.response import ResponseBuilder
from crmcom_kit.mock_server.store.contents import Contents
from crmcom_kit.mock_server.store.records import Event, IndexedField, Query, Record, State
from crmcom_kit.schemas import load_dialect, resolve
from crmcom_kit.schemas.rendering import Renderer

REJECTED, SUCCESSFUL = frozenset({"REJECTED"}), frozenset({"SUCCESSFUL"})


class CountedRecords(dict[int, Record]):
    looks = 0

    def __getitem__(self, position: int) -> Record:
        self.looks += 1
        return super().__getitem__(position)


def contents_of(*records: Record) -> Contents:
    contents = Contents()
    contents.add(records)
    return contents


def looks(contents: Contents, query: Query) -> tuple[int, int]:
    """Return how many records a query finds, and how many it looks at."""
    counted = contents.records = CountedRecords(contents.records)
    return len(list(contents.find(query))), counted.looks


def both(*conditions: tuple[IndexedField, str], **more: Any) -> Query:
    return Query(indexed=tuple((f, frozenset(v.split(","))) for f, v in conditions), **more)


def test_a_query_costs_its_page_or_its_smallest_condition() -> None:
    """However large the world is: one condition costs the page, several the smallest of them."""
    for size in (500, 5000):
        contents = contents_of(
            *(
                made(
                    n,
                    entity="ACTIVITIES" if n % 2 else "JOBS",
                    entity_id=f"E{n}" if n >= 40 else f"E{n % 2}",
                    rule="R0" if n < 100 else "R1",
                    state=State.REJECTED if n < 10 else State.SUCCESSFUL,
                )
                for n in range(size)
            )
        )
        for query, expected in (
            (both(("entity", "ACTIVITIES"), limit=10), 10),
            (both(("entity", "ACTIVITIES"), limit=10, offset=200), 10),
            (both(("entity", "ACTIVITIES"), ("entity_id", "E1")), 20),
            (both(("entity_id", "E1"), ("entity", "ACTIVITIES")), 20),
            (both(("entity", "ACTIVITIES"), ("rule", "R0")), 100),
            (both(("entity", "JOBS"), states=REJECTED), 10),
            (both(("entity", "ACTIVITIES"), ("entity_id", "nowhere")), 0),
            (both(("entity", "ACTIVITIES,JOBS"), limit=10), 10),
            (both(("entity", "ACTIVITIES"), ("rule", "R1"), any_of_indexed=True, limit=10), 10),
            (Query(limit=10), 10),
            (both(("entity", "ACTIVITIES"), url=lambda url: "nowhere" in url), 0),
            (both(("entity_id", "E1"), url=lambda url: "receiver" in url), 20),
        ):
            records, looked = looks(contents, query)
            assert looked == expected, query
            assert records <= looked


def test_contents_are_copied_by_the_first_write_and_no_earlier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Copies cost nothing until one of them is written to, and a claim is no write."""
    copied: list[Contents] = []
    copy = Contents.copy
    monkeypatch.setattr(Contents, "copy", lambda self: copied.append(self) or copy(self))  # type: ignore[func-returns-value]
    store = filled(made(7), made(8))
    copies = [store.copy() for _ in range(100)]
    store.query(both(("entity", "ACTIVITIES")))
    copies[0].transition("id7", Event.RESEND)
    copies[0].transition("id7", Event.FAILED)

    assert copied == []
    copies[1].delete("number", "7")
    copies[1].delete("number", "8")
    assert len(copied) == 1
    assert store.get("number", "7") == copies[0].get("number", "7") == made(7)


def test_a_value_that_no_record_has_any_more_leaves_nothing_behind() -> None:
    """Records that come and go under ever new entity ids leave no entry in the index."""
    contents = contents_of(made("stays"))
    contents.find(both(("entity_id", "E0")))
    for n in range(1, 50):
        contents.add([made(n, entity_id=f"new {n}")])
        contents.remove(n)

    assert contents.indexes["entity_id"] == {"E0": [0]}


@pytest.mark.parametrize("fields_set", [None, "id,number,log_information"])
def test_a_long_list_is_never_in_memory_at_once(fields_set: str | None) -> None:
    dialect, release = load_dialect(), resolve("R9")
    responses = ResponseBuilder(dialect, release, Renderer(dialect, release))
    selection = None
    if fields_set is not None:
        selection = read_selection(fields_set, dialect, from_body=False)
    body = b'{"id":"1","number":"2","log_information":{"text":"%s"},"url":"u"}' % (b"x" * 1500)
    store = filled(*(made(n)._replace(body=body) for n in range(5_000)))

    tracemalloc.start()
    try:
        response = responses.listing(store.query(both(("entity", "ACTIVITIES"))), selection)
        parts = [response.body] if isinstance(response.body, bytes) else response.body
        sent = sum(map(len, parts))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert sent > 7_500_000
    assert peak < 1_000_000
    assert response.length in (None, sent)
    assert (response.length is None) == (fields_set is not None)
