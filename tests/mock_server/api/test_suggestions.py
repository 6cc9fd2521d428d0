"""Each refused request gets the smallest change that makes it valid, and it does."""

import json
from typing import Any

import pytest
from helpers.asking import Asker
from helpers.mistakes import (
    LOGIN,
    MISTAKES,
    NOT_MECHANICAL,
    ODD,
    RIGHT,
    SHOW,
    Asked,
    post,
    resend,
    show,
)

from crmcom_kit.mock_server.protocol.response import Change
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.schemas import load_dialect

ASKER = Asker()


def fresh() -> Asker:
    """Return an asker whose world is as it was at the start."""
    ASKER.world.reset()
    return ASKER


def hold(asker: Asker, kind: str, asked: Asked, text: str) -> tuple[Change, ...]:
    """The request is refused with that kind and suggestion; return its changes."""
    answer = asker.ask(asked)
    told = asker.told()
    assert told.error is not None, answer.get_data(as_text=True)
    assert told.error.kind == kind
    suggestion = told.entry.response.suggestion
    assert text in suggestion.text
    assert answer.headers["X-Mock-Suggestion"].startswith(suggestion.text[:390].replace("…", "?"))
    assert told.near_miss["suggestion"] is not None
    assert len(told.near_miss["changes"]) == len(suggestion.changes)
    return tuple(suggestion.changes)


@pytest.mark.parametrize(("kind", "asked", "text"), MISTAKES)
def test_a_corrected_call_succeeds(kind: str, asked: Asked, text: str) -> None:
    """A request with one mistake gets a suggestion, and its changes make it valid."""
    asker = fresh()
    for change in hold(asker, kind, asked, text):
        asked = asked.changed(change)
    answer = asker.ask(asked)
    assert answer.json["status"]["code"] == "OK", answer.json
    assert "X-Mock-Suggestion" not in answer.headers


@pytest.mark.parametrize(("kind", "changes", "asked", "text"), ODD)
def test_a_corrected_call_succeeds_in_its_dialect(
    kind: str, changes: dict[str, Any], asked: Asked, text: str
) -> None:
    """The suggestion for what a dial refuses follows that dial."""
    asker = Asker(dialect=load_dialect().changed(changes))
    for change in hold(asker, kind, asked, text):
        asked = asked.changed(change)
    assert asker.ask(asked).json["status"]["code"] == "OK"


@pytest.mark.parametrize(("kind", "release", "changes", "asked", "text"), NOT_MECHANICAL)
def test_what_no_change_corrects_is_said(
    kind: str, release: str, changes: dict[str, Any], asked: Asked, text: str
) -> None:
    """If the mock must be started otherwise, or time must pass, the suggestion says so."""
    asker = Asker(release, load_dialect().changed(changes))
    assert hold(asker, kind, asked, text) == ()


def test_tokens_that_are_over_are_corrected_by_another() -> None:
    """Expired and released tokens get the suggestion of a new login."""
    asker = Asker("R10")
    for kind, end in (
        ("released_token", asker.world.tokens.release),
        ("expired_token", asker.world.tokens.expire),
    ):
        token = asker.ask(post(LOGIN, RIGHT)).json["data"]["token"]
        end(token)
        asked = Asked("GET", SHOW, (("token", token), ("webhook_request_identifier", "number=7")))
        (change,) = hold(asker, kind, asked, "from a new login")
        assert asker.ask(asked.changed(change)).json["status"]["code"] == "OK"


def test_a_resend_that_nothing_can_be_resent_for_is_told_so() -> None:
    """Where no record is REJECTED any more, the suggestion says that."""
    asker = Asker()
    for body in asker.world.store.query(Query(states=frozenset({"REJECTED"}))):
        number = json.loads(body)["number"]
        assert asker.ask(resend(number=number)).json["status"]["code"] == "OK"
    assert hold(asker, "not_rejected", resend(number="7"), "no webhook request is REJECTED") == ()


def test_an_empty_world_has_no_record_to_name() -> None:
    """Without any record there is no other one to suggest."""
    asker = Asker(data=())
    asked = show("number=7")
    assert hold(asker, "unknown_webhook_request", asked, "create one first") == ()
