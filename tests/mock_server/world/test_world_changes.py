"""What calls change in a world: resend, delete, and the way back to the start."""

import json
from datetime import UTC, datetime
from typing import Any

from helpers.tables import looped

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.clock import FixedClock
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.mock_server.deliveries.senders import OutgoingMessage
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.signing import verify
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import load_dialect, release_names, validator

NOON = datetime(2016, 2, 29, 12, 0, 7, 999_999, tzinfo=UTC)
WRITTEN = "2016-02-29T12:00:07"
KEPT = (
    *("id", "number", "entity", "entity_id", "webhook_definition", "workflow_rule"),
    *("fields_set", "url"),
)


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


# Resend.


@looped("release", release_names())
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


@looped("release", release_names())
def test_a_resent_record_is_valid_and_its_code_verifies(release: str) -> None:
    """What a resend leaves fits the strict schema; its code is that of data and present key."""
    known = world(release)
    judge = validator("webhook_request", "strict", known.release.name)

    for number in numbers(known)[::3]:
        after = post(known, "resend", number)["data"]
        record = known.store.get("number", number)
        assert record is not None
        key = known.current_epoch.reference_data.key_of(after["webhook_definition"]["id"])

        assert not [error.message for error in judge.iter_errors(after)]
        if record.data is None or key is None:
            assert (
                after["authentication_code"] == show(world(release), number)["authentication_code"]
            )
        else:
            assert verify(after["authentication_code"], json.loads(record.data), key)


def test_a_resend_that_fails_leaves_the_new_error() -> None:
    """After a failed try the record is REJECTED with that try's error, and was updated."""
    known = world(dials={"delivery.script": "refused, http_503, success"})
    number = numbers(known)[0]
    first = post(known, "resend", number)["data"]
    second = post(known, "resend", number)["data"]
    third = post(known, "resend", number)["data"]

    states = [each["life_cycle_state"] for each in (first, second, third)]
    codes = [each["error_code"] for each in (first, second, third)]
    assert states == ["REJECTED", "REJECTED", "SUCCESSFUL"]
    assert codes == ["ConnectException", "HttpResponseException", None]
    assert "Service Unavailable" in second["error_description"]
    assert first["log_information"]["updated_date"] == WRITTEN
    assert len({first["response"], second["response"], third["response"]}) == 3


class Recorder:
    """A receiver that takes everything and remembers it."""

    def __init__(self) -> None:
        self.attempts: list[OutgoingMessage] = []

    def __len__(self) -> int:
        return len(self.attempts)

    def send(self, message: OutgoingMessage) -> Outcome:
        """Take it."""
        self.attempts.append(message)
        return Outcome("success", None, None, 200)

    def reset(self) -> None:
        """Forget everything."""
        self.attempts.clear()


def test_what_is_sent_is_what_the_record_then_says() -> None:
    """The receiver gets the record's url, its data, and the code that the record shows."""
    recorder = Recorder()
    known = world(delivery=recorder)
    for number in numbers(known):
        after = post(known, "resend", number)["data"]
        (attempt,) = recorder.attempts
        recorder.reset()

        assert attempt.url == after["url"]
        record = known.store.get("number", number)
        assert record is not None
        assert attempt.data == record.data
        if attempt.authentication_code is not None:
            assert attempt.authentication_code == after["authentication_code"]


def test_a_record_without_data_can_be_sent() -> None:
    """Where nobody knows the data that was sent, a resend works and keeps the old code."""
    recorder = Recorder()
    entries = [request("1", data=None, authentication_code="as it was"), request("2", data=None)]
    known = world(data=entries, delivery=recorder)

    assert post(known, "resend", "1")["data"]["authentication_code"] == "as it was"
    assert post(known, "resend", "2")["data"]["authentication_code"] is None
    assert [attempt.data for attempt in recorder.attempts] == [None, None]


# Reset.


def test_a_reset_goes_back_to_the_start() -> None:
    """Records, ids and the delivery script are what they were; each reset counts."""
    known = world(dials={"delivery.script": "timeout, success"})
    start = known.store.query(Query(indexed=()))
    number = numbers(known)[0]
    first = post(known, "resend", number)["data"]
    post(known, "delete", numbers(known, "SUCCESSFUL")[0])
    known.reset()

    assert known.store.query(Query(indexed=())) == start
    assert known.epoch_number == 1
    assert post(known, "resend", number)["data"] == first
    known.reset()
    assert (known.store.query(Query(indexed=())), known.epoch_number) == (start, 2)


def request(number: str, /, data: Any = ..., **changes: Any) -> dict[str, Any]:
    """Make a world entry of a webhook request."""
    record = {
        "id": f"id{number}",
        "number": number,
        "life_cycle_state": "REJECTED",
        "entity": "JOBS",
        "entity_id": "J1",
        "url": "http://receiver/in",
        "webhook_definition": {"id": "D1", "name": "Jobs"},
        "workflow_rule": {"id": "R1", "name": "Rule"},
        "log_information": {},
    }
    sent = {"number": number} if data is ... else data
    return {"webhook_request": {"record": {**record, **changes}, "data": sent}}
