"""What a part found, and RESULTS.md, which says first where a peer is better."""

import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.processes import ROOT

_PACKAGES = ("crmcom-kit", "uvicorn", "httptools", "Flask", "orjson")
#: The load average before a run from which on the machine has other work.
_BUSY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How thoroughly to measure."""

    is_quick: bool

    def pick(self, whole: int, quick: int) -> int:
        """Return a size: ``quick`` in a quick run, else ``whole``."""
        return quick if self.is_quick else whole

    @property
    def rounds(self) -> int:
        """How often every row is visited."""
        return self.pick(5, 1)

    def visit(self, rows: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
        """Measure every row once in every round; return the values by row."""
        found: dict[str, list[float]] = {name: [] for name in rows}
        for _ in range(self.rounds):
            for name, measure in rows.items():
                found[name].append(measure())
        return found


@dataclass(slots=True)
class Section:
    """What a part found, in Markdown."""

    title: str
    lines: list[str] = field(default_factory=list)
    worse: list[tuple[float, str]] = field(default_factory=list)  # than a peer, and how much
    missing: list[str] = field(default_factory=list)

    def compare(
        self, what: str, ours: float, peer: str, theirs: float, *, more_is_better: bool
    ) -> None:
        """Note that a peer is better in one point, if it is."""
        factor = theirs / ours if more_is_better else ours / theirs
        if factor > 1:
            text = f"{what}: {peer} {number(theirs)}, ours {number(ours)} ({factor:.2f}x)"
            self.worse.append((factor, text))

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


def page(
    sections: Sequence[Section], plan: Plan, began: datetime, load_before: Sequence[float]
) -> str:
    """Return RESULTS.md."""
    doubts = ["in a quick run"] if plan.is_quick else []
    doubts += ["on a busy machine"] if load_before[0] > _BUSY else []
    worse = sorted((one for section in sections for one in section.worse), reverse=True)
    missing = dict.fromkeys(text for section in sections for text in section.missing)
    lines = ["# Results", ""]
    if doubts:
        lines += [f"**Measured {' '.join(doubts)}: these figures mean little.**", ""]
    lines += ["Written by `make bench`; [README.md](README.md) says how to read it.", ""]
    lines += ["## Where a peer is better", ""]
    lines += [f"- {text}" for _, text in worse] or ["Nowhere, in what was measured."]
    if missing:
        lines += ["", f"Not measured: {', '.join(missing)}."]
    for section in sections:
        lines += ["", f"## {section.title}", "", *section.lines]
    lines += ["", "## How it was measured", "", *_circumstances(began, load_before)]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _circumstances(began: datetime, load_before: Sequence[float]) -> list[str]:
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    commit = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    described = subprocess.run(commit, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    loads = [
        " ".join(f"{load:.2f}" for load in averages) for averages in (load_before, os.getloadavg())
    ]
    return [
        f"- {began:%Y-%m-%d %H:%M} UTC, commit {described.stdout.strip() or 'unknown'}",
        f"- load average before {loads[0]}, after {loads[1]}",
        f"- {models[0] if models else platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}",
        f"- {', '.join(f'{name} {version(name)}' for name in _PACKAGES)}",
    ]
