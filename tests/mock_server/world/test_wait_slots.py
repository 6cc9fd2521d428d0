"""Calls that wait: half of the server's threads at most, so that it keeps answering."""

import pytest

from crmcom_kit.mock_server.world.wait_slots import WaitSlots
from crmcom_kit.usage_errors import LimitExceeded


def test_only_so_many_wait_at_once() -> None:
    """One more than may wait is refused, with what is allowed."""
    waiting = WaitSlots(2)

    with waiting, waiting:
        with pytest.raises(LimitExceeded, match=r"allowed is at most 2 at once$") as refused:
            waiting.__enter__()

        assert refused.value.status == 503


def test_a_call_that_ends_makes_room() -> None:
    """A slot is free again when its call is over, also if the call fails."""
    waiting = WaitSlots(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), waiting:
            raise ZeroDivisionError

    with waiting, pytest.raises(LimitExceeded):
        waiting.__enter__()


def test_a_server_of_one_thread_lets_no_call_wait() -> None:
    """If half of the threads are none, every call that would wait is refused."""
    with pytest.raises(LimitExceeded, match="at most 0"):
        WaitSlots(0).__enter__()
