"""The report for a terminal: what is broken, with scripts, and the outcome of the run."""

import io
import re
import sys
from collections.abc import Iterable, Iterator
from io import TextIOWrapper

from rich.console import Console
from rich.text import Text

from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.oracle.client_mistakes import RemarkKind
from crmcom_kit.contract_tests.oracle.findings import Verdict
from crmcom_kit.contract_tests.reports.report import (
    Entry,
    Report,
    amount,
    failure_details,
    mistake_details,
    one_line,
)
from crmcom_kit.output import open_private

_MAX_SHOWN = 3  # causes of one statement


#: GitHub takes 1 MiB for the summary of a step; a character has up to four bytes.
MAX_SUMMARY = 250_000
_END = "\n… The rest did not fit: see the HTML or JSON report."


def append_summary(report: Report, path: str) -> None:
    """Append the report to the summary of a CI job, which is Markdown. Raises OSError."""
    with open(path, "a", encoding="utf-8", errors="replace", opener=open_private) as file:
        file.write(summary(report))


def summary(report: Report) -> str:
    """Return the report as a block of code; what is too long is cut."""
    out = io.StringIO()
    show(report, Console(file=out, color_system=None))
    text = out.getvalue().strip()
    if len(text) > MAX_SUMMARY:
        text = text[:MAX_SUMMARY] + _END
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}\n"


def on_stdout() -> Console:
    """Return a console that writes to standard output."""

    class Terminal(Console):
        def on_broken_pipe(self) -> None:
            raise  # noqa: PLE0704 - the error that is handled here; rich would exit with 1

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal has every sign
    return Terminal()


def show(report: Report, console: Console) -> None:
    """Print what is wrong or deviates, and the summary; all statements are in HTML and JSON."""
    results = report.results
    _print([Text(one_line(outcome_line(report)))], console)
    texts = [*_client_mistakes(report.document["client"])]
    texts += _deviations(report.document["statements"])
    for entry in report.failing:
        texts += [Text(""), Text(f"✗ {entry['id']}", style="bold red")]
        texts += [Text(f"  {line}") for line in failure_details(entry, _MAX_SHOWN)]
    lines = results.notes if results.trouble else ()
    texts += [Text(one_line(line)) for line in (*map(report.text, lines), *summary_lines(report))]
    _print(texts if str(texts[0]) else texts[1:], console)


def _print(texts: Iterable[Text], console: Console) -> None:
    for text in texts:
        console.print(text, highlight=False, soft_wrap=True)


def _deviations(entries: list[Entry]) -> Iterator[Text]:
    """Yield a line for each statement that deviates as listed."""
    width = max((len(entry["id"]) for entry in entries), default=0)
    for entry in entries:
        if Verdict(entry["verdict"]) is Verdict.DEVIATES:
            seen = entry["violations"][0]["seen"] if entry["violations"] else ""
            columns = [entry["evidence"].ljust(10), amount(entry).ljust(13), entry["why"] or seen]
            line = f" {entry['id'].ljust(width)}  {'  '.join(columns)}".rstrip()
            yield Text.assemble(("~", "yellow"), one_line(line))


def _client_mistakes(client: Entry | None) -> Iterator[Text]:
    """Yield the mistakes of a client; the notes are in HTML and JSON."""
    for mistake in client["mistakes"] if client is not None else ():
        yield Text("")
        heading = f"client: {mistake['statement']}, {mistake['method']}"
        kind = f" ({mistake['kind']})" if mistake["kind"] != RemarkKind.MISTAKE else ""
        yield Text(f"✗ {one_line(heading)}{kind}", style="bold red")
        yield from (Text(f"  {line}") for line in mistake_details(mistake))


def summary_lines(report: Report) -> Iterator[str]:
    """Yield the lines that sum up a run; the last one is the outcome."""
    document, counts = report.document, report.document["summary"]
    target, run = document["target"], document["run"]
    yield ""
    if document["changed"]:
        yield f"Webhook requests that were or may be changed: {', '.join(document['changed'])}."
    if document["inventory"]:
        yield document["inventory"]
    yield (
        f"{target['name']}, release {target['release']}: {counted(counts['requests'], 'request')} "
        f"in {run['seconds']:.1f} s, seed {run['seed']}."
    )
    yield from (f"{line}." for line in document["never_served"])
    if document["client"] is not None:
        yield _client_summary(document["client"])
    for warning in map(report.text, report.results.warnings):
        yield f"{warning[:1].upper()}{warning[1:]}."
    if document["statements"]:
        yield (
            f"{counts['holds']} hold, {counts['broken']} broken, {counts['deviates']} deviate as "
            f"listed, {counts['not_exercised']} not exercised."
        )
    yield outcome_line(report)


def _client_summary(client: Entry) -> str:
    """Return a sentence on the requests of a client."""
    parts = [
        f"Client: {counted(client['requests'], 'request')} read",
        counted(len(client["mistakes"]), "mistake"),
    ]
    if client["expected"]:
        parts.append(counted(client["expected"], "expected refusal"))
    if client["notes"]:
        notes = counted(len(client["notes"]), "note")
        parts.append(f"{notes} on what the documents leave open (--html shows them)")
    return f"{', '.join(parts)}."


def outcome_line(report: Report) -> str:
    """Return the line with the outcome: the first one of the report, and the last."""
    return f"{report.results.outcome.upper()}: {report.headline}"
