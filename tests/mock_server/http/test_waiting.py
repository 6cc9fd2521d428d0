"""Calls that wait: half of the server's threads at most, so that it keeps answering."""

import pytest

from crmcom_kit.mock_server.world.wait_slots import Waiting
from crmcom_kit.usage_errors import LimitExceeded


def test_only_so_many_wait_at_once() -> None:
    """One more than may wait is refused, with what is allowed."""
    waiting = Waiting(2)

    with waiting, waiting:
        with pytest.raises(
            LimitExceeded, match="allowed is at most 2 at once, half of the"
        ) as refused:
            waiting.__enter__()

        assert refused.value.status == 503


def test_whoever_ends_makes_room() -> None:
    """A place is free again when its call is over, also where the call fails."""
    waiting = Waiting(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), waiting:
            raise ZeroDivisionError

    with waiting, pytest.raises(LimitExceeded):
        waiting.__enter__()


def test_a_server_of_one_thread_lets_nobody_wait() -> None:
    """Where half of the threads are none, every call that would wait is refused."""
    with pytest.raises(LimitExceeded, match="at most 0"):
        Waiting(0).__enter__()
