"""A violation as an exception, for tests of a user's own."""

from collections.abc import Sequence
from dataclasses import replace

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.oracle.findings import Broken, Violation, broken
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import one_line, request_line

#: The maximum number of bytes that are shown of a body.
MAX_BODY = 1_000


def exception(
    violation: Violation, calls: Sequence[Call], session: Session, note: str = ""
) -> Broken:
    """Return an exception that says what is broken, and has a line for each request in ``calls``.

    Secrets are redacted, also those of an application in this process: its log may be public.
    """
    redactor = ReportRedactor(replace(session.target, reset=None), session.client.history)
    lines = [
        f"{violation.statement} is broken by {violation.method}",
        f"  expected: {redactor.text(violation.expected)}",
        f"  seen: {redactor.text(violation.seen)}",
        f"  requests{f' ({note})' if note else ''}:",
        *(f"    {request_line(call, redactor, MAX_BODY)}" for call in calls),
    ]
    return broken(violation.statement)("\n".join(map(one_line, lines)))
