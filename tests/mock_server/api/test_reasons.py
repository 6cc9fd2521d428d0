"""Why a request is refused: the mock and the kit decide apart, and say it in the same words."""

import json
from typing import Any
from urllib.parse import quote

from helpers import recordings
from helpers.conversations import Conversation, exchange, request
from helpers.mistakes import DELETE, LIST, MISTAKES, TOKEN, Asked, ask, get, last_call, post, resend

from crmcom_kit.contract_tests.belief.tokens import TokenState
from crmcom_kit.contract_tests.oracle.expectations import expectation_of

BROKEN_TWICE = [
    *(
        MISTAKES[kind].asked
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
    ),
    resend(),
    resend(nummer="7"),
    get(LIST, webhook_definition_identifier="code=x"),
    get(LIST, entity="JOBS", life_cycle_state="FAILED"),
    post(DELETE, webhook_request_identifier={"id": "x"}),
]


def expected(conversation: Conversation, asked: Asked) -> str:
    """Return what is wrong with a request in the kit's words."""
    query = "&".join(f"{name}={quote(value, safe='=')}" for name, value in asked.query)
    body = None if asked.body is None else json.dumps(asked.body)
    made = request(asked.verb, f"{asked.path}?{query}", body)
    return expectation_of(exchange(made).call, conversation.belief).why


def test_mock_and_kit_give_the_same_reason(make_mock: Any) -> None:
    """In the journal, and in what a run expects that knows the mock's records."""
    mock = make_mock("R13")
    conversation = Conversation(recordings.listed([*mock.records().values()]))
    conversation.belief.tokens.note(TOKEN, TokenState.LIVE)
    for asked in BROKEN_TWICE:
        ask(mock, asked)
        reason = last_call(mock).near_miss["reason"]
        assert reason.startswith(f"{expected(conversation, asked)}; "), asked
