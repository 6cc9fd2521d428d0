"""How the kit finds webhook requests, and what is in scope."""

from dataclasses import replace
from typing import Any

import pytest
from helpers.far import NAME, remote

from crmcom_kit.contract_tests.campaign.discovery import PAGE, discover
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client import http
from crmcom_kit.contract_tests.client.made_up import NO_TOKEN
from crmcom_kit.contract_tests.client.targets import own_mock
from crmcom_kit.contract_tests.options.scope import EVERYTHING, Scope
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.run import new_session
from crmcom_kit.contract_tests.templates import all_templates

BOTH = frozenset(("resend", "delete"))


def kit_for(release: str, scope: Any = None) -> Session:
    """Return a session that has logged in to a mock, as to somebody else's server."""
    allowed = BOTH if scope else frozenset()
    config = RunConfig(allowed=allowed, scope=scope)
    session = new_session(replace(own_mock(release), reset=None), config)
    session.tokens.enter()
    return session


def lists(session: Session) -> list[dict[str, Any]]:
    """Return the parameters of each list that was called with a real token, without that."""
    calls = (e.call.parameters for e in session.client.history if e.call.method == "list")
    return [
        {name: value for name, value in parameters.items() if name != "token"}
        for parameters in calls
        if parameters["token"] != NO_TOKEN
    ]


def test_a_list_that_is_too_long_is_narrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By state, and from R13 on by pages."""
    monkeypatch.setattr(http, "MAX_RESPONSE", 4_000)
    session = new_session(remote("R15")[0], RunConfig())
    session.tokens.enter()

    discover(session)

    narrow = [parameters for parameters in lists(session) if "life_cycle_state" in parameters]
    assert narrow
    assert all(parameters["number_of_results"] == str(PAGE) for parameters in narrow)
    assert session.belief.records.condensed


def test_discovery_begins_in_the_scope() -> None:
    scope = Scope(definition=NAME)
    session = kit_for("R15", scope)
    discover(session)
    assert lists(session)[0] == {"webhook_definition_identifier": {"name": scope.definition}}
    assert all(record in scope for record in [*session.belief.records.condensed.values()][:4])

    numbered = kit_for("R15", Scope(numbers=frozenset({"1", "2"})))
    discover(numbered)
    shown = [e.call.parameters for e in numbered.client.history if e.call.method == "show"]
    identifiers = [parameters["webhook_request_identifier"] for parameters in shown]
    assert identifiers == [{"number": "1"}, {"number": "2"}]


@pytest.mark.parametrize("release", ["R10", "R18"])
def test_the_first_pass_has_room_for_each_undocumented_request(release: str) -> None:
    session = kit_for(release, EVERYTHING)
    discover(session)
    odd = [template for template in all_templates() if template.is_undocumented]

    assert len(odd) >= 5
    for template in odd:
        assert len(template.choices(session.scene)) <= template.first, template


def test_all_that_a_scope_gives_must_fit() -> None:
    """Without any limit nothing is in scope."""
    record = {"id": "A", "number": "7", "webhook_definition": {"id": "D", "name": "N"}}
    for scope, fits in (
        (Scope(), False),
        (Scope(everything=True), True),
        (Scope(definition="N"), True),
        (Scope(definition="D"), False),
        (Scope(numbers=frozenset({"7", "8"})), True),
        (Scope(numbers=frozenset({"8"})), False),
        (Scope(definition="N", numbers=frozenset({"8"})), False),
    ):
        assert (record in scope) is fits
