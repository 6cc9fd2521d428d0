"""Settle suspicions outside a run: violations in order, instead of verdicts."""

from collections.abc import Iterable

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.planning import Plan
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.options.deviations import Deviation
from crmcom_kit.contract_tests.oracle.findings import Findings, Violation

#: The plan of a campaign that looks as little as possible around a change.
FEW_LOOKS = Plan({}, few_looks=True)


class Judgement(Findings):
    """The findings of a test: violations that no deviation explains are kept in order."""

    def __init__(self, deviations: Iterable[Deviation] = ()) -> None:
        """Start with nothing found."""
        super().__init__()
        self.violations: list[Violation] = []
        self._deviations = tuple(deviations)

    def note_violation(self, violation: Violation) -> None:
        """Note a violation."""
        super().note_violation(violation)
        if not any(
            listed.statement == violation.statement
            and listed.explains(violation.method, violation.seen)
            for listed in self._deviations
        ):
            self.violations.append(violation)


def settle(campaign: Campaign, *, confirms: bool) -> None:
    """Settle all suspicions of a session.

    Without ``confirms``, the first hypothesis of each is taken for true: nobody else is at work.
    """
    session = campaign.session
    if confirms:
        campaign.settle()
        return
    for suspicion in session.queue:
        session.findings.note_violation(suspicion.violation(suspicion.hypotheses[0]))
    session.queue.clear()


def raise_what_is_wrong_in_the_kit(session: Session) -> None:
    """Raise RuntimeError if a check itself has failed: that says nothing of the server."""
    if session.findings.crashes:
        msg = f"an internal error of crmcom-kit: {'; '.join(session.findings.crashes)}"
        raise RuntimeError(msg)
