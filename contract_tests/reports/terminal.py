"""The report for people at a terminal: a table by method, then the violations with curl lines."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from crmcom_kit.contract_tests.findings import Verdict, Violation
from crmcom_kit.contract_tests.reports.curl import curl
from crmcom_kit.contract_tests.reports.redaction import ReportRedactor
from crmcom_kit.contract_tests.reports.wording import (
    amount,
    counted,
    coverage,
    headline,
    outcome,
    verdict_counts,
    was,
)
from crmcom_kit.contract_tests.results import Results, StatementResult

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

_SIGNS = {
    Verdict.HOLDS: ("✓", "green"),
    Verdict.BROKEN: ("✗", "bold red"),
    Verdict.DEVIATES: ("~", "yellow"),
    Verdict.NOT_EXERCISED: ("·", "dim"),
    Verdict.ERROR: ("!", "magenta"),
}
_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MAX_SHOWN = 3  # violations of one statement


def show(results: Results, console: "Console", *, every: bool = False) -> None:
    """Print the report.

    Args:
        results: of the run.
        console: where to.
        every: also list the statements that hold and those that were not exercised.
    """
    from rich.markup import escape

    redactor = ReportRedactor(results.target, results.history)
    console.print(_table(results.statements, redactor, every=every))
    for result in results.statements:
        if result.verdict is Verdict.BROKEN or result.stale:
            for line in _broken(result, results, redactor):
                console.print(line, highlight=False, soft_wrap=True)
    for note in results.notes if every or results.trouble or not results.history else ():
        console.print(escape(_line(redactor.text(note))), highlight=False, soft_wrap=True)
    for line in closing(results):
        console.print(escape(_line(redactor.text(line))), highlight=False, soft_wrap=True)


def _table(found: Iterable[StatementResult], redactor: ReportRedactor, *, every: bool) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("")
    table.add_column("Statement", overflow="fold")
    table.add_column("Evidence")
    table.add_column("Seen in")
    table.add_column("Details", overflow="fold")
    summed_up = {Verdict.HOLDS: 0, Verdict.NOT_EXERCISED: 0}
    for result in found:
        if not every and result.verdict in summed_up and not result.stale:
            summed_up[result.verdict] += 1
            continue
        table.add_row(*_cells(result, redactor))
    said = {Verdict.HOLDS: "hold" if summed_up[Verdict.HOLDS] != 1 else "holds"}
    said[Verdict.NOT_EXERCISED] = f"{was(summed_up[Verdict.NOT_EXERCISED])} not exercised"
    for verdict, count in summed_up.items():
        if count:
            sign, style = _SIGNS[verdict]
            text = f"{counted(count, 'statement')} {said[verdict]}"
            table.add_row(f"[{style}]{sign}[/]", text, "", "", "")
    return table


def _plain(text: str) -> str:
    """Return ``text`` with control and other unprintable characters as escapes."""
    return _UNPRINTABLE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _line(text: str) -> str:
    """Return ``text`` in one line, so that a server's text cannot pass for a line of the kit."""
    return _plain(text).replace("\n", "\\n")


def _cells(result: StatementResult, redactor: ReportRedactor) -> "tuple[RenderableType, ...]":
    from rich.text import Text

    sign, style = _SIGNS[result.verdict]
    about = result.statement
    why = result.why or ("" if not result.violations else str(result.violations[0].seen))
    return (
        Text(sign, style=style),
        Text(about.id),
        about.evidence,
        amount(result),
        Text(_line(redactor.text(why)), style="dim"),
    )


def _broken(
    result: StatementResult, results: Results, redactor: ReportRedactor
) -> "Iterable[RenderableType]":
    from rich.text import Text

    about = result.statement
    yield Text("")
    yield Text(f"✗ {about.id}", style="bold red")
    yield Text(f"  {about.text}")
    yield Text(f"  Source:   {about.source} ({about.evidence})", style="dim")
    if result.why:
        yield Text(_line(f"  Note:     {redactor.text(result.why)}"))
    found = result.distinct
    for violation, times in found[:_MAX_SHOWN]:
        yield Text(_facts(violation, results, redactor))
        if times > 1:
            yield Text(f"  Seen {times} times.", style="dim")
    if more := len(found[_MAX_SHOWN:]) + result.unlisted:
        yield Text(f"  {counted(more, 'other kind')} of violation not shown.", style="dim")


def _facts(violation: Violation, results: Results, redactor: ReportRedactor) -> str:
    facts = {"Expected:": violation.expected, "Seen:": violation.seen}
    lines = [f"  {name:<10}{_line(redactor.text(text))}" for name, text in facts.items()]
    lines += [_plain(f"  {curl(call, results.target, redactor)}") for call in violation.calls]
    return "\n".join(lines)


def closing(results: Results) -> Iterable[str]:
    """Yield the lines that sum a run up; the last one is its outcome."""
    yield ""
    if results.changed:
        yield f"Changed webhook requests: {', '.join(results.changed)}."
    if results.unclear:
        numbers = ", ".join(results.unclear)
        yield f"Webhook requests that may have changed (no clear response): {numbers}."
    if results.inventory:
        yield results.inventory
    yield (
        f"{results.target.name}, release {results.target.release.name}: "
        f"{counted(len(results.history), 'request')} in {results.seconds:.1f} s, "
        f"seed {results.seed}."
    )
    for warning in results.warnings:
        yield f"{warning[:1].upper()}{warning[1:]}."
    counts = verdict_counts(results)
    yield (
        f"{counts['holds']} hold, {counts['broken']} broken, {counts['deviates']} deviate as "
        f"listed, {counts['not_exercised']} not exercised, {counts['error']} errors."
    )
    yield from coverage(results)
    yield f"{outcome(results).upper()}: {headline(results)}"


def show_statistics(results: Results, console: "Console") -> None:
    """Print how many calls of each method were made, and how many of them were served."""
    from rich.table import Table

    counts: dict[str, list[int]] = {}
    seconds: dict[str, float] = {}
    for exchange in results.history:
        name = exchange.call.method or "other paths"
        count = counts.setdefault(name, [0, 0])
        count[0 if exchange.ok else 1] += 1
        seconds[name] = seconds.get(name, 0.0) + exchange.seconds
    table = Table(box=None, pad_edge=False)
    table.add_column("Method")
    for title in ("OK", "Errors", "ms per call"):
        table.add_column(title, justify="right")
    for name, (served, refused) in sorted(counts.items()):
        mean = f"{seconds[name] * 1000 / (served + refused):.1f}"
        table.add_row(name, str(served), str(refused), mean)
    console.print(table)
