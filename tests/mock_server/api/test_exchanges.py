"""What a delivery leaves in a record: its code, its request and response."""

import json
from typing import Any

import pytest

from crmcom_kit.fixtures import sample_world_path
from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.signing import (
    verify,
)
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import load_dialect, release_names
from crmcom_kit.schemas.dialect import delivery_outcomes
from crmcom_kit.schemas.exchanges import Exchanges, status_of

INTERNAL = "LazyInitializationException"


def exchanges(**changes: Any) -> Exchanges:
    """Make the default dialect's exchanges, with dials changed (topic__name)."""
    return Exchanges(load_dialect().changed({k.replace("__", "."): v for k, v in changes.items()}))


class Sample:
    """The packaged sample world, read without the emulator: what was sent, and with which key."""

    def __init__(self) -> None:
        entries = [json.loads(line) for line in sample_world_path().read_bytes().splitlines()]
        keys = {e["secret_key"]["id"]: e["secret_key"]["key"] for e in entries if "secret_key" in e}
        definitions = [e["webhook_definition"] for e in entries if "webhook_definition" in e]
        self.keys = {each["id"]: keys.get(each.get("secret_key_id")) for each in definitions}
        requests = [e["webhook_request"] for e in entries if "webhook_request" in e]
        self.requests = {each["record"]["number"]: each for each in requests}

    def shown_by(self, world: World) -> list[tuple[dict[str, Any], Any, str]]:
        """Return each record that a world shows with a code, with its data and its key."""
        found = []
        for number, request in self.requests.items():
            record = world.store.get("number", number)
            shown = None if record is None else json.loads(record.body)
            # A code that the sample world states itself is an example's, whose data nobody knows.
            if (
                shown
                and shown["authentication_code"]
                and "authentication_code" not in request["record"]
            ):
                key = self.keys[shown["webhook_definition"]["id"]]
                assert key is not None
                found.append((shown, request["data"], key))
        return found


@pytest.fixture(scope="module", name="sample")
def _sample() -> Sample:
    """Read the sample world once."""
    return Sample()


# Authentication codes.


@pytest.mark.parametrize("release", release_names())
def test_every_code_verifies_in_every_release(sample: Sample, release: str) -> None:
    """The code that a record shows is the HMAC of its data under its definition's key."""
    found = sample.shown_by(make_world(release=release))

    assert len(found) > 80
    for shown, data, key in found:
        assert verify(shown["authentication_code"], data, key)
        assert not verify(shown["authentication_code"], {**data, "more": 1}, key)


@pytest.mark.parametrize(
    ("data", "key", "error_code", "dial", "has_code"),
    [
        ({}, "key", None, "null", True),
        ({"a": 1}, "key", "ConnectException", "null", True),
        ({"a": 1}, "key", INTERNAL, "null", False),
        ({"a": 1}, "key", INTERNAL, "code", True),
        (None, "key", None, "code", False),
        ({"a": 1}, None, None, "code", False),
    ],
)
def test_there_is_a_code_where_something_was_sent(
    data: Any, key: str | None, error_code: str | None, dial: str, *, has_code: bool
) -> None:
    """No data or no key means no code; a failure before sending means none by dial."""
    made = exchanges(record__code_on_internal_failure=dial)

    assert (made.code(data, key, error_code) is not None) == has_code


# Request and response.


@pytest.mark.parametrize(
    ("form", "request_", "response"),
    [
        ("reference", "REF", "REF"),
        ("object", {"authentication_code": "C", "data": {"a": "Ω"}}, {"status": 200}),
        ("text", '{"authentication_code":"C","data":{"a":"Ω"}}', '{"status":200}'),
        ("null", None, None),
    ],
)
def test_request_and_response_have_the_dialects_form(
    form: str, request_: Any, response: Any
) -> None:
    """Both are a reference, the object itself, its JSON text, or null."""
    made = exchanges(record__exchange_form=form)

    assert made.request({"a": "Ω"}, "C", "REF") == request_
    assert made.response(200, "REF") == response


@pytest.mark.parametrize(
    ("form", "response"), [("reference", "REF"), ("object", None), ("text", None), ("null", None)]
)
def test_no_answer_leaves_no_response(form: str, response: str | None) -> None:
    """Where nothing came back there is no response; a reference stands for that, too."""
    assert exchanges(record__exchange_form=form).response(None, "REF") == response


# What a stored record says of the answer that its receiver gave.


def rejected(code: str | None, description: str | None) -> dict[str, Any]:
    """Make a rejected record."""
    return {
        "life_cycle_state": "REJECTED",
        "error_code": code,
        "error_description": description,
    }


@pytest.mark.parametrize("name", delivery_outcomes())
def test_every_outcome_is_recognised(name: str) -> None:
    """The status of a record's response is the one that its error fields are for."""
    entry = delivery_outcomes()[name]
    record = rejected(entry["error_code"], entry["error_description"])
    if name == "success":
        record["life_cycle_state"] = "SUCCESSFUL"

    assert status_of(record) == entry["status"]


@pytest.mark.parametrize(
    ("code", "description", "status"),
    [
        (
            "HttpResponseException",
            "org.apache.http.client.HttpResponseException: Internal Server Error\n\tat there",
            500,
        ),
        ("HttpResponseException", "org.apache.http.client.HttpResponseException: Not Found", 404),
        ("HttpResponseException", "something else", None),
        ("HttpResponseException", None, None),
        ("SomeOtherException", "text", None),
        (None, None, None),
        (None, "text", None),
        ("ConnectException", "", None),
    ],
)
def test_an_error_tells_its_status_or_none(
    code: str | None, description: str | None, status: int | None
) -> None:
    """An error that tells no status has none: a rejected record never shows a success."""
    assert status_of(rejected(code, description)) == status


def test_the_sample_worlds_responses_fit_their_errors() -> None:
    """No rejected record of the sample world shows a success, no successful one an error."""
    world = make_world(
        release="R15", dialect=load_dialect().changed({"record.exchange_form": "object"})
    )
    statuses = set()
    for number in map(str, range(1, 1000)):
        record = world.store.get("number", number)
        if record is not None:
            shown = json.loads(record.body)
            if isinstance(shown["response"], str):  # an example's own
                continue
            status = (shown["response"] or {}).get("status")
            statuses.add((shown["life_cycle_state"], status))

    assert statuses == {("SUCCESSFUL", 200), ("REJECTED", None), ("REJECTED", 500)}
