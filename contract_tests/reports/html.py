"""The HTML report: one self-contained file, readable on a phone and without JavaScript."""

from pathlib import Path

from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.reports.json_report import document
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.wording import (
    amount,
    coverage,
    headline,
    not_exercised,
    outcome,
)
from crmcom_kit.contract_tests.results import Results

_TEMPLATE = Path(__file__).with_name("report.html")
_MAX_BODY = 4_000  # bytes; the JSON report has more
_MAX_OPEN = 3  # statements; if more are broken, all are folded


def written(results: Results) -> str:
    """Return the page."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    redactor = ReportRedactor(results.target, results.history)
    report = document(results, max_body=_MAX_BODY)
    shown = [each for each in report["statements"] if each["violations"] or each["stale"]]
    # What makes the run fail comes first.
    shown.sort(key=lambda each: each["verdict"] != Verdict.BROKEN and not each["stale"])
    return template.render(
        **report,
        outcome=outcome(results),
        headline=redactor.text(headline(results)),
        coverage=[redactor.text(line) for line in coverage(results)],
        shown=shown,
        opens=len(shown) <= _MAX_OPEN,
        left_out=[group._replace(why=redactor.text(group.why)) for group in not_exercised(results)],
        amounts={each.statement.id: amount(each) for each in results.statements},
        verdicts=list(map(str, Verdict)),
    )
