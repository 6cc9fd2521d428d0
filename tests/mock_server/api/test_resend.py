"""POST webhook_requests/resend: a rejected webhook request is sent again, and only that one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.schemas import response_fields

RELEASES = ["R9", "R10", "R11", "R12", "R13", "R14", "R14.1", "R15", "R18"]
FIELDS_SET = RELEASES[1:]
NOON = datetime(2016, 5, 4, 12, tzinfo=UTC)


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


@pytest.mark.parametrize("release", FIELDS_SET)
@pytest.mark.parametrize("names", ["number,life_cycle_state", ["number", "life_cycle_state"]])
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
