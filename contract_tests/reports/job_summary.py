"""The job summary: Markdown for the page of a CI run, bounded in size."""

import re
from collections.abc import Iterator

from crmcom_kit.contract_tests.findings import Verdict, Violation
from crmcom_kit.contract_tests.reports.curl import curl
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.wording import (
    counted,
    coverage,
    headline,
    not_exercised,
    outcome,
    verdict_counts,
)
from crmcom_kit.contract_tests.results import Results, StatementResult

#: GitHub takes a summary of so many bytes for each step of a job.
MAX_BYTES = 1024 * 1024

_ICONS = {"passed": "✅", "failed": "❌", "error": "⚠️", "dry run": "💤"}
_MAX_CELL = 400  # characters
_MAX_CURL = 8_000  # characters
# What Markdown and HTML read as more than text: markup, links, names of people, emoji.
_SPECIAL = re.compile(r"[&<>|`*~\[\]\\@$#]|(?<!\w)_|_(?!\w)|:(?!\s)|(?<=www)\.", re.IGNORECASE)
_BREAKS = re.compile(r"\s+")


def written(results: Results, limit: int = MAX_BYTES) -> str:
    """Return the summary in at most ``limit`` bytes of UTF-8, without secrets."""
    redactor = ReportRedactor(results.target, results.history)
    end = "\n_The rest did not fit: see the HTML or JSON report._\n"
    text, room = "", limit - len(end.encode())
    for block in _blocks(results, redactor):
        size = len(block.encode("utf-8", "replace"))
        if size > room:
            return text + end if limit >= len(end.encode()) else ""
        text += block
        room -= size
    return text


def _blocks(results: Results, redactor: ReportRedactor) -> Iterator[str]:
    """Yield the parts of the summary, each of which may be the last one."""
    icon = _ICONS[outcome(results)]
    yield f"## {icon} crmcom-kit check: {_plain(redactor.text(headline(results)))}\n\n"
    target, release = redactor.text(results.target.name), results.target.release.name
    yield (
        f"{_plain(target)}, release {release}: {counted(len(results.history), 'request')} in "
        f"{results.seconds:.1f} s, seed {results.seed}.\n\n"
    )
    counts = verdict_counts(results)
    names = " | ".join(name.replace("_", " ") for name in counts)
    row = " | ".join(map(str, counts.values()))
    yield f"| {names} |\n{'|---:' * len(counts)}|\n| {row} |\n\n"
    yield from (f"{_plain(redactor.text(line))}\n" for line in coverage(results))
    yield from _broken(results, redactor)
    yield from _not_exercised(results, redactor)
    if results.command:
        yield f"\nRepeat it:\n\n{_code(redactor.text(results.command))}"


def _broken(results: Results, redactor: ReportRedactor) -> Iterator[str]:
    failing = [each for each in results.statements if each.verdict is Verdict.BROKEN or each.stale]
    if not failing:
        return
    yield "\n### Broken\n\n| Statement | Expected | Seen |\n|---|---|---|\n"
    for result in failing:
        about = f"{_plain(result.statement.id)}<br>{_plain(result.statement.text)}"
        for violation, times in result.distinct[:1]:
            again = f" ({times} times)" if times > 1 else ""
            expected, seen = redactor.text(violation.expected), redactor.text(violation.seen)
            yield f"| {about} | {_plain(expected)} | {_plain(seen)}{again} |\n"
        if not result.violations:
            yield f"| {about} | | {_plain(redactor.text(result.why))} |\n"
    yield "\n"
    for result in failing:
        for violation, _ in result.distinct[:1]:
            yield _curl(result, violation, results, redactor)


def _curl(
    result: StatementResult, violation: Violation, results: Results, redactor: ReportRedactor
) -> str:
    lines = "\n".join(curl(call, results.target, redactor) for call in violation.calls)
    if not lines:
        return ""
    shown = _code(lines) if len(lines) <= _MAX_CURL else "Too long: see the JSON report.\n"
    name = _plain(result.statement.id)
    return f"<details><summary>curl: {name}</summary>\n\n{shown}\n</details>\n"


def _not_exercised(results: Results, redactor: ReportRedactor) -> Iterator[str]:
    groups = not_exercised(results)
    if not groups:
        return
    number = sum(len(group.statements) for group in groups)
    yield f"\n<details><summary>{counted(number, 'statement')} not exercised, and why</summary>\n\n"
    for group in groups:
        names = ", ".join(map(_plain, group.statements))
        yield f"- {_plain(redactor.text(group.why))}: {names}\n"
    yield "\n</details>\n"


def _plain(text: str) -> str:
    """Return ``text`` in one line that Markdown shows as it is, cut if it is long."""
    line = _BREAKS.sub(" ", text)
    line = line if len(line) <= _MAX_CELL else f"{line[:_MAX_CELL]}…"
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", line)


def _code(text: str) -> str:
    """Return ``text`` as a block of code; the fence is longer than any in the text."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}sh\n{text}\n{fence}\n"
