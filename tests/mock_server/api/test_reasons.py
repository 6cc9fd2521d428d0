"""Why a request is refused: the mock and the kit decide apart, and say it in the same words."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from helpers import recordings
from helpers.conversations import Conversation, exchange, request
from helpers.mistakes import (
    DELETE,
    LIST,
    MISTAKES,
    TOKEN,
    Asked,
    ask,
    get,
    last_call,
    post,
    resend,
)

from crmcom_kit.contract_tests.belief.tokens import TokenState
from crmcom_kit.contract_tests.oracle.expectations import expectation

BROKEN_TWICE = {
    **{
        kind: MISTAKES[kind].asked
        for kind in (
            "missing_token",
            "invalid_token",
            "wrong_credentials",
            "missing_parameter",
            "several_identifiers",
            "no_semi_optional",
            "unsupported_entity",
            "unknown_webhook_request",
            "not_rejected",
            "wrong_verb",
        )
    },
    "no identifier": resend(),
    "no such field": resend(nummer="7"),
    "no such field of list": get(LIST, webhook_definition_identifier="code=x"),
    "no such state": get(LIST, entity="JOBS", life_cycle_state="FAILED"),
    "no webhook request": post(DELETE, webhook_request_identifier={"id": "x"}),
}


def expected(mock: Any, asked: Asked) -> str:
    """Return what is wrong with a request in the kit's words, if it knows the mock's records."""
    conversation = Conversation(recordings.listed([*mock.records().values()]))
    conversation.belief.tokens.note(TOKEN, TokenState.LIVE)
    query = "&".join(f"{name}={quote(value, safe='=')}" for name, value in asked.query)
    body = None if asked.body is None else json.dumps(asked.body)
    made = request(asked.verb, f"{asked.path}?{query}", body)
    return expectation(exchange(made).call, conversation.belief).why


@pytest.mark.parametrize("asked", BROKEN_TWICE.values(), ids=BROKEN_TWICE)
def test_mock_and_kit_give_the_same_reason(make_mock: Any, asked: Asked) -> None:
    """In the journal, and in what a run expects."""
    mock = make_mock("R13")
    wrong = expected(mock, asked)
    ask(mock, asked)
    assert last_call(mock).near_miss["reason"].startswith(f"{wrong}; ")
