"""The journal keeps the last calls within its bounds, and wakes whoever waits for one."""

import threading
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.journal.journal import MAX_BODY, TruncatedBody, Journal, JournalLimits
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Response

AT = datetime(2026, 1, 1, tzinfo=UTC)
API = "/crmapi/rest/v2/webhook_requests"
LONG = 60.0  # seconds; nothing here waits for it to pass


def request(query: bytes = b"", body: bytes = b"", headers: int = 0) -> Request:
    """A request of some size."""
    named = {f"HTTP_X_{n}": "v" * n for n in range(headers)}
    return Request("POST", "webhook_requests/show", query, body, headers=named)


def answer(body: Any = b"{}") -> Response:
    """An answer of some size."""
    return Response(200, body, "application/json", len(body) if isinstance(body, bytes) else None)


def noted(journal: Journal, times: int = 1, body: Any = b"{}") -> None:
    """Note some calls."""
    for _ in range(times):
        journal.record(AT, request(), answer(body))


steps = st.one_of(
    st.tuples(st.just("note"), st.integers(0, 4000), st.integers(0, 30)),
    st.tuples(st.just("stream"), st.integers(0, 8), st.booleans()),
    st.tuples(st.just("remove"), st.sets(st.integers(1, 40)), st.none()),
    st.tuples(st.just("clear"), st.none(), st.none()),
    st.tuples(st.just("limit"), st.integers(0, 12), st.integers(0, 900_000)),
)


def _do(journal: Journal, step: tuple[str, Any, Any]) -> None:
    what, first, second = step
    match what:
        case "note":
            journal.record(AT, request(b"q" * first, b"b" * first, second), answer(b"a" * first))
        case "stream":
            made = answer(iter([b"s" * 65_536] * first))
            journal.record(AT, request(), made)
            if second:
                assert sum(map(len, made.body)) == first * 65_536
        case "remove":
            journal.remove(frozenset(first))
        case "clear":
            journal.clear()
        case _:
            journal.limit(JournalLimits(first, second))


@given(st.lists(steps, max_size=40))
def test_no_sequence_of_calls_breaks_the_bounds(made: list[tuple[str, Any, Any]]) -> None:
    """Whatever is noted, removed or limited: neither more entries nor more bytes than may be."""
    journal = Journal(JournalLimits(10, 600_000))
    for step in made:
        _do(journal, step)
        notes = journal.entries()
        assert len(notes) <= journal.limits.entries
        assert 0 <= journal.size <= journal.limits.bytes
        assert (journal.size > 0) == bool(notes)
        numbers = [note.number for note in notes]
        assert numbers == sorted(set(numbers))
        assert not numbers or numbers[-1] <= journal.last


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 10))
def test_the_last_calls_are_kept(removed: list[bool], entries: int) -> None:
    """What is kept are the newest, numbered as they came; what is removed is gone, and no more."""
    journal = Journal(JournalLimits(entries))
    kept: list[int] = []
    for number, remove in enumerate(removed, start=1):
        noted(journal)
        kept = [*kept, number][-entries:]
        if remove and kept:
            assert journal.remove(frozenset({kept[0], 10**6})) == 1
            kept = kept[1:]
    assert [note.number for note in journal.entries()] == kept
    assert [note.number for note in journal.entries(since=5)] == [n for n in kept if n > 5]
    for number in range(len(removed) + 2):
        found = journal.find(number)
        assert (None if found is None else found.number) == (number if number in kept else None)


def test_clearing_keeps_the_count() -> None:
    """A cleared journal is empty and takes no bytes, and numbers go on where they were."""
    journal = Journal()
    noted(journal, 3)
    journal.clear()
    assert (journal.entries(), journal.size, journal.last) == ([], 0, 3)
    noted(journal)
    assert [note.number for note in journal.entries()] == [4]


def test_a_streamed_answer_is_noted_as_far_as_the_bound() -> None:
    """Of a long stream the beginning is kept, its length counted; the caller gets all of it."""
    journal = Journal(JournalLimits(10, 10**7))
    parts = [bytes([n]) * 65_536 for n in range(10)]
    made = answer(iter(parts))
    journal.record(AT, request(), made)
    reserved = journal.size

    assert b"".join(made.body) == b"".join(parts)
    text = journal.entries()[0].text
    assert isinstance(text, TruncatedBody)
    assert text.content == b"".join(parts)[:MAX_BODY]
    assert text.length == 655_360
    assert journal.size == reserved


def test_a_short_stream_counts_for_what_it_was() -> None:
    """Once a stream has ended, it takes no more of the journal than its bytes."""
    journal = Journal()
    made = answer(iter([b"short"]))
    journal.record(AT, request(), made)
    list(made.body)
    same = Journal()
    noted(same, body=b"short")
    assert journal.size == same.size


def test_a_stream_that_ends_after_its_note_is_gone_changes_nothing() -> None:
    """Clearing while a stream runs leaves a journal of no bytes when it has ended."""
    journal = Journal()
    made = answer(iter([b"a", b"b"]))
    journal.record(AT, request(), made)
    stream: Iterator[bytes] = iter(made.body)  # type: ignore[arg-type]
    next(stream)
    journal.clear()
    assert list(stream) == [b"b"]
    assert journal.size == 0


def test_a_long_answer_is_cut_in_the_journal_alone() -> None:
    """The caller's answer stays whole, and the note holds no reference to all of it."""
    journal = Journal()
    made = answer(b"x" * (MAX_BODY + 5))
    journal.record(AT, request(), made)
    (note,) = journal.entries()
    assert len(made.body) == MAX_BODY + 5  # type: ignore[arg-type]
    assert note.body == note.response.body == b"x" * MAX_BODY


def _growth(query: str, times: int, body: bytes | None = None) -> float:
    """Return how many bytes a journal really takes for each byte that it reckons."""
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
    world.journal.limit(JournalLimits(10**6, 10**9))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(times):
            call(number)
        return (tracemalloc.get_traced_memory()[0] - before) / world.journal.size
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("query", "body", "least"),
    [
        ("show?token=T&webhook_request_identifier=number=7&x={}", None, 0.4),
        ("show?token=T&webhook_request_identifier=number=9{}", None, 0.4),
        # Its records are the store's, as long as these stay as they are.
        ("list?token=T&entity=JOBS&x={}", None, 0.0),
        ("resend", b'{"token": "T", "webhook_request_identifier": {"number": "1"}}', 0.4),
    ],
    ids=["show", "error", "list", "resend"],
)
def test_the_reckoned_size_is_near_the_real_one(
    query: str, body: bytes | None, least: float
) -> None:
    """What the journal says that it takes is within a factor of two of what it does take."""
    assert least < _growth(query, 300, body) < 2


def test_a_wait_ends_with_the_call_that_is_waited_for() -> None:
    """Whoever waits is asked again after each call, whichever thread noted it."""
    journal = Journal()
    found: list[int | None] = []
    waiting = threading.Thread(
        target=lambda: found.append(
            journal.wait_for(lambda: 3 if journal.last >= 3 else None, LONG)
        )
    )
    waiting.start()
    noted(journal, 3)
    waiting.join(LONG)
    assert found == [3]


def test_no_wake_up_is_lost() -> None:
    """A call that is noted while a waiter asks is not slept through, over many rounds."""
    journal = Journal()
    for number in range(1, 200):
        # The call comes between the question and the wait: the worst moment.
        asked: list[int] = []

        def ask(number: int = number, asked: list[int] = asked) -> bool | None:
            asked.append(journal.last)
            if len(asked) == 1:
                noted(journal)
                return None
            return journal.last >= number

        assert journal.wait_for(ask, LONG)
        assert len(asked) == 2


def test_a_wait_ends_with_its_time_or_its_journal() -> None:
    """None comes back when time is over, and at once from a journal that is closed."""
    journal = Journal()
    assert journal.wait_for(lambda: None, 0.01) is None
    waiting = threading.Thread(target=journal.wait_for, args=(lambda: None, LONG))
    waiting.start()
    journal.close()
    waiting.join(LONG)
    assert not waiting.is_alive()
    assert journal.wait_for(lambda: None, LONG) is None


def test_a_reset_closes_the_journal_and_begins_another() -> None:
    """Ids of calls before a reset are of no call after it."""
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
    assert world.journal.number_of("0-1") == 0
    assert world.journal.number_of("1-1") == 1


@pytest.mark.parametrize("id", ["", "-", "1-", "x-1", "0-x", "0-٣", "0-" + "9" * 40, "0-1-1", "1"])
def test_what_is_no_id_is_no_call(id: str) -> None:
    """A text that is no id of the journal's is the number of none of its calls."""
    assert Journal().number_of(id) == 0


def test_64_threads_note_at_once() -> None:
    """No call is lost, no number is given twice, and bounds hold while all note together."""
    journal = Journal(JournalLimits(10_000, 10**9))
    start = threading.Barrier(64)

    def work() -> None:
        start.wait(LONG)
        noted(journal, 100)

    threads = [threading.Thread(target=work) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert [note.number for note in journal.entries()] == list(range(1, 6401))
    one = Journal()
    noted(one)
    assert journal.size == 6400 * one.size
