"""A violation is cut to the few requests that it rests on."""

from contextlib import suppress
from typing import Any

import pytest
from odd_servers.toolkit import Answer, Asked, Forward, Memory, wrapped

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.campaign.planning import Plan
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.shortening import fresh_oracle, shorten
from crmcom_kit.contract_tests.client.http import BudgetSpent, Limits
from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.run import new_session
from crmcom_kit.contract_tests.targets import Target, own_mock
from crmcom_kit.contract_tests.templates import all_templates


def session_on(target: Target, **limits: Any) -> Session:
    """A session that has sent nothing yet."""
    return new_session(target, RunConfig(limits=Limits(**limits)))


def found_by(session: Session) -> list[Violation]:
    """One violation of each statement that broke."""
    found = session.findings.by_statement.values()
    return [each.violations[0] for each in found if each.violations]


def a_delete_takes_the_next(asked: Asked, forward: Forward, _: Memory) -> Answer:
    """A delete by number takes the one with the next number as well."""
    answer = forward(asked)
    number = asked.identifier.get("number", "")
    if asked.method == "delete" and answer.ok and number.isdigit():
        forward(asked.naming(number=str(int(number) + 1)))
    return answer


@pytest.fixture(scope="module", name="checked")
def _checked() -> tuple[Session, Violation]:
    """A campaign against a server that deletes one too many, and what it found."""
    target = own_mock("R9", wrap=wrapped(a_delete_takes_the_next))
    session = session_on(target, max_requests=600)
    session.tokens.enter()
    discover(session, None)
    changes = [each for each in all_templates() if each.layer == "delete" and each.spends]
    plan = {each: 6 for each in all_templates() if each.layer == "read"}
    campaign = Campaign(session, Plan(plan | dict.fromkeys(changes, 6)))
    with suppress(BudgetSpent):
        campaign.run(0)
    found = [each for each in found_by(session) if each.statement == "delete.single_result"]
    assert found
    return session, found[0]


def test_a_violation_of_a_campaign_is_cut_to_what_it_rests_on(
    checked: tuple[Session, Violation],
) -> None:
    """Of some hundred requests the login is left, the delete, and a few looks."""
    session, violation = checked
    cut = shorten(violation, session.client.history, session)
    assert cut[-1] is violation.exchanges[-1]
    assert sorted(each.call.method for each in cut if each.call.method != "list") == [
        "delete", "token",
    ]  # fmt: skip
    assert len(cut) <= 6
    assert cut[-1].number > 100
    oracle = fresh_oracle(session)
    *before, last = [oracle.observe(each).suspicions for each in cut]
    assert not any(before)
    assert violation.statement in {one.statement for each in last for one in each.hypotheses}


def test_what_does_not_follow_from_the_log_is_left_as_it_is(
    checked: tuple[Session, Violation],
) -> None:
    """With a history that does not lead to it, a violation keeps its own exchanges."""
    session, violation = checked
    assert shorten(violation, session.client.history[:1], session) == violation.exchanges
