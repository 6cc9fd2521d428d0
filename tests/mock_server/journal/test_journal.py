"""The journal keeps the last entries within its bounds, and wakes everyone who waits for one."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from helpers.patience import PATIENCE
from helpers.threads import at_once
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.journal.journal import MAX_BODY, Entry, Journal, JournalBudget
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Response

AT = datetime(2026, 1, 1, tzinfo=UTC)


def begin(journal: Journal, query: bytes = b"") -> Entry:
    asked = Request("POST", "webhook_requests/show", query, b"", headers={"HTTP_X_ODD": "x"})
    return journal.begin(AT, asked)


def response(body: Any = b"{}") -> Response:
    return Response(200, body, "application/json", len(body) if isinstance(body, bytes) else None)


def record(journal: Journal, times: int = 1, body: bytes = b"{}") -> None:
    for _ in range(times):
        journal.complete(begin(journal), response(body))


def stream(journal: Journal, parts: list[bytes]) -> Iterator[bytes]:
    """Record a request, and a response that is streamed; return its body as the caller gets it."""
    made = response(iter(parts))
    journal.complete(begin(journal), made)
    assert not isinstance(made.body, bytes)
    return made.body


def numbers(journal: Journal, since: int = 0) -> list[int]:
    return [entry.number for entry in journal.entries(since)]


steps = st.one_of(
    st.tuples(st.sampled_from(["record", "begin", "complete"]), st.integers(0, 4000)),
    st.tuples(st.sampled_from(["stream", "clear"]), st.integers(0, 8)),
)


def _do(journal: Journal, running: list[Entry], what: str, size: int) -> None:
    match what:
        case "begin":
            running.append(begin(journal, b"q" * size))
        case "complete":
            if running:
                journal.complete(running.pop(0), response(b"a" * size))
        case "record":
            journal.complete(begin(journal, b"q" * size), response(b"a" * size))
        case "stream":
            read = stream(journal, [b"s" * 65_536] * size)
            assert sum(map(len, read)) == size * 65_536
        case _:
            journal.clear()


@given(st.lists(steps, max_size=40))
def test_no_sequence_of_steps_breaks_the_bounds(made: list[tuple[str, int]]) -> None:
    """Requests begin, end and are cleared: never more than allowed, and none lost."""
    budget = JournalBudget(600_000)
    journal = Journal(10, budget=budget)
    running: list[Entry] = []
    for step in made:
        _do(journal, running, *step)
        entries = journal.entries()
        assert len(entries) <= 10
        assert 0 <= journal.size <= 600_000
        assert journal.size == budget.used == sum(entry.size for entry in entries)
        present = numbers(journal)
        assert present == sorted(set(present))
        assert not present or present[-1] <= journal.last


def test_of_a_long_body_the_beginning_is_kept() -> None:
    """The caller gets all of it, and the entry holds no reference to that."""
    journal = Journal()
    parts = [bytes([n]) * 65_536 for n in range(10)]
    assert b"".join(stream(journal, parts)) == b"".join(parts)
    whole = response(b"".join(parts))
    journal.complete(begin(journal), whole)
    assert whole.body == b"".join(parts)

    streamed, sent = journal.entries()
    assert streamed.body == sent.body == b"".join(parts)[:MAX_BODY]
    assert streamed.length == sent.length == 655_360
    assert sent.response is not None
    assert sent.response.body == sent.body


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


def test_a_lost_journal_takes_nothing() -> None:
    """A forgotten world gives its bytes back."""
    budget = JournalBudget(10_000)
    lost = Journal(budget=budget)
    record(lost, 4)
    del lost
    kept = Journal(budget=budget)
    record(kept, 6)
    assert len(numbers(kept)) == 6


def test_no_wake_up_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a request while the condition is evaluated, nor by one later."""
    monkeypatch.setattr("crmcom_kit.mock_server.journal.journal._POLL_SECONDS", PATIENCE)
    journal = Journal()
    seen: list[int] = []

    def holds() -> bool:
        seen.append(journal.last)
        if len(seen) == 1:
            record(journal)  # between the evaluation and the wait: the worst moment
        if len(seen) == 2:
            threading.Timer(0.05, record, [journal]).start()
        return seen[-1] == 2

    assert journal.wait_until(holds, PATIENCE)
    assert seen[:2] == [0, 1]


def test_a_reset_closes_the_journal_and_begins_another() -> None:
    """It gives its bytes back to all worlds; an id of before is the id of no entry after it."""
    world = make_world(tokens=["T"])
    before, other = world.journal, world.clone("other").journal
    record(before, 3)
    record(other)
    world.reset()
    assert world.journal_budget.used == other.size > 0
    record(world.journal)

    assert before.closed
    assert not world.journal.closed
    assert [call.id for call in world.reader.views()] == ["1-1"]
    assert world.journal.number_of("1-1") == world.journal.number_of("1") == 1
    for text in [before.id_of(1), "", "-", "1-", "x-1", "1-x", "1-٣", "1-" + "9" * 41, "1-1-1"]:
        assert world.journal.number_of(text) == 0, text


def test_numbers_go_on() -> None:
    """Clearing leaves no bytes, also while a stream runs; without room there is still a number."""
    journal = Journal()
    body = stream(journal, [b"a", b"b"])
    next(body)
    journal.clear()
    assert list(body) == [b"b"]
    assert (journal.entries(), journal.size, journal.last) == ([], 0, 1)
    journal.max_entries = 0
    record(journal, 2)
    assert (journal.entries(), journal.size, journal.last) == ([], 0, 3)
    journal.max_entries = 2
    record(journal, 3)
    assert (numbers(journal), numbers(journal, 5)) == ([5, 6], [6])


def test_64_threads_record_at_once() -> None:
    """No entry is lost, no number is given twice, and the size is exact."""
    journal, single = Journal(10_000), Journal()
    at_once([partial(record, journal, 100)] * 64)
    record(single)
    assert numbers(journal) == list(range(1, 6401))
    assert journal.size == 6400 * single.size
