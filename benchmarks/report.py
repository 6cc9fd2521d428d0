"""RESULTS.md, written from the raw data and nothing else."""

from statistics import median
from typing import Any

from benchmarks import tables
from benchmarks.tables import Lines, spread, table
from benchmarks.targets import TARGETS, Judged

_PARTS = {
    "servers": ("Servers", tables.servers),
    "inprocess": ("In process", tables.in_process),
    "start": ("Start and idle memory", tables.start),
    "store": ("The store", tables.stores),
    "fixtures": ("Generated data", tables.generated),
    "growth": ("Growth", tables.growth),
    "load": ("Under load", tables.load),
    "kit": ("The contract kit", tables.contract_kit),
    "plugin": ("The pytest plugin", tables.pytest_plugin),
    "worlds": ("Worlds", tables.worlds),
}
_DIGITS = {"bytes": 0, "answers": 0, "us": 1, "MB": 1, "ms": 1}


def written(data: dict[str, Any]) -> str:
    """Return RESULTS.md."""
    parts = {name: run["found"] for name, run in data["parts"].items()}
    lines = [
        "# Results",
        "",
        "Written by `make bench`; README.md beside this file says how to read it, and "
        "results.json has every round. The machine is shared: only ratios within one run mean "
        "anything, and a difference of less than a quarter is noise.",
        "",
        "## Targets",
        "",
        *_targets(parts),
    ]
    for name, (title, make) in _PARTS.items():
        if name in parts:
            lines += ["", f"## {title}", "", *make(parts[name]), *_missing(parts[name])]
    lines += ["", "## How it was measured", "", *_circumstances(data)]
    return "\n".join(lines) + "\n"


def _targets(parts: dict[str, Any]) -> Lines:
    judged = [target.judged(parts) for target in TARGETS]
    measured = [one for one in judged if one.values]
    rest = [one for one in judged if not one.values]
    met = sum(one.verdict == "met" for one in measured)
    head = ("what", "compared with", "target", "measured: median (span)", "verdict")
    lines = [
        f"{met} of {len(measured)} measured targets are met. A ratio is the median of the rounds' "
        "own ratios.",
        "",
        *table(head, map(_target, measured), numbers=False),
    ]
    if rest:
        lines += ["", f"{len(rest)} targets are not measured:", "", *map(_unmeasured, rest)]
    return lines


def _unmeasured(one: Judged) -> str:
    than = f" ({one.target.than})" if one.target.than else ""
    return f"- {one.target.what}{than}: {one.reason}"


def _target(one: Judged) -> list[str]:
    target = one.target
    sense = "at least" if target.sense == ">=" else "at most"
    limit = f"{sense} {target.limit:,g}{_unit(target.unit)}"
    value = spread(one.values, _digits(one)) + _unit(target.unit)
    return [target.what, target.than, limit, value, one.verdict]


def _unit(unit: str) -> str:
    return "x" if unit == "x" else f" {unit}"


def _digits(one: Judged) -> int:
    if one.target.unit != "x":
        return _DIGITS[one.target.unit]
    return 1 if median(one.values) >= 10 else 2


def _missing(part: Any) -> Lines:
    missing = part.get("missing", {})
    if not missing:
        return []
    return ["", "Not measured:", "", *(f"- {name}: {why}" for name, why in missing.items())]


def _circumstances(data: dict[str, Any]) -> Lines:
    made_with: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for name, run in data["parts"].items():
        made_with.setdefault(tuple(run["made_with"].items()), []).append(name)
    lines: Lines = []
    for pairs, names in made_with.items():
        lines += [f"{', '.join(names)}:", "", *(f"- {key}: {text}" for key, text in pairs), ""]
    lines += ["Each part is one interleaved run: every round visits every row.", ""]
    lines += table(
        ("part", "when", "commit", "command", "rounds", "load average before", "after"),
        (
            [name, run["when"], run["commit"], f"`{run['command']}`", str(run["rounds"]),
             run["load_before"], run["load_after"]]
            for name, run in data["parts"].items()
        ),
        numbers=False,
    )  # fmt: skip
    commands = data["parts"].get("servers", {}).get("found", {}).get("commands", {})
    if commands:
        lines += [
            "",
            "Servers ran on core 0 (`taskset -c 0`), the load on core 1: "
            "`wrk -t1 -c16 -d2s --latency URL`, then `-c1 -d1s`. The command lines:",
            "",
            "```",
            *(f"# {name}\n{command}" for name, command in commands.items()),
            "```",
        ]
    return lines
