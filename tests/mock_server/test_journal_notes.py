"""What a journal keeps: numbers without gaps, exact bounds, and whoever waits is told."""

import threading
from datetime import UTC, datetime

import pytest
from werkzeug.test import EnvironBuilder

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.http.wsgi_shell import WsgiShell
from crmcom_kit.mock_server.journal.journal import Journal, JournalLimits
from crmcom_kit.mock_server.protocol.request import HEAD_BYTES, Request
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.schemas import API_PATH

AT = datetime(2026, 1, 1, tzinfo=UTC)


def _note(journal: Journal, body: bytes = b"{}", query: bytes = b"") -> None:
    request = Request("GET", "webhook_requests/show", query)
    journal.note(AT, request, Response(200, body, "application/json"))


def test_calls_are_numbered_in_order() -> None:
    """However many calls are noted between two looks, their numbers go on without a gap."""
    journal = Journal()
    for count in (1, 63, 64, 200):
        for _ in range(count):
            _note(journal)
        assert [note.number for note in journal.notes()] == list(range(1, journal.last + 1))

    assert journal.last == 328
    assert [note.number for note in journal.notes(since=326)] == [327, 328]
    found = journal.find(300)
    assert found is not None
    assert found.number == 300
    assert journal.find(329) is None


@pytest.mark.parametrize("count", [1, 5, 6, 64, 70])
def test_no_more_entries_than_the_limit_are_seen(count: int) -> None:
    """The oldest calls go first, and no look finds more than the limit."""
    journal = Journal(JournalLimits(entries=5))
    for _ in range(count):
        _note(journal)

    assert [note.number for note in journal.notes()] == list(range(1, count + 1))[-5:]


def test_no_more_bytes_than_the_limit_are_seen() -> None:
    """Queries and answers count, and what is forgotten does not any more."""
    journal = Journal(JournalLimits(bytes=10_000))
    for _ in range(10):
        _note(journal, b"x" * 900, b"y" * 100)

    assert len(journal.notes()) == 4
    assert journal.size == 4 * 2_100
    journal.remove(frozenset({9}))
    assert [note.number for note in journal.notes()] == [7, 8, 10]
    assert journal.size == 3 * 2_100
    journal.clear()
    assert (journal.notes(), journal.size, journal.last) == ([], 0, 10)


@pytest.mark.parametrize("told", [True, False])
def test_headers_of_the_shortest_way_count(told: bool) -> None:  # noqa: FBT001
    """What the fast lane keeps of a call of show has headers, whether the server says how long."""
    world = make_world(tokens=["T"], journal=JournalLimits(bytes=1_000_000))
    app = WsgiShell(world)
    path = f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=number=7"
    for _ in range(100):
        environ = EnvironBuilder(path, headers={"X-Long": "x" * 50_000}).get_environ()
        more = {HEAD_BYTES: 50_100} if told else {}
        assert b"".join(app({**environ, **more}, lambda *_: lambda _: None)).startswith(b"{")

    assert 15 <= len(world.current_epoch.journal.notes()) <= 20


def test_a_lower_limit_holds_at_once() -> None:
    """Calls beyond a limit that is set later are forgotten, those noted last among them."""
    journal = Journal()
    for _ in range(10):
        _note(journal)
    journal.limit(JournalLimits(entries=2))

    assert [note.number for note in journal.notes()] == [9, 10]


def test_a_journal_of_none_counts_calls() -> None:
    """Calls that are not kept have numbers; what is noted once there is room is kept."""
    world = make_world(tokens=["T"], journal=JournalLimits(entries=0))
    journal = world.current_epoch.journal
    app = WsgiShell(world)
    for query in ("token=T&webhook_request_identifier=number=7", "token=T"):
        environ = EnvironBuilder(f"{API_PATH}/webhook_requests/show?{query}").get_environ()
        assert b"".join(app(environ, lambda *_: lambda _: None)).startswith(b"{")
    assert (journal.notes(), journal.size, journal.last) == ([], 0, 2)

    journal.limit(JournalLimits())
    journal.pass_by()  # by a call that found no room
    _note(journal)

    assert [note.number for note in journal.notes()] == [4]
    assert 0 < journal.size < 2_100  # of that one alone


def test_notes_of_many_threads_are_all_there() -> None:
    """Calls that are noted at the same time get each a number of their own."""
    journal = Journal(JournalLimits(entries=10_000, bytes=10**9))
    threads = [
        threading.Thread(target=lambda: [_note(journal) for _ in range(1_000)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    seen = 0
    while any(thread.is_alive() for thread in threads):
        last = journal.last
        assert last >= seen
        seen = last
    for thread in threads:
        thread.join()

    assert [note.number for note in journal.notes()] == list(range(1, 8_001))


def test_whoever_waits_is_told_of_the_next_call() -> None:
    """A wait ends with the call that it waits for, and long before its time is over."""
    journal = Journal()
    _note(journal)
    waiting = threading.Event()

    def found() -> int | None:
        waiting.set()
        return journal.last if journal.last == 2 else None

    answers: list[int | None] = []
    thread = threading.Thread(target=lambda: answers.append(journal.wait_for(found, 60)))
    thread.start()
    waiting.wait(60)
    _note(journal)
    thread.join(30)

    assert answers == [2]
