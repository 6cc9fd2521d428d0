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
    response = ask(mock, asked)
    assert response.code != "OK"
    text: Any = last_call(mock).near_miss["suggestion"]
    assert response.headers["X-Mock-Suggestion"] == text
    return str(text)


NAMED = "webhook_request_identifier="


#: Requests, and what makes each valid.
SUGGESTED = [
    # Where the parameters are.
    (Asked("GET", SHOW, (NUMBER_7,)), "add token=... from POST authentication/token"),
    (Asked("POST", RESEND, (("token", TOKEN),), {}),
     "move token from the query into the JSON body"),
    (Asked("GET", SHOW, (NUMBER_7,), headers={"Authorization": f"Bearer {TOKEN}"}),
     "send the token as the parameter token, not in a header"),
    (Asked("POST", RESEND, (NUMBER_7,)), "move the parameters from the query into a JSON body"),
    (post(RESEND, b"token=T&webhook_request_identifier=number=7"),
     "send the parameters as a JSON object, not as a form"),
    (get(RESEND), "use POST, with the parameters in the JSON body"),
    (post(SHOW), "use GET, with the parameters in the query"),
    # Who calls.
    (Asked("GET", SHOW, (("token", "x"), NUMBER_7)),
     "use token=... from a new login with POST authentication/token"),
    (post(LOGIN, {**RIGHT, "username": "a"}),
     'use "username": "mpadministrator", "organisation": "CRMDEMO", "password": "..." '
     "(the value of --password)"),
    (Asked("POST", KEY_LOGIN),
     "send the header Authorization: Basic base64(KEY:), with the key of --api-key"),
    # An identifier under another field or parameter, and its documented form.
    (get(SHOW), f"add {NAMED}number=..."),
    (show("7"), f"use {NAMED}number=7"),
    (show("name=7"), f"use {NAMED}number=7"),
    (show("nummer=99999999"), f"use {NAMED}number=99999999"),
    (show("id=7"), f"use {NAMED}number=7"),
    (get(SHOW, number="7"), f"add {NAMED}number=7"),
    (get(SHOW, webhook_request_identifer="number=99999999"), f"add {NAMED}number=99999999"),
    (show("number=7\t"), f"use {NAMED}number=7"),
    (show("number="), f"use {NAMED}number=..."),
    (resend(number=7), 'use "webhook_request_identifier": {"number": "7"}'),
    (resend(number="7", id="x"), 'use "webhook_request_identifier": {"number": "7"}'),
    (resend(nummer="7"), 'use "webhook_request_identifier": {"number": "7"}'),
    (post(DELETE, webhook_request_identifier="number=14"),
     'use "webhook_request_identifier": {"number": "14"}'),
    (get(LIST, workflow_rule_identifier="name=ACT DONE"),
     "use workflow_rule_identifier=alternative_code=ACT DONE"),
    # A value by its type, its spelling.
    (post(LOGIN, {**RIGHT, "unit": 7}), 'use "unit": "7"'),
    (get(LIST), "add entity=ACTIVITIES"),
    (get(LIST, entity="job"), "use entity=JOBS"),
    (get(LIST, entity="subscript"), "use entity=SUBSCRIPTIONS"),
    (get(LIST, entity="JOBS", life_cycle_state="rejected"), "use life_cycle_state=REJECTED"),
    (get("webhook_request/show"), "use GET webhook_requests/show"),
    (get("webhook_requests/resnd"), "use POST webhook_requests/resend"),
    # What a later release has.
    (get(LIST, entity="rewardoffers"),
     "use a server of R15.0.0 or later: start the mock with --release R15.0.0"),
    (get(LIST, entity="CONTACT"),
     "use a server of R15.0.0 or later: start the mock with --release R15.0.0"),
]  # fmt: skip
#: What else the caller means is anybody's guess.
NOT_GUESSED = [
    show("number=99999999"),
    resend(number="14"),
    get(LIST, webhook_definition_identifier="id=x"),
    get(LIST, entity="qqqqqq"),
    get(LIST, entity="JOBS", life_cycle_state="FAILED"),
    get(LIST, created_date="01/11/2026"),
    get("webhook_requests/update"),
    get("x"),
    post(RESEND, [{"token": TOKEN}]),
    show("number=7", fields_set="x"),
]


@pytest.fixture(name="mock", scope="module")
def _mock(make_mock: Any) -> Any:
    """A mock that refuses all that it is asked, so that nothing changes."""
    return make_mock("R13")


def test_a_frequent_mistake_gets_a_suggestion(mock: Any) -> None:
    """It is what makes the request valid, written as the caller would write it."""
    for asked, text in SUGGESTED:
        assert suggestion(mock, asked) == text, asked


def test_what_the_caller_means_is_not_guessed(mock: Any) -> None:
    """Another record, or any value that is allowed, is no remedy; the reason says what is."""
    for asked in NOT_GUESSED:
        assert "X-Mock-Suggestion" not in ask(mock, asked).headers, asked
        assert last_call(mock).near_miss["suggestion"] is None


def test_a_method_of_a_later_release_is_named_with_it(make_mock: Any) -> None:
    asked = post("authentication/token/release")
    assert "start the mock with --release R10" in suggestion(make_mock("R9"), asked)


@pytest.mark.parametrize("end", ["release", "expire"])
def test_for_a_token_that_is_over_another_is_suggested(make_mock: Any, end: str) -> None:
    mock = make_mock("R13")
    getattr(mock.world.tokens, end)(TOKEN)
    assert "from a new login" in suggestion(mock, show("number=7"))


def test_without_a_rejected_record_the_suggestion_names_none(make_mock: Any) -> None:
    mock = make_mock("R13")
    for body in mock.world.store.query(Query(states=frozenset({"REJECTED"}))):
        ask(mock, resend(number=json.loads(body)["number"]))
    assert "none is now" in suggestion(mock, resend(number="7"))
