"""Expectations about calls are judged rightly, and what was nearest is said where they fail."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.journal.patterns import Pattern
from crmcom_kit.mock_server.journal.verification import (
    Calls,
    OneRecord,
    records,
    times,
    verify,
    wait_for,
)
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.usage_errors import UsageError

TOKEN = "a-token-of-tests"
API = "/crmapi/rest/v2/webhook_requests"
LONG = 60.0
SOON = 0.02


class Lived:
    """A world, and calls to it."""

    def __init__(self) -> None:
        self.world = make_world(tokens=[TOKEN], release="R13")
        self.client = create_app(self.world).test_client()

    def show(self, number: int = 7) -> None:
        """Call show."""
        identifier = f"webhook_request_identifier=number={number}"
        self.client.get(f"{API}/show?token={TOKEN}&{identifier}").get_data()

    def post(self, method: str, number: int = 7) -> None:
        """Call resend or delete."""
        body = {"token": TOKEN, "webhook_request_identifier": {"number": str(number)}}
        self.client.post(f"{API}/{method}", json=body)

    def pattern(self, **members: Any) -> Pattern:
        """Return a pattern over its calls."""
        return Pattern(self.world.reader, members)

    def anew(self) -> "Lived":
        """Go back to a journal without calls."""
        self.world.reset()
        return self


SHARED = Lived()


@pytest.fixture(name="lived")
def _lived() -> Lived:
    return Lived()


@given(st.integers(0, 4), st.integers(0, 5), st.integers(0, 5))
def test_a_verification_is_that_of_the_count(made: int, least: int, extra: int) -> None:
    """It is as expected exactly where the number of fitting calls lies within the limits."""
    lived = SHARED.anew()
    for _ in range(made):
        lived.show()
    lived.show(8)
    pattern = lived.pattern(operation="show", record="7")

    done = verify(lived.world.reader, pattern, {"at_least": least, "at_most": least + extra})
    assert done.ok == (least <= made <= least + extra)
    assert done.count == made
    assert done.others == 1
    assert verify(lived.world.reader, pattern, least).ok == (made == least)
    assert verify(lived.world.reader, pattern).ok == (made >= 1)
    assert verify(lived.world.reader, pattern, {"at_most": least}).ok == (made <= least)


def test_what_is_expected_is_said(lived: Lived) -> None:
    """The message begins with what was expected, in words."""
    expectations: list[tuple[Any, str]] = [
        (None, "at least 1 call"),
        (0, "no call"),
        (1, "exactly 1 call"),
        ({"exactly": 2}, "exactly 2 calls"),
        ({"at_least": 3}, "at least 3 calls"),
        ({"at_most": 1}, "at most 1 call"),
        ({"at_least": 1, "at_most": 3}, "1 to 3 calls"),
    ]
    for value, words in expectations:
        done = verify(lived.world.reader, lived.pattern(operation="show"), value)
        assert done.message.startswith(f"expected {words}, found none: operation show")


def test_what_cannot_be_expected_is_named() -> None:
    """Numbers that no count can have are refused."""
    for value, parameter in [
        (-1, "times.exactly"),
        (True, "times.exactly"),
        ("1", "times.exactly"),
        ({"exact": 1}, "times.exact"),
        ({"exactly": 1, "at_least": 1}, "times"),
        ({"at_least": 2, "at_most": 1}, "times.at_most"),
    ]:
        with pytest.raises(UsageError) as refused:
            times(value)
        assert refused.value.parameter == parameter


def test_a_failure_shows_the_nearest_calls(lived: Lived) -> None:
    """The message has what was asked, the nearest calls first, and what differs in each."""
    lived.show(8)
    lived.post("resend", 9)
    done = verify(lived.world.reader, lived.pattern(operation="show", record="7"))

    assert not done.ok
    assert "record: wanted 7; seen 8" in done.message
    assert "operation: wanted show; seen resend" in done.message
    assert done.message.index("0-1 GET") < done.message.index("0-2 POST")
    assert TOKEN not in done.message


def test_an_empty_journal_is_called_so(lived: Lived) -> None:
    """Where nothing was called at all, the message says that."""
    assert verify(lived.world.reader, lived.pattern()).message.endswith("the journal is empty")


def test_too_many_calls_are_listed(lived: Lived) -> None:
    """Where more calls fit than should, the message lists them, and no near ones."""
    lived.show()
    lived.show()
    done = verify(lived.world.reader, lived.pattern(operation="show"), 1)
    assert "0-1 GET" in done.message
    assert "0-2 GET" in done.message
    assert "nearest" not in done.message


def test_near_calls_are_the_newest_of_those_that_differ_least(lived: Lived) -> None:
    """Three of them, each with what differs; a call that matches is not among them."""
    for number in (8, 9, 7, 10, 11):
        lived.show(number)
    lived.post("resend", 12)
    done = verify(lived.world.reader, lived.pattern(operation="show", record="7"), {"at_least": 2})

    _, near = done.message.split("nearest of 5 other calls:")
    assert [line.split()[0] for line in near.splitlines()[1:]] == [
        *("0-5", "record:"),
        *("0-4", "record:"),
        *("0-2", "record:"),
    ]


def test_an_eventual_verification_waits(lived: Lived) -> None:
    """Calls that are still to come count, if they come in time."""
    later = threading.Timer(0.05, lived.show)
    later.start()
    assert verify(lived.world.reader, lived.pattern(operation="show"), seconds=LONG).ok
    later.join()
    assert not verify(lived.world.reader, lived.pattern(operation="show"), 2, seconds=SOON).ok


def test_a_closing_server_ends_an_eventual_verification(lived: Lived) -> None:
    """Whoever waits is told that nothing will come any more."""
    registry = WorldRegistry(lived.world)
    registry.closing.set()
    closing = registry.closing.is_set
    assert not verify(lived.world.reader, lived.pattern(), seconds=LONG, closing=closing).ok


def test_a_count_goes_on_when_calls_leave_the_journal(lived: Lived) -> None:
    """A wait counts what it saw, though the journal has no room for all of it."""
    lived.world.journal.max_entries = 1
    condition = Calls(lived.world.reader, lived.pattern(operation="show"), {"at_least": 3})
    for number in (1, 2, 3):
        lived.show(number)
        assert condition.holds() == (number == 3)


def test_waiting_for_a_record(lived: Lived) -> None:
    """A wait ends when the record is in the state, and says in which state it is where it fails."""
    condition = OneRecord(lambda: lived.world.store, "number", "7", "SUCCESSFUL")
    assert wait_for(lived.world.journal, condition, seconds=SOON) == (
        False,
        "time over",
        {"record": {"number": "7"}, "state": "REJECTED"},
    )
    later = threading.Timer(0.05, lived.post, ("resend",))
    later.start()
    assert wait_for(lived.world.journal, condition, seconds=LONG).ok
    later.join()
    gone = OneRecord(lambda: lived.world.store, "number", "7", "DELETED")
    there = OneRecord(lambda: lived.world.store, "number", "7")
    assert (gone.holds(), there.holds()) == (False, True)
    lived.post("delete")
    assert (gone.holds(), there.holds()) == (True, False)
    with pytest.raises(UsageError):
        OneRecord(lambda: lived.world.store, "number", "7", "GONE")


def test_a_record_that_never_was_is_not_deleted(lived: Lived) -> None:
    """Who waits for a mistyped number to be deleted is told that never existed such a record."""
    never = OneRecord(lambda: lived.world.store, "number", "99999", "DELETED")

    assert not never.holds()
    assert never.facts()["state"] is None
    assert "never existed" in never.facts()["note"]


def test_a_record_that_another_content_leaves_out_is_gone(lived: Lived) -> None:
    """What a wait has seen itself counts, though the new content never had it."""
    gone = OneRecord(lambda: lived.world.store, "number", "7", "DELETED")
    assert not gone.holds()

    lived.world.replace_content([])

    assert gone.holds()


def test_waiting_for_records(lived: Lived) -> None:
    """Records are counted by state and entity."""
    rejected = records(lambda: lived.world.store, "REJECTED").facts()["count"]
    successful = records(lambda: lived.world.store, "SUCCESSFUL").facts()["count"]
    assert records(lambda: lived.world.store).facts() == {"count": rejected + successful}
    assert records(lambda: lived.world.store, "REJECTED", rejected).holds()
    assert not records(lambda: lived.world.store, "REJECTED", rejected - 1).holds()
    assert records(lambda: lived.world.store, None, {"at_least": 1}, entity="JOBS").holds()
    assert not records(lambda: lived.world.store, None, 1, entity="WRITEOFFS").holds()
    lived.post("resend")
    assert records(lambda: lived.world.store, "REJECTED", rejected - 1).holds()
    with pytest.raises(UsageError):
        records(lambda: lived.world.store, "SENDING")
    with pytest.raises(UsageError, match="entity"):
        records(lambda: lived.world.store, None, 0, entity="JOB")


def test_a_reset_ends_a_wait(lived: Lived) -> None:
    """Whoever waits for something in a world that is reset is told so at once."""
    later = threading.Timer(0.05, lived.world.reset)
    later.start()
    done = wait_for(lived.world.journal, Calls(lived.world.reader, lived.pattern()), seconds=LONG)
    later.join()
    assert (done.ok, done.why) == (False, "reset")


def test_waits_are_by_the_machine_s_time(lived: Lived) -> None:
    """A world that stands still does not hold a wait up."""
    lived.world.clock.freeze()
    assert (
        wait_for(lived.world.journal, Calls(lived.world.reader, lived.pattern()), seconds=SOON).why
        == "time over"
    )
