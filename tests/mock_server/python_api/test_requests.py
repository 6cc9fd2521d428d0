"""The requests that a mock in Python got: viewed, held to what a test expects, waited for."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from helpers.calling import IDENTIFIER, resend, show

from crmcom_kit.mock_server import Mock


def test_requests_are_in_order_and_redacted(mock: Mock) -> None:
    """Each has its request and response, but never its token."""
    show(mock)
    resend(mock)

    first, last = mock.requests
    assert [first.operation, last.operation] == ["show", "resend"]
    assert last.parameters == {"token": "***", IDENTIFIER: {"number": "7"}}
    assert (mock.requests[0].status, mock.requests[-1].code, len(mock.requests[0:2])) == (
        200,
        "OK",
        2,
    )
    assert last.before is not None
    assert last.before["life_cycle_state"] == "REJECTED"
    assert repr(last).startswith("<request 0-2 POST /crmapi/rest/v2/webhook_requests/resend ")
    assert mock.token not in repr(mock.requests)
    mock.requests.clear()
    assert repr(mock.requests) == "<requests:\nnone>"


def test_a_wait_returns_what_it_waited_for(mock: Mock) -> None:
    """Requests that another thread makes, or what a function returns."""
    with ThreadPoolExecutor() as pool:
        pool.map(resend, [mock] * 2, ["7", "8"])
        requests = mock.wait_for(operation="resend", times=2, timeout=60)
        assert [call.operation for call in requests] == ["resend", "resend"]
        sent = mock.wait_for(lambda: mock.records["8"]["life_cycle_state"], timeout=60)
        assert sent == "SUCCESSFUL"


@pytest.mark.parametrize(
    ("until", "asked", "message"),
    [
        (
            None,
            {"operation": "show"},
            "^waited 0 s; .*: expected at least 1, found 0: operation show",
        ),
        (None, {"record": "7", "state": "DELETED"}, "for record .*; time over: state 'REJECTED'"),
        (lambda: 0, {}, "waited 0 s for the function .*; time over: it returned 0"),
    ],
)
def test_a_failed_wait_lists_the_requests_there_were(
    mock: Mock, until: Any, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(AssertionError, match=message):
        mock.wait_for(until, timeout=0, **asked)
