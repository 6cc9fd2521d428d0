"""The job summary: what a terminal shows, as Markdown for the page of a CI run."""

import io
import re

from rich.console import Console

from crmcom_kit.contract_tests.reports import terminal
from crmcom_kit.contract_tests.reports.report import Report

#: GitHub takes a summary of so many bytes for each step of a job.
MAX_BYTES = 1024 * 1024

_ICONS = {"passed": "✅", "unconfirmed": "⚠️", "failed": "❌", "error": "⚠️", "dry run": "💤"}
_END = "\n… The rest did not fit: see the HTML or JSON report."


def written(report: Report, limit: int = MAX_BYTES) -> str:
    """Return the summary in at most ``limit`` bytes of UTF-8, or "" if these are too few."""
    out = io.StringIO()
    terminal.show(report, Console(file=out, color_system=None))
    text = out.getvalue().strip()
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    head = f"## {_ICONS[report.outcome]} crmcom-kit check: {report.outcome}\n\n{fence}text\n"
    tail = f"\n{fence}\n"
    room = limit - len(f"{head}{tail}".encode())
    content = text.encode("utf-8", "replace")
    if len(content) > room:
        content = content[: max(0, room - len(_END.encode()))]
        text = content.decode("utf-8", "ignore") + _END
    whole = f"{head}{text}{tail}"
    return whole if len(whole.encode("utf-8", "replace")) <= limit else ""
