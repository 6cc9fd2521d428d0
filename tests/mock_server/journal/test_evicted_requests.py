"""A journal that had no room for all requests never says that one was not made."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.usage_errors import UsageError

SHOWS = 12
IDENTIFIER = "webhook_request_identifier"


def delete_and_shows(mock: Mock) -> None:
    """Delete a record, and then show another one, more often than the journal has room for."""
    client = mock.client()
    body = {"token": mock.token, IDENTIFIER: {"number": "7"}}
    client.post("webhook_requests/delete", json=body)
    for _ in range(SHOWS):
        client.get(f"webhook_requests/show?token={mock.token}&{IDENTIFIER}=number=8")


def post(mock: Mock, path: str, body: Any) -> httpx.Response:
    """Ask the control API."""
    return mock.client().post(f"{mock.admin_url}{path}", json=body)


@pytest.fixture(name="mock")
def _mock() -> Iterator[Mock]:
    with crmcom_mock(journal=10) as mock:
        delete_and_shows(mock)
        yield mock


UNKNOWN: list[Callable[[Mock], object]] = [
    lambda mock: mock.assert_not_called(operation="delete"),
    lambda mock: mock.assert_called(operation="delete"),
    lambda mock: mock.assert_called(operation="delete", times=1),
    lambda mock: mock.assert_called(operation="delete", times={"at_most": 2}),
    lambda mock: mock.assert_called(operation="show", times=10),
    lambda mock: mock.assert_called(operation="show", times=12),
    lambda mock: mock.wait_for(operation="delete", timeout=0),
]


@pytest.mark.parametrize("ask", UNKNOWN)
def test_what_evicted_requests_may_change_is_an_error(
    mock: Mock, ask: Callable[[Mock], object]
) -> None:
    """It says how many there are, and how to make room for them."""
    with pytest.raises(UsageError) as refused:
        ask(mock)
    assert "3 of 13 requests dropped, which may match: operation" in str(refused.value)
    for way in ("--journal", "journal=…", "room for 10,"):
        assert way in str(refused.value)


def test_the_control_api_refuses_it_too(mock: Mock) -> None:
    """To verify and to wait: 400, and no verdict; what is found says how many are missing."""
    pattern = {"operation": "delete"}
    for path, body in [
        ("/verify", {**pattern, "times": 0}),
        ("/verify", pattern),
        ("/wait", {**pattern, "timeout": 0}),
    ]:
        answer = post(mock, path, body)
        assert (answer.status_code, answer.json()["parameter"]) == (400, "journal"), path
    found = post(mock, "/requests/find", pattern).json()
    assert (found["count"], found["dropped"]) == (0, 3)


def test_what_the_others_decide_is_answered(mock: Mock) -> None:
    """Enough of them, or too many of them, whatever the evicted ones were."""
    mock.assert_called(operation="show")
    mock.assert_called(operation="show", times={"at_least": 10})
    mock.assert_called(operation="show", times={"at_least": 5, "at_most": 13})
    mock.assert_called(operation="delete", times={"at_most": 3})
    for expected in (0, 5, 14, {"at_least": 14}):
        with pytest.raises(AssertionError):
            mock.assert_called(operation="show", times=expected)
    assert post(mock, "/verify", {"operation": "show"}).status_code == 202
    for since, status in [("0-3", 200), ("0-2", 400)]:
        later = {"operation": "show", "since": since, "times": 10, "timeout": 0}
        assert post(mock, "/wait", later).status_code == status, since


def test_what_the_user_removes_was_not_evicted(mock: Mock) -> None:
    """Clearing begins anew."""
    mock.calls.clear()
    mock.assert_not_called()
    assert post(mock, "/requests/find", {}).json() == {"count": 0, "dropped": 0, "requests": []}
    mock.reset()
    mock.assert_not_called()


def test_the_bound_of_all_worlds_counts() -> None:
    """What another world's requests drove out is no request that was not made."""
    with crmcom_mock() as mock:
        delete_and_shows(mock)
        mock.assert_called(operation="delete", times=1)
        mock.emulated.journal.drop_oldest(10_000)
        with pytest.raises(UsageError, match="dropped"):
            mock.assert_not_called(operation="delete")
