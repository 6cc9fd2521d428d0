"""Delivery scripts of a world and of a webhook request."""

from collections.abc import Iterator
from typing import Any

import pytest

from crmcom_kit.mock_server import Mock, MockWorld, crmcom_mock
from crmcom_kit.mock_server.deliveries.scripts import MAX_SCRIPTS
from crmcom_kit.usage_errors import LimitExceeded, NotFound, UsageError


@pytest.fixture(name="mock")
def _mock() -> Iterator[Mock]:
    with crmcom_mock(deliveries="refused") as mock:
        yield mock


def outcome(mock: MockWorld, number: str) -> str:
    """Resend a webhook request; return the outcome of its delivery."""
    body = {"token": mock.token, "webhook_request_identifier": {"number": number}}
    with mock.client() as client:
        client.post("webhook_requests/resend", json=body)
    last = mock.deliveries.of(number)[-1].outcome
    assert last is not None
    return last.name


def test_the_nearest_script_decides(mock: Mock) -> None:
    """The record's before the world's; each from its start."""
    mock.deliveries.script("2*timeout, http_500", record=7)
    mock.deliveries.script("bad_tls, http_404")
    other = mock.add(life_cycle_state="REJECTED")["number"]

    assert [outcome(mock, "7") for _ in range(4)] == ["timeout", "timeout", *["http_500"] * 2]
    assert [outcome(mock, other) for _ in range(3)] == ["bad_tls", "http_404", "http_404"]
    mock.deliveries.script(None, record=7)
    assert outcome(mock, "7") == "http_404"
    mock.deliveries.script(None)
    assert outcome(mock, "7") == "refused"


def test_a_reset_ends_scripts_and_a_snapshot_keeps_them(mock: Mock) -> None:
    """A restored snapshot has the scripts at their places; a reset has the first one alone."""
    mock.deliveries.script("timeout, bad_tls, success", record="7")
    outcome(mock, "7")
    mock.snapshot("begun")
    assert outcome(mock, "7") == "bad_tls"
    mock.deliveries.script(None, record="7")

    mock.restore("begun")
    assert outcome(mock, "7") == "bad_tls"
    mock.reset()
    assert outcome(mock, "7") == "refused"


@pytest.mark.parametrize(
    ("error", "says", "script", "given"),
    [
        (UsageError, 'script: seen "no"; allowed is comma-separated outcomes', "no", {}),
        (NotFound, 'record: seen "nope"', "success", {"record": "nope"}),
    ],
)
def test_what_cannot_be_is_refused(
    mock: Mock, error: type[Exception], says: str, script: Any, given: Any
) -> None:
    """The error names the argument, and the scripts are as before."""
    with pytest.raises(error) as found:
        mock.deliveries.script(script, **given)

    assert says in str(found.value)
    assert outcome(mock, "7") == "refused"


def test_there_are_only_so_many_scripts(mock: Mock) -> None:
    """One more is refused; one that is there can be replaced."""
    mock.seed(count=MAX_SCRIPTS)
    numbers = [record["number"] for record in mock.records]
    for number in numbers[: MAX_SCRIPTS - 1]:
        mock.deliveries.script("timeout", record=number)

    with pytest.raises(LimitExceeded, match="at most 1,000 scripts"):
        mock.deliveries.script("timeout", record=numbers[-1])
    mock.deliveries.script("success", record=numbers[0])


def test_a_mock_that_sends_has_no_script() -> None:
    """Its receivers decide."""
    mock = crmcom_mock(deliver="http")
    with pytest.raises(UsageError, match="without --deliver http"):
        mock.deliveries.script("success", record="7")
