"""Expectations about requests: what they count, and which requests a failure names."""

import threading
from functools import partial
from typing import Any

import pytest
from helpers.patience import PATIENCE

from crmcom_kit.mock_server.journal.verification import times, verify, wait_for
from crmcom_kit.mock_server.world.conditions import condition_of
from crmcom_kit.usage_errors import UsageError

SOON = 0.02


@pytest.fixture(name="mock")
def _mock(make_mock: Any) -> Any:
    return make_mock("R13")


def show(mock: Any, *numbers: int) -> None:
    for number in numbers:
        mock.show(f"number={number}")


def test_how_often_something_is_expected() -> None:
    """A number, or limits, which are part of what is allowed."""
    for value, words, allowed in (
        (None, "at least 1", {1, 2, 3, 4}),
        (0, "exactly 0", {0}),
        (2, "exactly 2", {2}),
        ({"at_least": 2}, "at least 2", {2, 3, 4}),
        ({"at_most": 2}, "0 to 2", {0, 1, 2}),
        ({"at_least": 1, "at_most": 3}, "1 to 3", {1, 2, 3}),
    ):
        expected = times(value)
        assert str(expected) == words
        assert {count for count in range(5) if expected.allows(count)} == allowed


def test_what_cannot_be_expected_is_named() -> None:
    wrong: list[Any] = [-1, True, "1", {}, {"exact": 1}, {"at_least": -1}]
    for value in (*wrong, {"at_least": 2, "at_most": 1}):
        with pytest.raises(UsageError) as refused:
            times(value)
        assert refused.value.parameter == "times"
        assert '{"at_least": 1, "at_most": 3}' in refused.value.allowed


def test_near_requests_are_the_newest_that_differ_least(mock: Any) -> None:
    """Three of them, each with what differs; a call that matches is not among them."""
    show(mock, 8, 9, 7, 10, 11)
    mock.resend("12")
    asked = {"operation": "show", "record": "7", "times": {"at_least": 2}}
    done = verify(mock.world.reader, asked)

    _, near = done.message.split("nearest of 5 other requests:")
    seen = [line.split()[0] for line in near.splitlines()[1:]]
    assert seen == ["0-5", "record:", "0-4", "record:", "0-2", "record:"]
    assert "record: wanted 7; seen 11" in near
    assert "token=***" in near


# A journal that had no room for all requests never says that one was not made.


@pytest.fixture(name="full")
def _full(mock: Any) -> Any:
    mock.world.journal.max_entries = 10
    mock.delete("7")
    show(mock, *[8] * 12)
    return mock


def test_what_evicted_requests_may_change_is_an_error(full: Any) -> None:
    """Which says how to make room for them; a pattern that the others decide has a result."""
    for operation, counts, ok in (
        ("delete", {"at_most": 3}, True),
        ("show", None, True),
        ("show", {"at_least": 10}, True),
        ("show", {"at_least": 5, "at_most": 13}, True),
        ("show", 0, False),
        ("show", 5, False),
    ):
        asked = {"operation": operation, "times": counts}
        assert verify(full.world.reader, asked).ok == ok
    undecided = [("delete", counts) for counts in (0, None, 1, {"at_most": 2})]
    for operation, counts in [*undecided, ("show", 12)]:
        asked = {"operation": operation, "times": counts}
        condition = condition_of(full.world, asked)
        assert wait_for(full.world.journal, condition, 0) == "time over"
        for refused in (partial(verify, full.world.reader, asked), condition.facts):
            with pytest.raises(UsageError) as caught:
                refused()
            assert caught.value.parameter == "journal"
            assert "3 of 13 requests dropped, which may match: operation" in caught.value.seen
            assert "--journal" in caught.value.allowed


def test_what_the_user_removes_was_not_evicted(full: Any) -> None:
    full.world.journal.clear()
    assert verify(full.world.reader, {"times": 0}).ok


# Waiting.


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (lambda mock: show(mock, 7), "held"),
        (lambda mock: mock.world.reset(), "reset"),
        (lambda mock: mock.world.config.closing.set(), "closing"),
    ],
)
def test_a_wait_ends_at_once(mock: Any, end: Any, why: str) -> None:
    """With what it waits for, and when there is nothing more to come."""
    condition, journal = condition_of(mock.world, {"operation": "show"}), mock.world.journal
    later, is_closing = threading.Timer(SOON, end, [mock]), mock.world.config.closing.is_set
    later.start()
    assert wait_for(journal, condition, PATIENCE, is_closing) == why
    later.join()


def test_waiting_for_a_record(mock: Any) -> None:
    """A wait ends when the record is in the state, and says in which state it is where it fails."""
    condition = condition_of(mock.world, {"record": "7", "state": "SUCCESSFUL"})
    assert wait_for(mock.world.journal, condition, SOON) == "time over"
    assert condition.facts() == {"record": "7", "state": "REJECTED"}
    mock.resend()
    assert condition.holds()
    gone = condition_of(mock.world, {"record": "7", "state": "DELETED"})
    there = condition_of(mock.world, {"record": mock.world.store.get("number", "7").id})
    assert (gone.holds(), there.holds()) == (False, True)
    mock.delete("7")
    assert (gone.holds(), there.holds()) == (True, False)


def test_what_cannot_be_waited_for_is_refused(mock: Any) -> None:
    for asked, parameter in (
        ({"record": "7", "state": "GONE"}, "state"),
        ({"record": {"number": "7"}, "state": "REJECTED"}, "record"),
        ({"entity": "JOBS", "times": 0}, "entity"),
        ({"state": "REJECTED", "operation": "resend"}, "state"),
        ({"delivery": "7", "delivered": "yes"}, "delivered"),
        ({"colour": "red"}, "colour"),
        ({"times": {"at_least": 1}}, "wait"),
    ):
        with pytest.raises(UsageError) as refused:
            condition_of(mock.world, asked)
        assert refused.value.parameter == parameter
