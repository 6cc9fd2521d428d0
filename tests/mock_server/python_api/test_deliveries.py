"""Deliveries in Python: fire, attempts, and waiting for them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.patience import PATIENCE
from helpers.receivers import listening, responding, responding_in_turn

from crmcom_kit.mock_server.python_api import crmcom_mock
from crmcom_kit.mock_server.signing import verify
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


def test_a_fired_webhook_arrives(mock: Any) -> None:
    """It is waited for, is SUCCESSFUL, and the receiver has it with a code that verifies."""
    with listening(responding()) as receiver:
        fired = mock.fire("ACTIVITIES", "ACT CREATE", DATA, url=receiver.url)
        number = fired.attempt.record_number
        attempt = mock.wait_for(delivery=number, delivered=True, timeout=PATIENCE)
    (body,) = receiver.bodies

    assert attempt.record_number == number
    assert mock.wait_for(delivery=True) is attempt
    message = json.loads(body)
    assert message["data"] == DATA
    assert verify(message["authentication_code"], DATA, mock.secret_keys[0]["key"])
    assert list(mock.deliveries) == mock.deliveries.of(number) == [attempt]
    assert mock.deliveries[0] is attempt
    with pytest.raises(AssertionError, match="time over: count 0"):
        mock.wait_for(delivery="no such number", timeout=0.01)


def test_a_replay_is_one_more_attempt(mock: Any) -> None:
    """What is wrong on purpose is sent, and gets the receiver's next status."""
    with listening(responding_in_turn(500, 201)) as receiver:
        fired = mock.fire("JOBS", "JOB BOARD", DATA, url=receiver.url).attempt
        mock.wait_for(delivery=fired.record_number, timeout=PATIENCE)
        replayed = mock.deliveries.replay(fired.number, fault="cut_body")

    assert replayed is mock.deliveries[1]
    assert [attempt.outcome.status for attempt in mock.deliveries] == [500, 201]
    whole, cut = receiver.bodies
    assert whole.startswith(cut)
    assert len(cut) < len(whole)


def test_without_a_key_no_signature_can_be_wrong(mock: Any) -> None:
    mock.add_definition(name="unsigned", url="http://127.0.0.1:9/")
    before = len(mock.records)
    with pytest.raises(UsageError, match="the webhook definition has no secret key"):
        mock.fire("ACTIVITIES", "unsigned", DATA, fault="old_key")
    assert len(mock.records) == before
