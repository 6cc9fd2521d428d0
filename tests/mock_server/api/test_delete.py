"""POST webhook_requests/delete: a webhook request of either state is gone afterwards."""

from typing import Any

import pytest

from crmcom_kit.schemas import response_fields

RELEASES = ["R9", "R10", "R11", "R12", "R13", "R14", "R14.1", "R15", "R18"]


@pytest.fixture(params=["R9", "R10", "R18"])
def mock(request: pytest.FixtureRequest, make_mock: Any) -> Any:
    """A mock of each release."""
    return make_mock(request.param)


def test_either_state_can_be_deleted(mock: Any) -> None:
    """A rejected and a successful record alike are returned as they last were."""
    for number in ("7", "14"):
        last = mock.show(f"number={number}").data

        reply = mock.delete(number)

        assert reply.data == last
        assert set(last) == set(response_fields())


def test_it_is_gone(mock: Any) -> None:
    """Afterwards show, resend and delete do not find it, by number nor id, and list omits it."""
    found = mock.delete().data["id"]

    for reply in (mock.show("number=7"), mock.show(f"id={found}"), mock.resend(), mock.delete()):
        assert reply.code == mock.code_of("unknown_webhook_request")
        assert reply.statement is not None
        assert reply.statement == "identifier.known"
    assert {"number": "7"} not in mock.list(entity="ACTIVITIES", fields_set="number").data


def test_all_others_stay_as_they_are(mock: Any) -> None:
    """One call deletes one webhook request."""
    before = mock.records()

    mock.delete()

    del before["7"]
    assert mock.records() == before


def test_one_just_resent_is_returned_as_resend_left_it(mock: Any) -> None:
    """The record as it last was is the one after its resend."""
    assert mock.resend().data == mock.delete().data


@pytest.mark.parametrize("release", RELEASES[1:])
def test_fields_set_selects_from_r10_on(make_mock: Any, release: str) -> None:
    """From R10 fields_set says which fields of the deleted record are returned."""
    mock = make_mock(release)

    assert mock.delete(fields_set="id, number").data.keys() == {"id", "number"}
    assert mock.show().code == mock.code_of("unknown_webhook_request")


def test_a_wrong_fields_set_deletes_nothing(make_mock: Any) -> None:
    """A call that is refused for its fields_set leaves the record where it was."""
    mock = make_mock("R10")

    reply = mock.delete(fields_set="nonsense")

    assert reply.code == mock.code_of("bad_fields_set")
    assert mock.show().code == "OK"
