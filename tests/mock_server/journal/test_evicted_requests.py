"""A journal that had no room for all requests never says that one was not made."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.usage_errors import UsageError

IDENTIFIER = "webhook_request_identifier"


def delete_and_shows(mock: Mock) -> None:
    """Delete a record, and then show another one, more often than the journal has room for."""
    client = mock.client()
    body = {"token": mock.token, IDENTIFIER: {"number": "7"}}
    client.post("webhook_requests/delete", json=body)
    for _ in range(12):
        client.get(f"webhook_requests/show?token={mock.token}&{IDENTIFIER}=number=8")


def post(mock: Mock, path: str, body: Any) -> httpx.Response:
    """Send a request to the control API."""
    return mock.client().post(f"{mock.admin_url}{path}", json=body)


@pytest.fixture(name="mock")
def _mock() -> Iterator[Mock]:
    with crmcom_mock(journal=10) as mock:
        delete_and_shows(mock)
        yield mock


@pytest.mark.parametrize(
    ("operation", "times"),
    [("delete", 0), ("delete", None), ("delete", 1), ("delete", {"at_most": 2}), ("show", 12)],
)
def test_what_evicted_requests_may_change_is_an_error(
    mock: Mock, operation: str, times: Any
) -> None:
    """It says how many there are, and how to make room for them; over HTTP there is no verdict."""
    with pytest.raises(UsageError) as refused:
        mock.assert_called(operation=operation, times=times)
    assert "3 of 13 requests dropped, which may match: operation" in str(refused.value)
    assert "--journal" in str(refused.value)
    asked = {"operation": operation} | ({} if times is None else {"times": times})
    for path in ("/verify", "/wait"):
        answer = post(mock, path, asked | ({"timeout": 0} if path == "/wait" else {}))
        assert (answer.status_code, answer.json()["parameter"]) == (400, "journal")


@pytest.mark.parametrize("times", [None, {"at_least": 10}, {"at_least": 5, "at_most": 13}])
def test_what_the_others_decide_is_answered(mock: Mock, times: Any) -> None:
    """Enough of them, whatever the evicted ones were; or too many of them."""
    mock.assert_called(operation="show", times=times)
    mock.assert_called(operation="delete", times={"at_most": 3})
    for expected in (0, 5):
        with pytest.raises(AssertionError):
            mock.assert_called(operation="show", times=expected)


def test_what_the_user_removes_was_not_evicted(mock: Mock) -> None:
    """Clearing begins anew."""
    assert post(mock, "/requests/find", {"operation": "delete"}).json()["dropped"] == 3
    mock.calls.clear()
    mock.assert_not_called()
    assert post(mock, "/requests/find", {}).json()["dropped"] == 0
