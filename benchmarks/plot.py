"""The picture of growth: time and memory against the number of records."""

from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import Failed


def draw(growth: dict[str, Any], path: Path) -> None:
    """Draw what ``growth`` measured into a PNG. Raises Failed without matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        msg = "matplotlib is not installed: make bench installs it"
        raise Failed(msg) from None
    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (calls, starts, memories) = pyplot.subplots(1, 3, figsize=(15, 4.8))
    for kind, by_size in growth["times"].items():
        points = {
            int(size): median(one["us"] for one in turns if "us" in one)
            for size, turns in by_size.items()
            if any("us" in one for one in turns)
        }
        calls.plot(list(points), list(points.values()), marker="o", label=kind)
    calls.set(title="One call, in process", ylabel="CPU time, microseconds", yscale="log")
    calls.legend(fontsize=7, loc="upper left")
    seconds = {int(n): one["seconds"] for n, one in growth["start"].items() if "seconds" in one}
    starts.set(title="Start from a file, until the first answer", ylabel="seconds")
    grown = {int(n): one["bytes"] / 1_000_000 for n, one in growth["memory"].items()}
    memories.set(title="Resident memory of a world", ylabel="MB")
    for axes, points in ((starts, seconds), (memories, grown)):
        axes.plot(list(points), list(points.values()), marker="o")
        if points:
            axes.set_yscale("log")
    for axes in (calls, starts, memories):
        axes.set_xscale("log")
        axes.set_xlabel("records")
        axes.grid(visible=True, alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
