"""The whole loop without CRM.COM: fired, signed, sent, responded to, kept, shown, sent again."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from helpers import calling
from helpers.clocks import FixedClock
from helpers.receivers import Listening, listening, responding, responding_in_turn

from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.mock_server.http.access_log import AccessLog
from crmcom_kit.mock_server.signing import verify
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.signing import sign

DEFINITION = "ACT CREATE"
DATA = {"id": "A1", "number": "ACT1", "status": "COMPLETED", "secret": "x"}
PATIENT = {"delivery.timeout": 120_000}


def admin(mock: Mock, verb: str, path: str, body: Any = None) -> Any:
    response = httpx.request(verb, f"{mock.admin_url}{path}", json=body, timeout=60)
    assert response.status_code == 200, response.text
    return response.json()


def fire(mock: Mock, receiver: Listening, **members: Any) -> Any:
    event = {"entity": "ACTIVITIES", "definition": DEFINITION, "data": DATA, "url": receiver.url}
    return admin(mock, "POST", "/events/fire", {**event, **members})


def show(mock: Mock, number: str) -> Any:
    return calling.show(mock, number).json()["data"]


@pytest.fixture(name="mock", scope="module")
def _mock() -> Iterator[Mock]:
    with crmcom_mock(release="R9", deliver="http", dialect=Dialect("patient", PATIENT)) as mock:
        yield mock


@pytest.fixture(name="receiver")
def _receiver() -> Iterator[Listening]:
    with listening(responding()) as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def _anew(mock: Mock) -> None:
    mock.emulated.reset()


def test_a_fired_webhook_becomes_a_record(mock: Mock, receiver: Listening) -> None:
    """Fired, it is signed, delivered to the receiver, and kept as SUCCESSFUL."""
    fired = fire(mock, receiver)
    number = fired["webhook_request"]["number"]
    record = show(mock, number)

    assert (fired["sent"], fired["life_cycle_state"]) == (True, "SUCCESSFUL")
    assert fired["left_out"] == ["secret"]
    assert record["life_cycle_state"] == "SUCCESSFUL"
    assert record["url"] == receiver.url
    (body,) = receiver.bodies
    message = json.loads(body)
    assert verify(message["authentication_code"], message["data"], mock.secret_keys[0]["key"])
    assert message["authentication_code"] == record["authentication_code"]
    assert message["data"] == {k: v for k, v in DATA.items() if k != "secret"}


def test_the_receiver_can_read_what_it_is_sent(mock: Mock) -> None:
    """While it is delivered, the webhook request is there already, and no resend gets it."""
    seen: list[tuple[Any, Any]] = []

    def handle(connection: Any) -> None:
        number = str(mock.emulated.store.largest_number())
        seen.append((show(mock, number), calling.resend(mock, number).json()["status"]["code"]))
        responding()(connection)

    with listening(handle) as receiver:
        fired = fire(mock, receiver)

    shown, code = seen[0]
    after = show(mock, shown["number"])
    assert fired["life_cycle_state"] == after["life_cycle_state"] == "SUCCESSFUL"
    assert shown["number"] == fired["webhook_request"]["number"]
    assert (shown["life_cycle_state"], shown["url"]) == ("REJECTED", receiver.url)
    assert code == mock.emulated.config.dialect["errors.resend_under_way.code"]
    changed = {"life_cycle_state", "error_code", "error_description", "response"}
    assert {k for k in shown if shown[k] != after[k]} <= {*changed, "log_information"}


def test_the_access_log_has_what_is_sent(
    mock: Mock, receiver: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line for each attempt, with its outcome, and without the secrets in its URL."""
    out = io.StringIO()
    log = AccessLog(out, form="human", clock=FixedClock(datetime(2026, 1, 1, tzinfo=UTC)))
    monkeypatch.setattr(
        mock.emulated.delivery_queue,
        "on_attempt",
        lambda _, sent: log.add_attempt(mock.emulated, sent),
    )
    sent = fire(mock, receiver, url=f"{receiver.url}?secret=hunter2")["delivery"]["id"]
    fire(mock, receiver, url="http://10.0.0.1/in")
    log.flush()

    first, second = out.getvalue().splitlines()
    start = f"2026-01-01T00:00:00.000+00:00 - POST {receiver.url}?secret=*** 200 "
    assert first.startswith(start)
    assert first.endswith(f"(delivery {sent}: success)")
    assert " - POST http://10.0.0.1/in 0 0B " in second
    assert second.endswith(f"(delivery {sent + 1}: blocked)")


def test_a_duplicate_is_sent_again_and_changes_nothing(mock: Mock, receiver: Listening) -> None:
    """The receiver gets two, the record is made once, and the attempts say which is which."""
    before = len(mock.emulated.store)
    number = fire(mock, receiver, fault="duplicate")["webhook_request"]["number"]

    attempts = admin(mock, "GET", f"/deliveries?record={number}")["deliveries"]
    assert receiver.bodies == [receiver.bodies[0]] * 2
    assert len(mock.emulated.store) == before + 1
    assert [message["cause"] for message in attempts] == ["fire", "replay"]
    assert attempts[1]["of"] == attempts[0]["id"]


@pytest.mark.parametrize("fault", ["wrong_signature", "old_key"])
def test_a_record_has_the_right_code_whatever_was_sent(mock: Mock, fault: str) -> None:
    """What is wrong on purpose is in the message alone, and a resend sends it rightly."""
    with listening(responding_in_turn(401, 200)) as receiver:
        fired = fire(mock, receiver, fault=fault)
        number = fired["webhook_request"]["number"]
        before = show(mock, number)["authentication_code"]
        calling.resend(mock, number)

    reasons = [
        admin(mock, "GET", f"/deliveries/{at}")["signature"]["reason"]
        for at in (fired["delivery"]["id"], fired["delivery"]["id"] + 1)
    ]
    assert reasons == ["wrong_code", "valid"]
    assert show(mock, number)["authentication_code"] == before


def test_a_wrong_signature_is_wrong_when_it_is_repeated_too(
    mock: Mock, receiver: Listening
) -> None:
    """What makes it wrong does not make a wrong one right."""
    key = mock.secret_keys[0]["key"]
    named = ({"id": "A1", "number": f"ACT{number}"} for number in range(200))
    # Then the wrong code begins with another digit than 0.
    data = next(data for data in named if sign(data, key).startswith("0"))
    fired = fire(mock, receiver, data=data, fault="wrong_signature")
    record = show(mock, fired["webhook_request"]["number"])
    assert record["authentication_code"].startswith("0")
    at = fired["delivery"]["id"]
    again = admin(mock, "POST", f"/deliveries/{at}/replay", {"fault": "wrong_signature"})["id"]

    assert admin(mock, "GET", f"/deliveries/{again}")["signature"]["reason"] == "wrong_code"


def test_a_not_effective_definition_sends_nothing(mock: Mock, receiver: Listening) -> None:
    """No record is made, nothing arrives, and the response says why."""
    definitions = mock.emulated.current_epoch.reference_data.definitions
    definition = definitions.find("alternative_code", DEFINITION)
    assert definition is not None
    before = len(mock.emulated.store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(definition, "life_cycle_state", "NOT EFFECTIVE")
        fired = fire(mock, receiver)

    assert fired["sent"] is False
    assert "NOT EFFECTIVE" in fired["why"]
    assert len(mock.emulated.store) == before
    assert admin(mock, "GET", "/deliveries")["deliveries"] == []


def test_a_replay_sends_the_same_again(mock: Mock) -> None:
    """No record changes, whatever comes of it: that is what a resend is for."""
    with listening(responding_in_turn(500, 200)) as receiver:
        fired = fire(mock, receiver)
        before = show(mock, fired["webhook_request"]["number"])
        replayed = admin(mock, "POST", f"/deliveries/{fired['delivery']['id']}/replay")

    assert (replayed["cause"], replayed["of"]) == ("replay", fired["delivery"]["id"])
    assert (replayed["outcome"]["delivered"], replayed["after"]) == (True, None)
    assert before["life_cycle_state"] == "REJECTED"
    assert show(mock, before["number"]) == before
    assert receiver.bodies == [receiver.bodies[0]] * 2


def test_a_delivery_cannot_command_the_mock(mock: Mock, receiver: Listening) -> None:
    """A URL that points at the control API is refused there."""
    for path in ("/reset", "/events/fire", "/deliveries/1/replay"):
        fired = fire(mock, receiver, url=f"{mock.admin_url}{path}")
        assert fired["delivery"]["outcome"]["status"] == 403
    assert mock.emulated.current_epoch.number == admin(mock, "GET", "/health")["epoch"]


def test_a_resend_to_the_mock_itself_ends(mock: Mock, receiver: Listening) -> None:
    """Resends that loop back into the API's resend end, and block nothing."""
    base = f"{mock.url}/webhook_requests/resend?token={mock.token}"
    fired = fire(mock, receiver, url=f"{base}&webhook_request_identifier=number=7")

    assert fired["life_cycle_state"] == "SUCCESSFUL"
    assert show(mock, "7")["number"] == "7"
