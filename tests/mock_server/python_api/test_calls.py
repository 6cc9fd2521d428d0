"""The calls that a mock in Python got: looked at, held to what a test expects, waited for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from crmcom_kit.mock_server import Mock
from crmcom_kit.usage_errors import UsageError


class Caller:
    """Code under test, which calls the API."""

    def __init__(self, mock: Mock) -> None:
        self._token = mock.token
        self._client = mock.client()

    def show(self, number: str) -> httpx.Response:
        """Show a webhook request."""
        given = {"token": self._token, "webhook_request_identifier": f"number={number}"}
        return self._client.get("webhook_requests/show", params=given)

    def post(self, method: str, number: str) -> httpx.Response:
        """Call resend or delete."""
        body = {"token": self._token, "webhook_request_identifier": {"number": number}}
        return self._client.post(f"webhook_requests/{method}", json=body)


@pytest.fixture(name="caller")
def _caller(mock: Mock) -> Caller:
    return Caller(mock)


@contextmanager
def meanwhile(*acts: Any) -> Iterator[None]:
    """Do something in a thread while the block runs."""
    thread = threading.Thread(target=lambda: [dispatch() for dispatch in acts])
    thread.start()
    yield
    thread.join()


def test_calls_are_told_in_order_and_masked(mock: Mock, caller: Caller) -> None:
    """Each call is there with what was asked and answered, but never with its token."""
    caller.show("7")
    caller.post("resend", "7")

    show, resend = mock.calls
    assert [show.operation, resend.operation] == ["show", "resend"]
    assert resend.parameters == {"token": "***", "webhook_request_identifier": {"number": "7"}}
    assert (mock.calls[0].status, mock.calls[-1].code, len(mock.calls[0:2])) == (200, "OK", 2)
    assert resend.before is not None
    assert resend.before["life_cycle_state"] == "REJECTED"
    assert repr(resend).startswith(
        "<call 0-2 POST /crmapi/rest/v2/webhook_requests/resend returned 200"
    )
    assert mock.token not in repr(mock.calls)
    mock.calls.clear()
    assert repr(mock.calls) == "<calls:\nnone>"


def test_what_was_called_as_expected_is_returned(mock: Mock, caller: Caller) -> None:
    """Patterns are given by name, and so is how often; what fits comes back."""
    caller.post("resend", "7")
    caller.post("resend", "14")
    caller.show("none")

    assert [call.identifier for call in mock.assert_called(operation="resend")] == [
        "number=7",
        "number=14",
    ]
    mock.assert_called(operation="resend", record="7", times=1)
    mock.assert_called(operation="resend", times={"at_most": 2})
    mock.assert_called(outcome="refused", status=200, record="none")
    mock.assert_called(state_before="REJECTED", state_after="SUCCESSFUL")
    mock.assert_called(times=3)
    mock.assert_not_called(operation="delete")
    mock.assert_called(operation="resend", code="OK", times=1)


def test_a_misspelt_pattern_is_refused(mock: Mock) -> None:
    """A mistake in a test is no call that was not made, and is shown at the test's own line."""
    with pytest.raises(
        UsageError, match=r"operaton: seen in the pattern; allowed is one of operation"
    ):
        mock.assert_not_called(operaton="resend")
    with pytest.raises(UsageError, match=r"time: seen .* one of operation, .* fault, times"):
        mock.assert_called(operation="resend", time=1)
    with pytest.raises(UsageError, match=r"nothing to wait for; allowed is record, .*") as caught:
        mock.wait_for()
    shown = [entry.name for entry in caught.traceback.filter(caught)]
    assert shown == ["test_a_misspelt_pattern_is_refused"]


def test_to_wait_for_calls_ends_with_the_last_of_them(mock: Mock, caller: Caller) -> None:
    """What another thread calls is waited for, and returned."""
    with meanwhile(lambda: caller.post("resend", "7"), lambda: caller.post("resend", "8")):
        found = mock.wait_for(operation="resend", times=2, timeout=60)
        assert [call.identifier for call in found] == ["number=7", "number=8"]
        (eighth,) = mock.wait_for(operation="resend", record="8", timeout=60)
        assert eighth.id == found[1].id
        mock.assert_called(operation="resend", times=2)


def test_to_wait_for_a_function_ends_when_it_says_so(mock: Mock, caller: Caller) -> None:
    """Whatever the function returns comes back."""
    with meanwhile(lambda: caller.post("delete", "7")):
        found = mock.wait_for(lambda: "7" not in mock.records and "gone", timeout=60)

    assert found == "gone"


def test_what_cannot_be_waited_for_is_refused_at_once(mock: Mock) -> None:
    """There is no wait for something that cannot happen."""
    wrong: list[dict[str, Any]] = [
        {"record": "7", "state": "LOST"},
        {"state": "REJECTED", "operation": "resend"},
        {"colour": "red"},
        {"record": {"number": "7"}, "state": "REJECTED"},
        {"timeout": 0.05},
        {"times": {"at_least": 1}},
    ]
    for given in wrong:
        with pytest.raises(UsageError):
            mock.wait_for(**given)
    for given in ({"record": "7"}, {"times": 0}, {"delivery": "7"}, {"operation": "show"}):
        with pytest.raises(UsageError, match=r"^until: seen with .*; allowed is until alone"):
            mock.wait_for(lambda: True, **given)
