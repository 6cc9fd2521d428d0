"""The journal keeps the last entries within its bounds, and wakes everyone who waits for one."""

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from helpers.threads import at_once
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.journal.journal import (
    MAX_BODY,
    Entry,
    Journal,
    JournalBudget,
)
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Response

AT = datetime(2026, 1, 1, tzinfo=UTC)
API = "/crmapi/rest/v2/webhook_requests"
LONG = 60.0  # seconds; no test waits for it to pass


def request(query: bytes = b"", body: bytes = b"", headers: int = 0) -> Request:
    """A request of some size."""
    named = {f"HTTP_X_{n}": "v" * n for n in range(headers)}
    return Request("POST", "webhook_requests/show", query, body, headers=named)


def response(body: Any = b"{}") -> Response:
    """A response of some size."""
    return Response(200, body, "application/json", len(body) if isinstance(body, bytes) else None)


def pair(journal: Journal, asked: Request, answered: Response) -> None:
    """Record a request, and its response."""
    journal.complete(journal.begin(AT, asked), answered)


def record(journal: Journal, times: int = 1, body: Any = b"{}") -> None:
    """Record some requests."""
    for _ in range(times):
        pair(journal, request(), response(body))


def numbers(journal: Journal, since: int = 0) -> list[int]:
    """The numbers of the entries."""
    return [entry.number for entry in journal.entries(since)]


steps = st.one_of(
    st.tuples(st.just("record"), st.integers(0, 4000), st.integers(0, 30)),
    st.tuples(st.just("begin"), st.integers(0, 4000), st.none()),
    st.tuples(st.just("complete"), st.integers(0, 4000), st.none()),
    st.tuples(st.just("stream"), st.integers(0, 8), st.booleans()),
    st.tuples(st.just("clear"), st.none(), st.none()),
)


def _do(journal: Journal, running: list[Entry], step: tuple[str, Any, Any]) -> None:
    what, first, second = step
    match what:
        case "begin":
            running.append(journal.begin(AT, request(b"q" * first)))
        case "complete":
            if running:
                journal.complete(running.pop(0), response(b"a" * first))
        case "record":
            pair(journal, request(b"q" * first, b"b" * first, second), response(b"a" * first))
        case "stream":
            made = response(iter([b"s" * 65_536] * first))
            pair(journal, request(), made)
            if second:
                assert not isinstance(made.body, bytes)
                assert sum(map(len, made.body)) == first * 65_536
        case _:
            journal.clear()


@given(st.lists(steps, max_size=40))
def test_no_sequence_of_steps_breaks_the_bounds(made: list[tuple[str, Any, Any]]) -> None:
    """Whatever begins, is answered or cleared: never more than allowed, and none lost."""
    budget = JournalBudget(600_000)
    journal = Journal(10, budget=budget)
    running: list[Entry] = []
    for step in made:
        _do(journal, running, step)
        entries = journal.entries()
        assert len(entries) <= 10
        assert 0 <= journal.size <= 600_000
        assert journal.size == sum(entry.size for entry in entries)
        assert budget.used == journal.size
        found = numbers(journal)
        assert found == sorted(set(found))
        assert not found or found[-1] <= journal.last


def test_a_streamed_body_is_kept_as_far_as_the_bound() -> None:
    """Of a long stream the beginning is kept and its length counted; the caller gets all of it."""
    journal = Journal()
    parts = [bytes([n]) * 65_536 for n in range(10)]
    made = response(iter(parts))
    pair(journal, request(), made)

    assert not isinstance(made.body, bytes)
    assert b"".join(made.body) == b"".join(parts)
    (entry,) = journal.entries()
    assert entry.body == b"".join(parts)[:MAX_BODY]
    assert entry.length == 655_360


def test_all_journals_together_are_bounded() -> None:
    """When they take too much, the largest lose their oldest entries; others keep theirs."""
    budget = JournalBudget(100_000)
    small, *large = [Journal(budget=budget) for _ in range(4)]
    record(small, body=b"x" * 1_000)
    for _ in range(60):
        for journal in large:
            record(journal, body=b"x" * 1_000)
            assert budget.used <= 100_000
    assert numbers(small) == [1]
    for journal in large:
        assert numbers(journal)[-1] == 60
        assert len(numbers(journal)) > 5
    assert budget.used == sum(journal.size for journal in (small, *large))


def test_a_closed_or_lost_journal_takes_nothing() -> None:
    """A reset or a forgotten world gives its bytes back."""
    budget = JournalBudget(10_000)
    closed, lost = Journal(budget=budget), Journal(budget=budget)
    for journal in (closed, lost):
        record(journal, 4)
    closed.close()
    record(closed)  # by a request that began before the reset
    assert budget.used == lost.size
    del lost, journal
    kept = Journal(budget=budget)
    record(kept, 6)
    assert len(numbers(kept)) == 6


def test_worlds_share_the_bound() -> None:
    """Worlds that are made from one another have one bound, after a reset as well."""
    world = make_world(tokens=["T"])
    other = world.clone("other")
    for each in (world, other):
        create_app(each).test_client().get(f"{API}/show?token=T")
    assert other.journal_budget is world.journal_budget
    assert world.journal_budget.used == world.journal.size + other.journal.size > 0
    world.reset()
    assert world.journal_budget.used == other.journal.size


def _growth(query: str, times: int, body: bytes | None = None) -> float:
    """Return how many bytes a journal really takes for each byte that it counts."""
    world = make_world(tokens=["T"])
    client = create_app(world).test_client()

    def call(number: int) -> None:
        url = f"{API}/{query.format(number)}"
        more = {f"X-{n}": f"{n}-{number}" * 5 for n in range(5)}
        if body is None:
            client.get(url, headers=more).get_data()
        else:
            client.post(url, data=body + b" " * number, headers=more).get_data()

    for number in range(20):
        call(number)
    world.journal.clear()
    world.journal.max_entries = 10**6
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(times):
            call(number)
        return (tracemalloc.get_traced_memory()[0] - before) / world.journal.size
    finally:
        tracemalloc.stop()


def test_the_counted_size_is_near_the_real_one() -> None:
    """The bytes that the journal counts are within a factor of two of those that it takes."""
    for query, body in [
        ("show?token=T&webhook_request_identifier=number=7&x={}", None),
        ("show?token=T&webhook_request_identifier=number=9{}", None),
        ("list?token=T&entity=JOBS&number_of_results=3&x={}", None),
        ("resend", b'{"token": "T", "webhook_request_identifier": {"number": "1"}}'),
    ]:
        assert 0.4 < _growth(query, 200, body) < 2, query


def test_no_wake_up_is_lost() -> None:
    """A request that is recorded while the condition is evaluated is not slept through."""
    journal = Journal()
    for number in range(1, 200):
        # The request comes between the evaluation and the wait: the worst moment.
        asked: list[int] = []

        def ask(number: int = number, asked: list[int] = asked) -> bool:
            asked.append(journal.last)
            if len(asked) == 1:
                record(journal)
                return False
            return journal.last >= number

        assert journal.wait_until(ask, LONG)
        assert len(asked) == 2


def test_a_reset_closes_the_journal_and_begins_another() -> None:
    """An id from before a reset is the id of no entry after it; neither is any other text."""
    world = make_world(tokens=["T"])
    client = create_app(world).test_client()
    client.get(f"{API}/show?token=T")
    before = world.journal
    world.reset()
    client.get(f"{API}/show?token=T")

    assert before.closed
    assert not world.journal.closed
    assert [call.id for call in world.reader.calls()] == ["1-1"]
    assert before.id_of(1) == "0-1"
    assert world.journal.number_of("1-1") == world.journal.number_of("1") == 1
    assert world.journal.number_of("0-1") == 0
    for text in ["", "-", "1-", "x-1", "1-x", "1-٣", "1-" + "9" * 41, "1-1-1"]:
        assert world.journal.number_of(text) == 0, text


def test_numbers_go_on() -> None:
    """Clearing leaves no bytes, also while a stream runs; without room there is still a number."""
    journal = Journal()
    made = response(iter([b"a", b"b"]))
    pair(journal, request(), made)
    stream: Iterator[bytes] = iter(made.body)  # type: ignore[arg-type]
    next(stream)
    journal.clear()
    assert list(stream) == [b"b"]
    assert (journal.entries(), journal.size, journal.last) == ([], 0, 1)
    journal.max_entries = 0
    record(journal, 2)
    assert (journal.entries(), journal.size, journal.last) == ([], 0, 3)
    journal.max_entries = 2
    record(journal, 3)
    assert numbers(journal) == [5, 6]


def test_a_long_body_is_cut_in_the_journal_alone() -> None:
    """The caller's response stays whole, and the entry holds no reference to all of it."""
    journal = Journal()
    made = response(b"x" * (MAX_BODY + 5))
    pair(journal, request(), made)
    (entry,) = journal.entries()
    assert len(made.body) == MAX_BODY + 5  # type: ignore[arg-type]
    assert entry.response
    assert entry.body == entry.response.body == b"x" * MAX_BODY


def test_64_threads_record_at_once() -> None:
    """No entry is lost, no number is given twice, and the size is exact."""
    journal, one = Journal(10_000), Journal()
    at_once([partial(record, journal, 100)] * 64)
    record(one)
    assert numbers(journal) == list(range(1, 6401))
    assert journal.size == 6400 * one.size
