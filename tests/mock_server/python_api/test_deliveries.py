"""Deliveries in Python: fire, the built-in receiver, attempts, and waiting for them."""

from collections.abc import Iterator
from typing import Any

import pytest

from crmcom_kit.mock_server.python_api import crmcom_mock
from crmcom_kit.schemas import Dialect
from crmcom_kit.usage_errors import UsageError

DATA = {"id": "A1", "number": "ACT1"}
DIALECT = Dialect("queued", {"resend.delivery": "queued"})


@pytest.fixture(name="mock", scope="module")
def _mock() -> Iterator[Any]:
    with crmcom_mock(deliver="http", dialect=DIALECT) as mock:
        yield mock


@pytest.fixture(autouse=True)
def _anew(mock: Any) -> None:
    mock.reset()


def fire(mock: Any) -> str:
    """Fire an event to the mock's receiver; return the number of its webhook request."""
    fired = mock.fire("ACTIVITIES", "ACT CREATE", DATA, url=mock.receiver.url)
    return str(fired.attempt.record_number)


def test_an_event_arrives(mock: Any) -> None:
    """It is waited for, is SUCCESSFUL, and the receiver has it with a code that verifies."""
    number = fire(mock)
    attempt = mock.wait_for(delivery=number, delivered=True)
    (got,) = mock.receiver.requests

    assert attempt.record_number == number
    assert got.json["data"] == DATA
    assert got.signature.valid
    assert len(mock.deliveries) == 1
    assert mock.deliveries[0] is attempt


def test_a_delivery_is_waited_for_like_anything_else(mock: Any) -> None:
    """``wait_for`` returns the attempt; where none ends in time, its error says so."""
    number = fire(mock)

    assert mock.wait_for(delivery=number).record_number == number
    assert mock.wait_for(delivery=True).over
    with pytest.raises(AssertionError, match="time over: count 0"):
        mock.wait_for(delivery="no such number", timeout=0.01)
    with pytest.raises(UsageError, match="state: seen with delivery"):
        mock.wait_for(delivery=number, state="REJECTED")


@pytest.mark.parametrize(
    ("options", "fault", "words"),
    [
        ({}, "duplicate", "while a script decides"),
        ({}, "cut", "one of wrong_signature, old_key, cut_body, duplicate"),
        ({"deliver": "http"}, "wrong_signature", "while the webhook definition has no secret key"),
        ({"deliver": "http"}, "old_key", "while the webhook definition has no secret key"),
    ],
)
def test_faults_that_can_do_nothing_are_refused(options: Any, fault: str, words: str) -> None:
    """A script sends no message that could be wrong; without a key, no signature can be."""
    mock = crmcom_mock(**options)
    mock.add_definition(name="unsigned", url="http://127.0.0.1:9/")
    before = len(mock.records)
    with pytest.raises(UsageError, match=f"fault: seen .*{words}"):
        mock.fire("ACTIVITIES", "unsigned", DATA, fault=fault)
    assert len(mock.records) == before
