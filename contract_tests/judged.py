"""Judge requests of a user's own tests: what a run reports at its end is an exception here."""

from collections.abc import Iterable, Iterator, Sequence

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.planning import Plan
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.deviations import Deviation
from crmcom_kit.contract_tests.findings import Broken, Findings, Violation, broken
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import visible

#: So many bytes of a body are shown of a request.
MAX_BODY = 1_000


class Judgement(Findings):
    """What is found out in a test: the violations that no deviation explains are kept in order."""

    def __init__(self, deviations: Iterable[Deviation] = ()) -> None:
        """Start with nothing found."""
        super().__init__()
        self.violations: list[Violation] = []
        self._deviations = tuple(deviations)

    def broke(self, violation: Violation) -> None:
        """Note a violation."""
        super().broke(violation)
        if not any(
            listed.statement == violation.statement
            and listed.explains(violation.method, violation.seen)
            for listed in self._deviations
        ):
            self.violations.append(violation)


def few_looks(session: Session) -> Campaign:
    """Return a campaign that looks no more than it must around a change."""
    return Campaign(session, Plan({}, few_looks=True))


def settle(campaign: Campaign, *, confirms: bool) -> None:
    """Settle what is suspected.

    Without ``confirms`` the first hypothesis of each suspicion is true: nobody else is at work.
    """
    session = campaign.session
    if confirms:
        campaign.settle()
        return
    for suspicion in session.queue:
        session.findings.broke(suspicion.violation(suspicion.hypotheses[0]))
    session.queue.clear()


def exception(
    violation: Violation, calls: Sequence[Call], session: Session, note: str = ""
) -> Broken:
    """Return the exception that says what is broken, with the requests that show it, one a line.

    No secret is in it.
    """
    redactor = ReportRedactor(session.target, session.client.history)
    lines = [
        f"{violation.statement} is broken by {violation.method}",
        f"  expected: {redactor.text(violation.expected)}",
        f"  seen: {redactor.text(violation.seen)}",
        f"  requests{f' ({note})' if note else ''}:",
        *(f"    {line}" for line in request_lines(calls, redactor)),
    ]
    return broken(violation.statement)("\n".join(visible(line) for line in lines))


def request_lines(calls: Iterable[Call], redactor: ReportRedactor) -> Iterator[str]:
    """Yield a line for each request: verb, path with query, and body."""
    for call in calls:
        query = f"?{redactor.query(call.query)}" if call.query else ""
        body = f" {redactor.content(call.body, MAX_BODY)}" if call.body is not None else ""
        yield f"{call.verb} {redactor.text(call.path)}{query}{body}".replace("\n", "\\n")
