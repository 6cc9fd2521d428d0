"""Frequent mistakes get a suggestion, in the header and in the journal."""

import json
from typing import Any

import pytest
from helpers.mistakes import (
    DELETE,
    LIST,
    LOGIN,
    RESEND,
    RIGHT,
    SHOW,
    TOKEN,
    Asked,
    ask,
    get,
    last_call,
    post,
    resend,
    show,
)

from crmcom_kit.mock_server.store.records import Query

NUMBER_7 = ("webhook_request_identifier", "number=7")
KEY_LOGIN = "authentication/web_api_key/token"


def suggestion(mock: Any, asked: Asked) -> str:
    """Return the suggestion for a call, which is the same in header and journal."""
    answer = ask(mock, asked)
    assert answer.code != "OK"
    found: Any = last_call(mock).near_miss["suggestion"]
    assert answer.headers["X-Mock-Suggestion"] == found
    return str(found)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (Asked("GET", SHOW, (NUMBER_7,)), "add token=... from POST authentication/token"),
        (Asked("POST", RESEND, (("token", TOKEN),), {}), "move token from the query into the JSON"),
        (
            Asked("GET", SHOW, (NUMBER_7,), headers={"Authorization": f"Bearer {TOKEN}"}),
            "give the token as the parameter token, not in the header",
        ),
        (
            Asked("GET", SHOW, (("token", "x"), NUMBER_7)),
            "token=... from a new login (POST authentication/token)",
        ),
        (post(LOGIN, {**RIGHT, "username": "a"}), 'use "username": "mpadministrator", "organisa'),
        (post(LOGIN, {"user_name": "a"}), '"password": "..." (the value of --password)'),
        (Asked("POST", KEY_LOGIN), "send the header Authorization: Basic base64(KEY:)"),
        (get(SHOW), "webhook_request_identifier=number="),
        (show("7"), "webhook_request_identifier=number=7"),
        (show("name=7"), "webhook_request_identifier=number=7"),
        (show("id=7"), "webhook_request_identifier=number=7"),
        (get(SHOW, number="7"), "webhook_request_identifier=number=7"),
        (show("number=7\t"), "webhook_request_identifier=number=7"),
        (show("number="), "webhook_request_identifier=number="),
        (show("number=99999999"), "webhook_request_identifier=number="),
        (resend(number=7), '"webhook_request_identifier": {"number": "7"} (REJECTED)'),
        (resend(number="7", id="x"), '"webhook_request_identifier": {"number": "7"} (REJECTED)'),
        (resend(nummer="7"), '"webhook_request_identifier": {"number": "7"} (REJECTED)'),
        (resend(number="14"), "(REJECTED)"),
        (post(DELETE, webhook_request_identifier="number=14"), '{"number": "14"}'),
        (get(LIST, webhook_definition_identifier="id=x"), "webhook_definition_identifier=id="),
        (
            get(LIST, workflow_rule_identifier="name=ACT DONE"),
            "workflow_rule_identifier=alternative_code=ACT DONE",
        ),
        (get(LIST), "add entity=ACTIVITIES"),
        (get(LIST, entity="job"), "entity=JOBS instead of job"),
        (get(LIST, entity="qqqqqq"), "entity=ACTIVITIES instead of qqqqqq"),
        (get(LIST, entity="rewardoffers"), "start the mock with --release R15.0.0"),
        (get(LIST, entity="JOBS", life_cycle_state="rejected"), "life_cycle_state=REJECTED in"),
        (Asked("POST", RESEND, (NUMBER_7,)), "move the parameters from the query into a JSON"),
        (post(RESEND, b"token=T&webhook_request_identifier=number=7"), "not as a form"),
        (post(RESEND, [{"token": TOKEN}]), 'send a JSON object, such as {"token"'),
        (post(RESEND, b""), 'send a JSON object, such as {"token"'),
        (get("webhook_request/show"), "GET webhook_requests/show"),
        (get("webhook_requests/resnd"), "POST webhook_requests/resend"),
        (get("x"), "use a path of the API, such as "),
        (get(RESEND), "POST instead of GET, with the parameters in the JSON body"),
        (post(SHOW), "GET instead of POST, with the parameters in the query"),
    ],
)
def test_a_frequent_mistake_gets_a_suggestion(make_mock: Any, asked: Asked, text: str) -> None:
    """It is what makes the request valid, written as the caller would write it."""
    assert text in suggestion(make_mock("R13"), asked)


def test_a_method_of_a_later_release_is_named_with_it(make_mock: Any) -> None:
    """The suggestion is to start the mock with that release."""
    asked = post("authentication/token/release")
    assert "start the mock with --release R10" in suggestion(make_mock("R9"), asked)


@pytest.mark.parametrize("end", ["release", "expire"])
def test_for_a_token_that_is_over_another_is_suggested(make_mock: Any, end: str) -> None:
    """Expired and released tokens need a new login."""
    mock = make_mock("R13")
    getattr(mock.world.tokens, end)(TOKEN)
    assert "from a new login" in suggestion(mock, show("number=7"))


def test_where_nothing_is_rejected_the_suggestion_says_so(make_mock: Any) -> None:
    """There is no other webhook request to resend."""
    mock = make_mock("R13")
    for body in mock.world.store.query(Query(states=frozenset({"REJECTED"}))):
        ask(mock, resend(number=json.loads(body)["number"]))
    assert "no webhook request is REJECTED" in suggestion(mock, resend(number="7"))


def test_an_empty_world_has_no_record_to_name(make_mock: Any) -> None:
    """Without any record there is no other one to suggest."""
    assert "create one first" in suggestion(make_mock("R13", data=()), show("number=7"))


def test_other_mistakes_have_none(make_mock: Any) -> None:
    """The message says what is allowed."""
    mock = make_mock("R13")
    answer = ask(mock, show("number=7", fields_set="x"))
    assert "X-Mock-Suggestion" not in answer.headers
    assert last_call(mock).near_miss["suggestion"] is None
