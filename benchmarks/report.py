"""RESULTS.md: what a part found, and in which points a peer is better."""

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.processes import ROOT

_PACKAGES = ("crmcom-kit", "uvicorn", "httptools", "Flask", "orjson", "Faker")


@dataclass(frozen=True, slots=True)
class Plan:
    """How thoroughly to measure."""

    rounds: int
    is_quick: bool

    def pick(self, whole: int, quick: int) -> int:
        """Return a size: ``quick`` in a quick run, else ``whole``."""
        return quick if self.is_quick else whole


@dataclass(slots=True)
class Section:
    """What a part found, in Markdown."""

    title: str
    lines: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)  # than a peer
    missing: list[str] = field(default_factory=list)

    def compare(
        self, what: str, ours: float, peer: str, theirs: float, *, unit: str, more_is_better: bool
    ) -> None:
        """Note that a peer is better in one point, if it is."""
        factor = theirs / ours if more_is_better else ours / theirs
        if factor > 1:
            text = f"{peer} {number(theirs)} {unit}, the mock {number(ours)} ({factor:.1f}x)"
            self.worse.append(f"{what}: {text}")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Add a table whose first column is text, and the others numbers."""
        rule = ["---", *["---:"] * (len(head) - 1)]
        self.lines += [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)] + [""]


def number(value: float) -> str:
    """Return a number with no more digits than were measured."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def spread(values: Sequence[float]) -> str:
    """Return the median with the smallest and the largest value."""
    if len(values) == 1:
        return number(values[0])
    return f"{number(median(values))} ({number(min(values))}–{number(max(values))})"  # noqa: RUF001


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Return the median of the rounds' own ratios."""
    return median(a / b for a, b in zip(over, under, strict=True))


def page(sections: Iterable[Section], plan: Plan, date: str, load_before: str) -> str:
    """Return RESULTS.md."""
    sections = list(sections)
    worse = [f"- {text}" for section in sections for text in section.worse]
    missing = [text for section in sections for text in section.missing]
    lines = [
        "# Results",
        "",
        "Written by `make bench`; [README.md](README.md) says how to read it.",
    ]
    if plan.is_quick:
        lines += ["", "**A quick run, to see that everything works: its figures mean little.**"]
    lines += ["", "## Where a peer is better", "", *(worse or ["Nowhere, in what was measured."])]
    if missing:
        lines += ["", f"Not measured: {', '.join(dict.fromkeys(missing))}."]
    for section in sections:
        lines += ["", f"## {section.title}", "", *section.lines]
    lines += ["", "## How it was measured", "", *_circumstances(plan, date, load_before)]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _circumstances(plan: Plan, date: str, load_before: str) -> list[str]:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    commit = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    found = subprocess.run(commit, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return [
        f"- {date}, commit {found.stdout.strip() or 'unknown'}, rounds: {plan.rounds}",
        f"- load average before {load_before}, after {load_average()}",
        f"- {names[0] if names else platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}",
        f"- {', '.join(f'{name} {version(name)}' for name in _PACKAGES)}",
    ]


def load_average() -> str:
    """Return the load averages of the last 1, 5 and 15 minutes."""
    return " ".join(f"{one:.2f}" for one in os.getloadavg())
