"""Observe what logins return, and which tokens are valid."""

from collections.abc import Iterator

from crmcom_kit.contract_tests.checks.logins import check_login
from crmcom_kit.contract_tests.checks.sense import Sense
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.next.belief import Belief
from crmcom_kit.contract_tests.next.suspicions import Suspicion, at_once


def observe(exchange: Exchange, sense: Sense, belief: Belief) -> Iterator[str | Suspicion]:
    """Observe login.token.* and token_release.empty_answer; note which tokens are valid."""
    for each in check_login(exchange, sense, belief):  # type: ignore[arg-type]
        if isinstance(each, Violation):
            yield at_once(exchange, each.statement, each.expected, each.seen)
        else:
            yield each
