"""POST webhook_requests/resend: a rejected webhook request is sent again, and only that one."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.tables import looped

from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.mock_server.signing import verify
from crmcom_kit.mock_server.store.life_cycle import Event
from crmcom_kit.schemas import response_fields

RELEASES = ["R9", "R10", "R11", "R12", "R13", "R14", "R14.1", "R15", "R18"]
FIELDS_SET = RELEASES[1:]
NOON = datetime(2016, 5, 4, 12, tzinfo=UTC)
KEPT = ("id", "number", "entity", "entity_id", "url", "webhook_definition", "workflow_rule")


@pytest.fixture(params=["R9", "R12", "R18"])
def mock(request: pytest.FixtureRequest, make_mock: Any) -> Any:
    """A mock of each release, where it is noon of a day in 2016."""
    return make_mock(request.param, clock=FixedClock(NOON))


def test_a_rejected_one_is_sent_again(mock: Any) -> None:
    """The answer is the record as it then is: SUCCESSFUL, without error, updated now."""
    before = mock.show().data

    after = mock.resend().data

    assert set(after) == set(response_fields())
    assert (before["life_cycle_state"], after["life_cycle_state"]) == ("REJECTED", "SUCCESSFUL")
    assert (after["error_code"], after["error_description"]) == (None, None)
    assert after["log_information"]["updated_date"] == "2016-05-04T12:00:00"
    assert after["log_information"]["updated_by_user"]["username"] == "MPAdministrator"


def test_its_identity_is_kept(mock: Any) -> None:
    """What names the record, and what it was made from, are the same afterwards."""
    before = mock.show().data

    after = mock.resend().data

    assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}
    for name in before["log_information"]:
        if name.startswith("created_"):
            assert after["log_information"][name] == before["log_information"][name]


def test_its_code_authenticates_the_data(mock: Any) -> None:
    """authentication_code is the HMAC of the data object with the key of the definition."""
    code = mock.resend().data["authentication_code"]

    data = mock.world.store.get("number", "7").data
    key = mock.world.current_epoch.reference_data.key_of(
        mock.show().data["webhook_definition"]["id"]
    )
    assert verify(code, data, key)


def test_show_and_list_agree_with_the_answer(mock: Any) -> None:
    """The record that resend returned is the one that show and list return from then on."""
    answered = mock.resend().data

    assert mock.show().data == answered
    assert answered in mock.list(entity="ACTIVITIES", life_cycle_state="SUCCESSFUL").data
    rejected = mock.list(entity="ACTIVITIES", life_cycle_state="REJECTED", fields_set="number")
    assert {"number": "7"} not in rejected.data


def test_all_others_stay_as_they_are(mock: Any) -> None:
    """One call sends one webhook request, and makes no new one."""
    before = mock.records()

    mock.resend()

    after = mock.records()
    assert before.keys() == after.keys()
    assert [number for number in before if before[number] != after[number]] == ["7"]


def test_it_may_be_named_by_its_id(mock: Any) -> None:
    """The id names the same record as the number does."""
    found = mock.show().data["id"]

    reply = mock.post("resend", webhook_request_identifier={"id": found})

    assert (reply.code, reply.data["number"]) == ("OK", "7")


def test_a_successful_one_is_refused(mock: Any) -> None:
    """Only rejected ones can be sent again: neither one that always was, nor one just resent."""
    mock.resend("7")
    before = mock.state()

    for number in ("7", "14"):
        reply = mock.resend(number)
        assert reply.code == mock.code_of("not_rejected")
        assert reply.statement == "resend.only_rejected"
        assert f"number {number} in state SUCCESSFUL" in reply.message
    assert mock.state() == before


def test_a_trailing_slash_makes_no_difference(mock: Any) -> None:
    """resend/ does what resend does."""
    body = {"token": "T", "webhook_request_identifier": {"number": "7"}}

    assert mock.send("POST", "webhook_requests/resend/", body=body).code == "OK"
    assert mock.show().data["life_cycle_state"] == "SUCCESSFUL"


@looped(
    ("identifier", "kind", "statement"),
    [
        ({}, "no_identifier", "resend.identifier.mandatory"),
        ({"number": ""}, "empty_value", "parameters.values"),
        ({"number": "0"}, "unknown_webhook_request", "resend.identifier.known"),
        ({"id": "7"}, "unknown_webhook_request", "resend.identifier.known"),
        ({"name": "7"}, "unknown_identifier_field", "resend.identifier.fields"),
        ({"number": "7", "name": "x"}, "unknown_identifier_field", "resend.identifier.fields"),
        ({"number": "7", "id": "x"}, "several_identifiers", "resend.identifier.exactly_one"),
        ("number=7", "wrong_type", "parameters.values"),
        ({"number": 7}, "wrong_type", "parameters.values"),
    ],
)
def test_the_identifier_is_one_known_field(
    mock: Any, identifier: Any, kind: str, statement: str
) -> None:
    """An identifier that does not name one webhook request by one field is refused."""
    before = mock.state()

    reply = mock.post("resend", webhook_request_identifier=identifier)

    assert (reply.code, reply.statement) == (mock.code_of(kind), statement)
    assert "webhook_request_identifier" in reply.message
    assert mock.state() == before


def test_an_identifier_is_mandatory(mock: Any) -> None:
    """A call without identifier is refused."""
    reply = mock.post("resend")

    assert reply.code == mock.code_of("missing_parameter")
    assert reply.statement == "resend.parameters.mandatory"


@looped("release", FIELDS_SET)
@looped("names", ["number,life_cycle_state", ["number", "life_cycle_state"]])
def test_fields_set_selects_from_r10_on(make_mock: Any, release: str, names: Any) -> None:
    """From R10 fields_set says which fields of the record are returned."""
    reply = make_mock(release).resend(fields_set=names)

    assert reply.data == {"number": "7", "life_cycle_state": "SUCCESSFUL"}


def test_fields_set_is_unknown_to_r9(make_mock: Any) -> None:
    """In R9 fields_set is ignored, with a warning that names the release that brings it."""
    reply = make_mock("R9").resend(fields_set="number")

    assert set(reply.data) == set(response_fields())
    assert "known from R10.0.0" in reply.warnings[0]


def test_a_wrong_fields_set_sends_nothing(make_mock: Any) -> None:
    """A call that is refused for its fields_set leaves the record as it was."""
    mock = make_mock("R10")
    before = mock.state()

    reply = mock.resend(fields_set="nonsense")

    assert (reply.code, mock.state()) == (mock.code_of("bad_fields_set"), before)


def test_it_may_fail_again(mock: Any, make_mock: Any) -> None:
    """Where the receiver fails again, the record stays REJECTED, with the new error."""
    failing = make_mock(
        mock.world.release.name,
        dialect=mock.world.dialect.changed({"delivery.script": "timeout, success"}),
    )

    once, twice = failing.resend().data, failing.resend().data

    assert (once["life_cycle_state"], once["error_code"]) == ("REJECTED", "SocketTimeoutException")
    assert "Read timed out" in once["error_description"]
    assert (twice["life_cycle_state"], twice["error_code"]) == ("SUCCESSFUL", None)


def test_every_rejected_one_can_be_sent_again(make_mock: Any) -> None:
    """Whatever its entity and its error were, a rejected record is sent again with success."""
    mock = make_mock("R15")

    for number, record in mock.records().items():
        reply = mock.resend(number)
        assert (reply.code == "OK") == (record["life_cycle_state"] == "REJECTED")

    states = {record["life_cycle_state"] for record in mock.records().values()}
    assert states == {"SUCCESSFUL"}


class InterruptedDelivery:
    """A receiver that lets something happen while it is being sent to."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], Any] = lambda: None

    def send(self, _: Any) -> Outcome:
        """Let it happen, and accept."""
        self.meanwhile()
        return Outcome("success", None, None, 200)

    def reset(self) -> None:
        """Forget nothing."""


def test_one_deleted_while_it_is_being_sent_is_gone(make_mock: Any) -> None:
    """A delete during a resend wins: the record does not come back."""
    delivery = InterruptedDelivery()
    mock = make_mock(delivery=delivery)
    delivery.meanwhile = mock.delete

    reply = mock.resend()

    assert reply.code == mock.code_of("unknown_webhook_request")
    assert "deleted while it was being sent" in reply.message
    assert "7" not in mock.records()


def test_a_reset_while_it_is_being_sent_wins(make_mock: Any) -> None:
    """A resend that a reset overtakes ends in the past: the start world stays as it is."""
    delivery = InterruptedDelivery()
    mock = make_mock(delivery=delivery)
    before = mock.state()
    delivery.meanwhile = mock.world.reset

    assert mock.resend().data["life_cycle_state"] == "SUCCESSFUL"
    assert mock.state() == before


def test_a_reset_and_another_resend_meanwhile_are_not_mixed_up(make_mock: Any) -> None:
    """A delivery of before a reset does not settle a resend that was begun after it."""
    delivery = InterruptedDelivery()
    mock = make_mock(delivery=delivery)

    def reset_and_claim() -> None:
        mock.world.reset()
        mock.world.store.transition(mock.show().data["id"], Event.RESEND)

    delivery.meanwhile = reset_and_claim

    assert mock.resend().data["life_cycle_state"] == "SUCCESSFUL"
    assert mock.show().data["life_cycle_state"] == "REJECTED"


def test_a_delivery_that_raises_has_failed(make_mock: Any) -> None:
    """If the delivery itself raises, the record says so, and can be sent again afterwards."""
    delivery = InterruptedDelivery()
    mock = make_mock(delivery=delivery)

    def fail() -> None:
        raise ZeroDivisionError

    delivery.meanwhile = fail
    failed = mock.resend().data

    assert failed["life_cycle_state"] == "REJECTED"
    assert failed["error_code"] == "ZeroDivisionError"
    assert "raised by the delivery" in failed["error_description"]
    delivery.meanwhile = lambda: None
    assert mock.resend().data["life_cycle_state"] == "SUCCESSFUL"
