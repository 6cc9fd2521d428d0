"""Faults of a mock in Python: they affect the requests they match, and end with their block."""

from typing import Any

import httpx
import pytest
from helpers.calling import show

from crmcom_kit.mock_server import Mock

DROPPED = "Server disconnected without sending a response"


def test_a_fault_ends_with_its_block_whatever_happens_in_it(mock: Mock) -> None:
    """Inside the block calls fail, behind it they do not, and the hits can still be asked for."""
    with pytest.raises(httpx.RemoteProtocolError, match=DROPPED), mock.fail(drop=True) as failing:
        show(mock)

    assert failing.hits == 1
    assert show(mock).json()["status"]["code"] == "OK"
    assert failing.hits == 1
    assert not mock.emulated.faults.all()


def test_a_fault_without_a_block_ends_when_it_is_removed(mock: Mock) -> None:
    """The call alone is enough; remove ends it, and again does no harm."""
    failing = mock.fail(status=503, retry_after=7, name="busy")
    response = show(mock)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "7")
    assert repr(failing) == "<failing: busy (1 hits)>"

    failing.remove()
    failing.remove()

    assert show(mock).status_code == 200


def test_a_fault_of_before_a_reset_removes_no_later_one(mock: Mock) -> None:
    """A reset forgets faults and counts them anew; what is removed then is not what came since."""
    before = mock.fail(status=500)
    mock.reset()
    mock.fail(status=502)

    before.remove()

    assert show(mock).status_code == 502


def test_arguments_may_be_none_or_tuples(mock: Mock) -> None:
    """None counts as omitted, a tuple as a list: fixtures pass their arguments on."""
    with mock.fail(status=503, times=None, lifetime=None, operation=("show", "list"), name=None):
        assert show(mock).status_code == 503


def test_a_response_may_have_any_body(mock: Mock) -> None:
    bodies: list[tuple[Any, bytes]] = [("[1", b"[1"), (b"\xff", b"\xff"), ([None], b"[null]")]
    for body, sent in bodies:
        with mock.fail(operation="show", respond={"body": body}):
            assert show(mock).content == sent
