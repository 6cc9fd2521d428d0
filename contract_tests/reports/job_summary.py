"""The summary of a CI job as Markdown, and annotations of what fails."""

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console

from crmcom_kit.contract_tests.reports import terminal
from crmcom_kit.contract_tests.reports.report import Report, first_failure, visible
from crmcom_kit.contract_tests.run.results import Outcome
from crmcom_kit.output import open_private

#: GitHub takes 1 MiB for each step of a job; a character has up to four bytes.
MAX_CHARACTERS = 250_000
#: GitHub shows ten errors of a step.
MAX_ANNOTATIONS = 10
_MAX_MESSAGE = 1_000  # characters

_ICONS = {Outcome.PASSED: "✅", Outcome.BROKEN: "❌"}
_END = "\n… The rest did not fit: see the HTML or JSON report."


def render(report: Report) -> str:
    """Return the summary; what is too long for the page is cut."""
    out = io.StringIO()
    terminal.show(report, Console(file=out, color_system=None))
    text = out.getvalue().strip()
    if len(text) > MAX_CHARACTERS:
        text = text[:MAX_CHARACTERS] + _END
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    outcome, icon = report.results.outcome, _ICONS.get(report.results.outcome, "⚠️")
    return f"## {icon} crmcom-kit check: {outcome}\n\n{fence}text\n{text}\n{fence}\n"


def append(report: Report, path: Path) -> None:
    """Append the summary to a file. Raises OSError."""
    with open(path, "a", encoding="utf-8", errors="replace", opener=open_private) as file:
        file.write(render(report))


def annotations(report: Report, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield GitHub workflow commands for the outcome of a run that fails, and for each reason.

    ``environment`` has GitHub's variables, which give the URL of the run.
    """
    if not report.results.exit_code:
        return
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environment.get(name, "") for name in names)
    link = f"\nReport: {server}/{repository}/actions/runs/{run}" if run else ""
    reasons = [
        (entry["id"], f"{entry['text']}\n{first_failure(entry)}") for entry in report.failing
    ]
    client = report.document["client"]
    reasons += [
        (f"client: {mistake['statement']}", f"{mistake['text']}\n{mistake['mistake']}")
        for mistake in (client["mistakes"] if client is not None else ())
    ]
    yield _error(f"crmcom-kit check: {report.results.outcome.upper()}", f"{report.headline}{link}")
    for title, message in reasons[: MAX_ANNOTATIONS - 1]:
        yield _error(title, f"{message[:_MAX_MESSAGE]}{link}")


def _error(title: str, message: str) -> str:
    """Return the command; characters that could end it or begin another one are escaped."""
    text = visible(message).replace("%", "%25").replace("\n", "%0A")
    return f"::error title={title.replace(':', '%3A')}::{text}"
