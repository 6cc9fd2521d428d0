"""A world: what it is filled with, who calls, what calls change in it, what a start costs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.records import world_request

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.signing import verify
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import load_dialect, release_names, validator

WRITTEN = "2016-02-29T12:00:07"
SENT = "SUCCESSFUL"
KEPT = (
    *("id", "number", "entity", "entity_id", "webhook_definition", "workflow_rule"),
    *("fields_set", "url"),
)
NOON = datetime(2016, 2, 29, 12, 0, 7, 999_999, tzinfo=UTC)


def world(release: str = "R9", *, dials: dict[str, Any] | None = None, **options: Any) -> World:
    """Make a world at noon, with a token that always holds."""
    dialect = load_dialect().changed(dials or {})
    clock = FixedClock(NOON)
    return make_world(release=release, dialect=dialect, tokens=["T"], clock=clock, **options)


def post(known: World, method: str, number: str) -> dict[str, Any]:
    """Call a POST method for the record of that number; return the whole answer."""
    body = {"token": "T", "webhook_request_identifier": {"number": number}}
    answer = dispatch(
        known, Request("POST", f"webhook_requests/{method}", b"", json.dumps(body).encode())
    )
    assert isinstance(answer.body, bytes)
    found: dict[str, Any] = json.loads(answer.body)
    return found


def show(known: World, number: str) -> dict[str, Any]:
    """Return the record of that number."""
    record = known.store.get("number", number)
    assert record is not None
    found: dict[str, Any] = json.loads(record.body)
    return found


def numbers(known: World, state: str = "REJECTED") -> list[str]:
    """Return the numbers of all records in a state."""
    query = Query(indexed=(), states=frozenset({state}))
    return [json.loads(body)["number"] for body in known.store.query(query)]


class Recorder:
    """A receiver that takes everything and remembers it."""

    def __init__(self) -> None:
        self.attempts: list[OutgoingMessage] = []

    def send(self, message: OutgoingMessage) -> Outcome:
        """Take it."""
        self.attempts.append(message)
        return Outcome("success", None, None, 200)


def request(number: str, /, **changes: Any) -> dict[str, Any]:
    """Return a world entry of a webhook request."""
    return {"webhook_request": world_request(number, **changes)}


def test_records_are_in_the_order_of_their_creation() -> None:
    """The newest comes first; without a date a record is old; of one second, the file's order."""
    dates = [
        *("2015-11-01T12:00:00", None, "1969-12-31T23:59:59", "2015-11-01T12:00:00"),
        *("0001-01-01T00:00:00", None, "9999-12-31T23:59:59"),
    ]
    known = world(
        data=[
            request(str(number), log_information={"created_date": date})
            for number, date in enumerate(dates, 1)
        ]
    )

    assert numbers(known) == ["7", "4", "1", "3", "5", "6", "2"]


def test_what_a_record_says_itself_is_kept() -> None:
    """A code, a request or a response that a world states is not replaced by a made one."""
    stated = {"authentication_code": "mine", "request": {"a": 1}, "response": None}
    known = world(data=[request("1", **stated), request("2")])

    assert {name: show(known, "1")[name] for name in stated} == stated
    assert show(known, "2")["request"] is not None


def test_the_credentials_user_need_not_be_in_the_world() -> None:
    """A world without users and units still has a session: a user of the login's name, no unit."""
    session = world(data=[]).current_epoch.session()

    name = DEFAULT_CREDENTIALS.username
    assert session.user["username"] == session.user["person_name"] == name
    assert session.unit is None
    assert session.organisation == DEFAULT_CREDENTIALS.organisation


@pytest.mark.parametrize("release", ["R9", "R12", "R18"])
def test_a_resend_changes_what_it_must_and_nothing_else(release: str) -> None:
    """For every rejected record: new state, errors, exchange and log; the same identity."""
    known = world(release)
    session = known.current_epoch.session()
    unit = "business_unit" if known.release.at_least("R18.0.0") else "unit"

    for number in numbers(known):
        before = show(known, number)
        after = post(known, "resend", number)["data"]

        assert after == show(known, number)
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


@pytest.mark.parametrize("release", release_names())
def test_records_are_valid_and_their_codes_verify(release: str) -> None:
    """As loaded and as resent: the strict schema, and a code of data and present key alone."""
    known = world(release)
    judge = validator("webhook_request", "strict", known.release.name)

    def verifies(shown: dict[str, Any]) -> bool | None:
        assert not [error.message for error in judge.iter_errors(shown)]
        record = known.store.get("number", shown["number"])
        assert record is not None
        key = known.current_epoch.reference_data.key_of(shown["webhook_definition"]["id"])
        if record.data is None or key is None:
            return None
        code, data = shown["authentication_code"], json.loads(record.data)
        if shown["error_code"] == "LazyInitializationException":  # it failed before it was sent
            return code is None
        return verify(code, data, key) and not verify(code, {**data, "more": 1}, key)

    loaded = [verifies(show(known, number)) for number in numbers(known) + numbers(known, SENT)]
    assert loaded.count(True) > 80
    assert loaded.count(False) <= 2  # captured examples, whose data nobody knows
    rejected = numbers(known)[::3]
    resent = [verifies(post(known, "resend", number)["data"]) for number in rejected]
    assert set(resent) <= {True, None}


def test_a_record_without_data_can_be_sent() -> None:
    """Where nobody knows the data that was sent, a resend works and keeps the old code."""
    recorder = Recorder()
    entries = [request("1", data=None, authentication_code="as it was"), request("2", data=None)]
    known = world(data=entries, delivery=recorder)

    assert post(known, "resend", "1")["data"]["authentication_code"] == "as it was"
    assert post(known, "resend", "2")["data"]["authentication_code"] is None
    assert [attempt.data for attempt in recorder.attempts] == [None, None]


def test_a_reset_goes_back_to_the_start() -> None:
    """Records, ids and the delivery script are what they were; each reset counts."""
    known = world(dials={"delivery.script": "timeout, success"})
    start = known.store.query(Query(indexed=()))
    number = numbers(known)[0]
    first = post(known, "resend", number)["data"]
    post(known, "delete", numbers(known, "SUCCESSFUL")[0])
    known.reset()

    assert known.store.query(Query(indexed=())) == start
    assert known.current_epoch.number == 1
    assert post(known, "resend", number)["data"] == first
    known.reset()
    assert (known.store.query(Query(indexed=())), known.current_epoch.number) == (start, 2)
