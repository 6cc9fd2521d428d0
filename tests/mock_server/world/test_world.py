"""A world: what it is filled with, who calls, what calls change in it, what a start costs."""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from helpers.clocks import FixedClock
from helpers.records import world_request

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS
from crmcom_kit.mock_server.world.generation import add_partial
from crmcom_kit.mock_server.world.webhooks.triggers import fire
from crmcom_kit.mock_server.world.world_file import DataError, locate
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.loader import compiled
from crmcom_kit.schemas.signing import verify

WRITTEN = "2016-02-29T12:00:07"
KEPT = (
    *("id", "number", "entity", "entity_id", "webhook_definition", "workflow_rule"),
    *("fields_set", "url"),
)
NOON = datetime(2016, 2, 29, 12, 0, 7, 999_999, tzinfo=UTC)


@pytest.fixture
def world(make_mock: Any) -> Any:
    return partial(make_mock, clock=FixedClock(NOON))


def rejected(mock: Any) -> list[str]:
    records = mock.records().values()
    return [record["number"] for record in records if record["life_cycle_state"] == "REJECTED"]


def request(number: str, /, **changes: Any) -> dict[str, Any]:
    return {"webhook_request": world_request(number, **changes)}


def test_records_are_in_the_order_of_their_creation(world: Any) -> None:
    """The newest comes first; without a date a record is old; of one second, the file's order."""
    dates = [
        *("2015-11-01T12:00:00", None, "1969-12-31T23:59:59", "2015-11-01T12:00:00"),
        *("0001-01-01T00:00:00", None, "9999-12-31T23:59:59"),
    ]
    data = [
        request(str(number), log_information={"created_date": date})
        for number, date in enumerate(dates, 1)
    ]

    assert rejected(world(data=data)) == ["7", "4", "1", "3", "5", "6", "2"]


def test_values_that_a_record_states_are_kept(world: Any) -> None:
    """A code, a request or a response that a world states is not replaced by a made one."""
    stated = {"authentication_code": "mine", "request": {"a": 1}, "response": None}
    records = world(data=[request("1", **stated), request("2")]).records()

    assert {name: records["1"][name] for name in stated} == stated
    assert records["2"]["request"] is not None


def test_the_credentials_user_need_not_be_in_the_world() -> None:
    """A world without users and units still has a session: a user of the login's name, no unit."""
    session = make_world(data=[]).current_epoch.session()

    name = DEFAULT_CREDENTIALS.username
    assert session.user["username"] == session.user["person_name"] == name
    assert session.unit is None
    assert session.organisation == DEFAULT_CREDENTIALS.organisation


@pytest.mark.parametrize(("release", "unit"), [("R9", "unit"), ("R18", "business_unit")])
def test_a_resend_changes_what_it_must_and_nothing_else(
    world: Any, release: str, unit: str
) -> None:
    """For every rejected record: new state, errors, exchange and log; the same identity."""
    mock = world(release)
    session = mock.world.current_epoch.session()
    start = mock.records()
    resent = {number: mock.resend(number).data for number in rejected(mock)}

    assert mock.records() == {**start, **resent}
    for number, after in resent.items():
        before = start[number]
        assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}
        assert list(after) == list(before)
        assert after["life_cycle_state"] == "SUCCESSFUL"
        assert (after["error_code"], after["error_description"]) == (None, None)
        assert after["response"] != before["response"]
        assert after["request"] != before["request"]
        changed = {
            "updated_date": WRITTEN,
            f"updated_by_{unit}": session.unit,
            "updated_by_user": session.user,
        }
        assert after["log_information"] == {**before["log_information"], **changed}
        assert list(after["log_information"]) == list(before["log_information"])


@pytest.mark.parametrize("release", ["R9", "R18"])
def test_records_are_valid_and_their_codes_verify(world: Any, release: str) -> None:
    """As loaded and as resent: the strict schema, and a code of data and present key alone."""
    mock = world(release)
    store, data_of = mock.world.store, mock.world.current_epoch.reference_data
    schema_validator = compiled("webhook_request", "strict", mock.world.config.release.name)

    def verifies(shown: dict[str, Any]) -> bool | None:
        assert not [error.message for error in schema_validator.iter_errors(shown)]
        sent = store.get("number", shown["number"]).data
        key = data_of.key_of(shown["webhook_definition"]["id"])
        if sent is None or key is None:
            return None
        code, data = shown["authentication_code"], json.loads(sent)
        if shown["error_code"] == "LazyInitializationException":  # it failed before it was sent
            return code is None
        return verify(code, data, key) and not verify(code, {**data, "more": 1}, key)

    loaded = [verifies(shown) for shown in mock.records().values()]
    assert loaded.count(True) > 80
    assert loaded.count(False) <= 2  # captured examples, whose data nobody knows
    resent = [verifies(mock.resend(number).data) for number in rejected(mock)[::3]]
    assert set(resent) <= {True, None}


def test_a_record_without_data_can_be_sent(world: Any) -> None:
    """Where nobody knows the data that was sent, a resend works and keeps the old code."""
    entries = [request("1", data=None, authentication_code="as it was"), request("2", data=None)]
    mock = world(data=entries)

    assert mock.resend("1").data["authentication_code"] == "as it was"
    assert mock.resend("2").data["authentication_code"] is None
    attempts = mock.world.current_epoch.attempts.select()
    assert [attempt.message.data for attempt in attempts] == [None, None]


def test_what_is_refused_uses_up_no_id_and_no_number(world: Any) -> None:
    """Entries of which one is wrong, and a webhook that cannot be stored."""
    tenant = world().world
    epoch, largest = tenant.current_epoch, tenant.store.largest_number()

    def add(*more: dict[str, Any]) -> list[Record]:
        entries = {"entity": "JOBS"}, {"webhook_definition": {"name": "New"}}, *more
        return add_partial(epoch, tenant, [locate(entry, "") for entry in entries]).filled_in

    for wrong in ({"entity": "JOBS", "odd": 1}, {"workflow_rule": {"name": "Activity completed"}}):
        with pytest.raises(DataError):
            add(wrong)
    with pytest.raises(DataError):
        fire(epoch, "ACTIVITIES", "ACT CREATE", {"number": 2**64})

    (record,) = add()
    assert (record.number, epoch.ids.count) == (str(largest + 1), 0)


def test_a_reset_goes_back_to_the_start(world: Any) -> None:
    """Records, ids and the delivery script are what they were; each reset counts."""
    mock = world(dialect=Dialect("mine", {"delivery.script": "timeout, success"}))
    start, number = mock.state(), rejected(mock)[0]
    first = mock.resend(number).data
    mock.delete("14")
    mock.world.reset()

    assert mock.state() == start
    assert mock.world.current_epoch.number == 1
    assert mock.resend(number).data == first
    mock.world.reset()
    assert (mock.state(), mock.world.current_epoch.number) == (start, 2)
