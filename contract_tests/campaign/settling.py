"""Settle suspicions outside a run: violations in order, instead of verdicts."""

from collections.abc import Iterable

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.planning import Plan
from crmcom_kit.contract_tests.options.deviations import Deviation
from crmcom_kit.contract_tests.oracle.findings import Findings, Violation

#: The plan of a campaign that looks as little as possible around a change.
FEW_LOOKS = Plan({}, few_looks=True)


class FindingsOfTest(Findings):
    """The findings of a test: violations that no deviation explains are kept in order."""

    def __init__(self, deviations: Iterable[Deviation] = ()) -> None:
        """Start with nothing found."""
        super().__init__()
        self.violations: list[Violation] = []
        self._deviations = tuple(deviations)

    def note_violation(self, violation: Violation) -> None:
        """Note a violation."""
        super().note_violation(violation)
        if not is_listed(violation, self._deviations):
            self.violations.append(violation)

    def clear(self) -> None:
        """Drop what other requests have shown."""
        self.by_statement.clear()
        self.crashes.clear()
        self.violations.clear()


def is_listed(violation: Violation, deviations: Iterable[Deviation]) -> bool:
    """Return whether one of the deviations explains a violation."""
    cause = violation.statement, violation.method, violation.seen
    return any(deviation.explains(*cause) for deviation in deviations)


def settle(campaign: Campaign, *, confirms: bool) -> None:
    """Settle all suspicions of a session.

    Without ``confirms``, the first hypothesis of each is taken for true: nobody else is at work.

    Raises:
        RuntimeError: a check itself has failed, which says nothing of the server.
    """
    session = campaign.session
    if confirms:
        campaign.settle()
    else:
        for suspicion in session.queue:
            session.findings.note_violation(suspicion.violation(suspicion.hypotheses[0]))
        session.queue.clear()
    if session.findings.crashes:
        msg = f"an internal error of crmcom-kit: {'; '.join(session.findings.crashes)}"
        raise RuntimeError(msg)
