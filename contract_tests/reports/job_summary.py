"""The job summary: Markdown for the page of a CI run, bounded in size."""

import re
from collections.abc import Iterator

from crmcom_kit.contract_tests.findings import Verdict, counted
from crmcom_kit.contract_tests.reports.report import Entry, Report, repeated, visible

#: GitHub takes a summary of so many bytes for each step of a job.
MAX_BYTES = 1024 * 1024

_ICONS = {"passed": "✅", "failed": "❌", "error": "⚠️", "dry run": "💤"}
_MAX_CELL = 400  # characters
_MAX_SCRIPT = 8_000  # characters
# What Markdown and HTML read as more than text: markup, links, names of people, emoji.
_SPECIAL = re.compile(r"[&<>|`*~\[\]\\@$#]|(?<!\w)_|_(?!\w)|:(?!\s)|(?<=www)\.", re.IGNORECASE)
_BREAKS = re.compile(r"\s+")


def written(report: Report, limit: int = MAX_BYTES) -> str:
    """Return the summary in at most ``limit`` bytes of UTF-8."""
    end = "\n_The rest did not fit: see the HTML or JSON report._\n"
    text, room = "", limit - len(end.encode())
    for block in _blocks(report):
        size = len(block.encode("utf-8", "replace"))
        if size > room:
            return text + end if limit >= len(end.encode()) else ""
        text += block
        room -= size
    return text


def _blocks(report: Report) -> Iterator[str]:
    """Yield the parts of the summary, each of which may be the last one."""
    yield f"## {_ICONS[report.outcome]} crmcom-kit check: {_plain(report.headline)}\n\n"
    yield f"{_plain(report.about_run)}\n\n"
    yield from (f"**{_plain(line)}.**\n\n" for line in report.document["never_served"])
    counts = {str(verdict): report.document["summary"][verdict] for verdict in Verdict}
    names = " | ".join(name.replace("_", " ") for name in counts)
    row = " | ".join(map(str, counts.values()))
    yield f"| {names} |\n{'|---:' * len(counts)}|\n| {row} |\n\n"
    yield f"{_plain(report.coverage)}\n"
    if failing := report.failing:
        yield "\n### Broken\n\n| Statement | Expected | Seen |\n|---|---|---|\n"
        yield from map(_row, failing)
        yield "\n"
        yield from map(_script, failing)
    yield from _not_exercised(report)
    if command := report.document["run"]["command"]:
        yield f"\nRepeat it:\n\n{_code(command)}"


def _row(entry: Entry) -> str:
    expected, seen = "", _plain(entry["why"])
    for violation in entry["violations"][:1]:
        again = repeated(violation)
        expected, seen = _plain(violation["expected"]), _plain(violation["seen"])
        seen += f" ({again})" if again else ""
    return f"| {_plain(entry['id'])}<br>{_plain(entry['text'])} | {expected} | {seen} |\n"


def _script(entry: Entry) -> str:
    script = "".join(violation["script"] for violation in entry["violations"][:1])
    if not script:
        return ""
    shown = _code(script) if len(script) <= _MAX_SCRIPT else "Too long: see the JSON report.\n"
    return f"<details><summary>Script: {_plain(entry['id'])}</summary>\n\n{shown}\n</details>\n"


def _not_exercised(report: Report) -> Iterator[str]:
    groups = report.not_exercised
    if not groups:
        return
    number = counted(sum(len(ids) for _, ids in groups), "statement")
    yield f"\n<details><summary>{number} not exercised, and why</summary>\n\n"
    for why, ids in groups:
        yield f"- {_plain(why)}: {', '.join(map(_plain, ids))}\n"
    yield "\n</details>\n"


def _plain(text: str) -> str:
    """Return ``text`` in one line that Markdown shows as it is, cut if it is long."""
    line = visible(_BREAKS.sub(" ", text))
    line = line if len(line) <= _MAX_CELL else f"{line[:_MAX_CELL]}…"
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", line)


def _code(text: str) -> str:
    """Return ``text`` as a block of code; the fence is longer than any in the text."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}sh\n{visible(text)}\n{fence}\n"
