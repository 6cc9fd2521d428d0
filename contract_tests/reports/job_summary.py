"""The job summary: what a terminal shows, as Markdown for the page of a CI run."""

import io
import re

from rich.console import Console

from crmcom_kit.contract_tests.reports import terminal
from crmcom_kit.contract_tests.reports.report import Report
from crmcom_kit.contract_tests.results import Outcome

#: GitHub takes 1 MiB for each step of a job; a character has at most four bytes.
MAX_CHARACTERS = 250_000

_ICONS = {
    Outcome.PASSED: "✅",
    Outcome.BROKEN: "❌",
    Outcome.ERROR: "⚠️",
    Outcome.INCONCLUSIVE: "⚠️",
    Outcome.UNCONFIRMED: "⚠️",
}
_END = "\n… The rest did not fit: see the HTML or JSON report."


def written(report: Report) -> str:
    """Return the summary; what is too long for the page is cut."""
    out = io.StringIO()
    terminal.show(report, Console(file=out, color_system=None))
    text = out.getvalue().strip()
    if len(text) > MAX_CHARACTERS:
        text = text[:MAX_CHARACTERS] + _END
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    outcome = report.outcome
    return f"## {_ICONS[outcome]} crmcom-kit check: {outcome}\n\n{fence}text\n{text}\n{fence}\n"
