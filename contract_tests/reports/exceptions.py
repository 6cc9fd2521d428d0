"""A violation as an exception, for tests of a user's own."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.oracle.findings import Broken, Violation, broken
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.report import visible

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
        *(f"    {line}" for line in request_lines(calls, redactor)),
    ]
    return broken(violation.statement)("\n".join(visible(line) for line in lines))


def request_lines(calls: Iterable[Call], redactor: ReportRedactor) -> Iterator[str]:
    """Yield a line for each request: verb, path with query, and body."""
    for call in calls:
        query = f"?{redactor.query(call.query)}" if call.query else ""
        body = f" {redactor.content(call.body, MAX_BODY)}" if call.body is not None else ""
        yield f"{call.verb} {redactor.text(call.path)}{query}{body}".replace("\n", "\\n")
