"""Delivery scripts of a world, a definition and a webhook request."""

from collections.abc import Iterator
from typing import Any

import pytest

from crmcom_kit.mock_server import Mock, MockWorld, crmcom_mock
from crmcom_kit.mock_server.deliveries.scripts import MAX_SCRIPTS
from crmcom_kit.usage_errors import LimitExceeded, NotFound, UsageError

EVENT = ("ACTIVITIES", "ACT CREATE", {"id": "A"})


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


def fired(mock: Mock) -> str:
    """Fire an event; return the outcome of its delivery."""
    attempt = mock.fire(*EVENT).attempt
    assert attempt is not None
    assert attempt.outcome is not None
    return attempt.outcome.name


def test_the_nearest_script_decides(mock: Mock) -> None:
    """The record's before its definition's, and that before the world's; each from its start."""
    number = mock.fire(*EVENT).attempt.record_number  # type: ignore[union-attr]
    mock.deliveries.script("2*timeout, http_500", record=number)
    mock.deliveries.script("bad_tls, unknown_host", definition="ACT CREATE")
    mock.deliveries.script("http_404")

    assert [outcome(mock, number) for _ in range(4)] == ["timeout", "timeout", *["http_500"] * 2]
    assert [fired(mock) for _ in range(3)] == ["bad_tls", *["unknown_host"] * 2]
    jobs = mock.add(entity="JOBS", life_cycle_state="REJECTED")["number"]
    assert outcome(mock, jobs) == "http_404"
    names = [(one.script, one.record, one.used) for one in mock.deliveries.scripts]
    assert names == [
        ("http_404", None, 1),
        ("2*timeout, http_500", number, 4),
        ("bad_tls, unknown_host", None, 3),
    ]
    mock.deliveries.script(None, record=number)
    assert outcome(mock, number) == "unknown_host"
    mock.deliveries.script(None, definition="ACT CREATE")
    assert outcome(mock, number) == "http_404"
    mock.deliveries.script(None)
    assert outcome(mock, number) == "refused"


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
    assert len(mock.deliveries.scripts) == 1


@pytest.mark.parametrize(
    ("error", "says", "script", "given"),
    [
        (UsageError, 'script: seen "no"; allowed is comma-separated outcomes', "no", {}),
        (UsageError, "definition: seen 5", "success", {"definition": 5}),
        (UsageError, "not both", "success", {"record": "7", "definition": "ACT CREATE"}),
        (NotFound, 'record: seen "nope"', "success", {"record": "nope"}),
        (NotFound, "nearest: Activities", "success", {"definition": "ACT CREAT"}),
    ],
)
def test_what_cannot_be_is_refused(
    mock: Mock, error: type[Exception], says: str, script: Any, given: Any
) -> None:
    """The error names the argument, and the scripts are as before."""
    before = mock.deliveries.scripts

    with pytest.raises(error) as found:
        mock.deliveries.script(script, **given)

    assert says in str(found.value)
    assert mock.deliveries.scripts == before


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
    with crmcom_mock(deliver="http") as mock:
        assert mock.deliveries.scripts == []
        with pytest.raises(UsageError, match="without --deliver http"):
            mock.deliveries.script("success", record="7")
