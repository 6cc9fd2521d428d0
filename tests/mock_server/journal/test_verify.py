"""Expectations about calls are judged rightly, and what was nearest is said where they fail."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server.journal.verification import times, verify, wait_for
from crmcom_kit.mock_server.world.conditions import condition_of
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.usage_errors import UsageError

LONG = 60.0
SOON = 0.02


@pytest.fixture(name="mock")
def _mock(make_mock: Any) -> Any:
    return make_mock("R13")


@pytest.fixture(name="shared", scope="module")
def _shared(make_mock: Any) -> Any:
    return make_mock("R13")


def show(mock: Any, *numbers: int) -> None:
    """Show some webhook requests."""
    for number in numbers:
        mock.show(f"number={number}")


@given(st.integers(0, 4), st.integers(0, 5), st.integers(0, 5))
def test_a_verification_is_that_of_the_count(
    shared: Any, made: int, least: int, extra: int
) -> None:
    """It is as expected exactly where the number of fitting calls lies within the limits."""
    shared.world.reset()
    show(shared, *[7] * made, 8)
    asked = {"operation": "show", "record": "7"}

    def is_as_expected(times: Any) -> bool:
        done = verify(shared.world.reader, {**asked, "times": times})
        assert done.count == made
        return done.ok

    limits = {"at_least": least, "at_most": least + extra}
    assert is_as_expected(limits) == (least <= made <= least + extra)
    assert is_as_expected(least) == (made == least)
    assert is_as_expected(None) == (made >= 1)
    assert is_as_expected({"at_most": least}) == (made <= least)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "at least 1"),
        (2, "exactly 2"),
        ({"at_least": 1, "at_most": 3}, "1 to 3"),
    ],
)
def test_what_is_expected_is_said(mock: Any, value: Any, words: str) -> None:
    """The message begins with what was expected, in words; an empty journal is called so."""
    done = verify(mock.world.reader, {"operation": "show", "times": value})
    assert done.message.startswith(f"expected {words}, found 0: operation show")
    assert done.message.endswith("the journal is empty")


@pytest.mark.parametrize(
    "value", [-1, True, "1", {}, {"exact": 1}, {"at_least": -1}, {"at_least": 2, "at_most": 1}]
)
def test_what_cannot_be_expected_is_named(value: Any) -> None:
    """Numbers that no count can have are refused."""
    with pytest.raises(UsageError) as refused:
        times(value)
    assert refused.value.parameter == "times"
    assert '{"at_least": 1, "at_most": 3}' in refused.value.allowed


def test_near_calls_are_the_newest_of_those_that_differ_least(mock: Any) -> None:
    """Three of them, each with what differs; a call that matches is not among them."""
    for number in (8, 9, 7, 10, 11):
        show(mock, number)
    mock.resend("12")
    asked = {"operation": "show", "record": "7", "times": {"at_least": 2}}
    done = verify(mock.world.reader, asked)

    _, near = done.message.split("nearest of 5 other calls:")
    assert [line.split()[0] for line in near.splitlines()[1:]] == [
        *("0-5", "record:"),
        *("0-4", "record:"),
        *("0-2", "record:"),
    ]
    assert "record: wanted 7; seen 11" in near
    assert "token=***" in near


def test_a_closing_server_ends_a_wait(mock: Any) -> None:
    """Whoever waits is told that nothing will come any more."""
    registry = WorldRegistry(mock.world)
    registry.closing.set()
    condition = condition_of(mock.world, {"operation": "show"})
    closing = registry.closing.is_set
    assert wait_for(mock.world.journal, condition, LONG, closing) == "closing"


def test_waiting_for_a_record(mock: Any) -> None:
    """A wait ends when the record is in the state, and says in which state it is where it fails."""
    condition = condition_of(mock.world, {"record": "7", "state": "SUCCESSFUL"})
    assert wait_for(mock.world.journal, condition, SOON) == "time over"
    assert condition.facts() == {"record": {"number": "7"}, "state": "REJECTED"}
    later = threading.Timer(0.05, mock.resend)
    later.start()
    assert wait_for(mock.world.journal, condition, LONG) == "held"
    later.join()
    gone = condition_of(mock.world, {"record": "7", "state": "DELETED"})
    there = condition_of(mock.world, {"record": "7"})
    assert (gone.holds(), there.holds()) == (False, True)
    mock.delete("7")
    assert (gone.holds(), there.holds()) == (True, False)
    with pytest.raises(UsageError):
        condition_of(mock.world, {"record": "7", "state": "GONE"})


def test_waiting_for_records(mock: Any) -> None:
    """Records are counted by state and entity."""

    def count(**asked: Any) -> Any:
        return condition_of(mock.world, asked)

    rejected = count(state="REJECTED").facts()["count"]
    jobs = count(entity="JOBS").facts()["count"]
    assert 0 < rejected < len(mock.world.store)
    assert count(state="REJECTED", times=rejected).holds()
    assert not count(state="REJECTED", times=rejected - 1).holds()
    assert count(entity="JOBS", times={"at_least": 1}).holds()
    assert count(entity="JOBS", state="REJECTED").facts()["count"] < jobs
    mock.resend("7")
    assert count(state="REJECTED", times=rejected - 1).holds()
    with pytest.raises(UsageError):
        count(state="SENDING")
    with pytest.raises(UsageError, match="entity"):
        count(entity="JOB", times=0)


def test_a_reset_ends_a_wait(mock: Any) -> None:
    """Whoever waits for something in a world that is reset is told so at once."""
    condition = condition_of(mock.world, {"operation": "show"})
    later = threading.Timer(0.05, mock.world.reset)
    later.start()
    assert wait_for(mock.world.journal, condition, LONG) == "reset"
    later.join()
