"""The report for people at a terminal: a table by method, then the violations with curl lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from crmcom_kit.contract_tests.findings import Verdict, counted
from crmcom_kit.contract_tests.reports.report import Entry, Report, amount, visible

_SIGNS = {
    Verdict.HOLDS: ("✓", "green"),
    Verdict.BROKEN: ("✗", "bold red"),
    Verdict.DEVIATES: ("~", "yellow"),
    Verdict.NOT_EXERCISED: ("·", "dim"),
}
_MAX_SHOWN = 3  # violations of one statement


@contextmanager
def progress() -> Iterator[Callable[[str], None] | None]:
    """Yield what shows a line about the run; None if standard error is no terminal."""
    console = Console(stderr=True)
    if not console.is_interactive:
        yield None
        return
    with console.status("") as status:
        yield lambda line: status.update(Text(line, no_wrap=True, overflow="ellipsis"))


def show(report: Report, console: Console, *, every: bool = False) -> None:
    """Print the report.

    Args:
        report: of the run.
        console: where to.
        every: also list the statements that hold and those that were not exercised.
    """
    results = report.results
    console.print(_table(report.document["statements"], every=every))
    for entry in report.failing:
        for text in _broken(entry):
            console.print(text, highlight=False, soft_wrap=True)
    lines = results.notes if every or results.trouble or not results.history else ()
    for line in (*map(report.text, lines), *closing(report)):
        console.print(Text(_line(line)), highlight=False, soft_wrap=True)


def _table(found: list[Entry], *, every: bool) -> Table:
    table = Table("", box=None, pad_edge=False, show_edge=False)
    table.add_column("Statement", overflow="fold")
    table.add_column("Evidence")
    table.add_column("Seen in")
    table.add_column("Details", overflow="fold")
    summed_up = {Verdict.HOLDS: 0, Verdict.NOT_EXERCISED: 0}
    for entry in found:
        verdict = Verdict(entry["verdict"])
        if not every and verdict in summed_up and not entry["stale"]:
            summed_up[verdict] += 1
            continue
        seen = entry["violations"][0]["seen"] if entry["violations"] else ""
        details = Text(_line(entry["why"] or seen), style="dim")
        sign = Text(*_SIGNS[verdict])
        table.add_row(sign, Text(entry["id"]), entry["evidence"], amount(entry), details)
    held, left_out = summed_up.values()
    said = ("holds" if held == 1 else "hold", f"{'was' if left_out == 1 else 'were'} not exercised")
    for (verdict, count), verb in zip(summed_up.items(), said, strict=True):
        if count:
            table.add_row(Text(*_SIGNS[verdict]), f"{counted(count, 'statement')} {verb}")
    return table


def _line(text: str) -> str:
    """Return ``text`` in one line, so that a server's text cannot pass for a line of the kit."""
    return visible(text).replace("\n", "\\n")


def _broken(entry: Entry) -> Iterator[Text]:
    yield Text("")
    yield Text(f"✗ {entry['id']}", style="bold red")
    yield Text(f"  {entry['text']}")
    yield Text(f"  Source:   {entry['source']} ({entry['evidence']})", style="dim")
    if entry["why"]:
        yield Text(_line(f"  Note:     {entry['why']}"))
    found = entry["violations"]
    for violation in found[:_MAX_SHOWN]:
        yield Text("\n".join(_facts(violation)))
        if violation["times"] > 1:
            yield Text(f"  Seen {violation['times']} times.", style="dim")
    if more := len(found[_MAX_SHOWN:]) + entry["more_violations"]:
        yield Text(f"  {counted(more, 'other kind')} of violation not shown.", style="dim")


def _facts(violation: dict[str, Any]) -> Iterator[str]:
    yield f"  Expected: {_line(violation['expected'])}"
    yield f"  Seen:     {_line(violation['seen'])}"
    yield from (visible(f"  {line}") for line in violation["curl"])


def closing(report: Report) -> Iterator[str]:
    """Yield the lines that sum a run up; the last one is its outcome."""
    document, counts = report.document, report.document["summary"]
    yield ""
    if document["changed"]:
        yield f"Changed webhook requests: {', '.join(document['changed'])}."
    if document["perhaps_changed"]:
        numbers = ", ".join(document["perhaps_changed"])
        yield f"Webhook requests that may have changed (no clear response): {numbers}."
    if document["inventory"]:
        yield document["inventory"]
    yield report.about_run
    yield from (f"{line}." for line in document["never_served"])
    for warning in map(report.text, report.results.warnings):
        yield f"{warning[:1].upper()}{warning[1:]}."
    yield (
        f"{counts['holds']} hold, {counts['broken']} broken, {counts['deviates']} deviate as "
        f"listed, {counts['not_exercised']} not exercised."
    )
    yield from report.coverage
    yield f"{report.outcome.upper()}: {report.headline}"
