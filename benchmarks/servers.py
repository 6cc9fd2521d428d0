"""Servers as users get them: default settings, the access log in a file, encoded requests."""

import shutil
from statistics import median

import click

from benchmarks.peers import peer_rows
from benchmarks.processes import NotMeasured, Server, load
from benchmarks.report import Plan, Section, number, ratio, spread
from benchmarks.rows import BARE, MIX, MOCK, NO_LOG, Row, own_rows, write_body

_MANY = 16
#: What is measured of a server, and compared with peers: all but the throughput is better if less.
_COLUMNS = {
    "per_second": "requests/s",
    "cpu_us": "CPU us/request",
    "p99_ms": "p99, ms",
    "one_ms": "p50 of one connection, ms",
    "start_ms": "first response, ms",
    "mb": "MB under load",
}


def measure(plan: Plan) -> Section:
    """Start and load every server in every round. Raises NotMeasured."""
    if shutil.which("wrk") is None:
        msg = "wrk is not installed; it is in your system's packages"
        raise NotMeasured(msg)
    section = Section("Servers")
    body = write_body()
    rows = {row.name: row for row in [*own_rows(), *peer_rows(body, section.missing)]}
    found: dict[str, dict[str, list[float]]] = {}
    for at in range(plan.rounds + 1):
        for row in list(rows.values()):
            click.echo(f"servers {at}/{plan.rounds} {row.name}", err=True)
            try:
                # The first round fills the file cache, so that a start does not wait for a disk.
                figures = _visit(row, plan, is_loaded=at > 0)
            except NotMeasured as error:
                section.missing.append(f"{row.name} ({error})")
                del rows[row.name]
                continue
            for column, value in figures.items() if at else ():
                found.setdefault(row.name, {}).setdefault(column, []).append(value)
    if any(name not in rows for name in (MOCK, NO_LOG, BARE)):
        raise NotMeasured(", ".join(section.missing))
    _write(section, {name: found[name] for name in rows}, len(body))
    for row in rows.values():
        for column, title in _COLUMNS.items() if row.is_peer else ():
            ours, theirs = median(found[MOCK][column]), median(found[row.name][column])
            is_throughput = column == "per_second"
            section.compare(title, ours, row.name, theirs, more_is_better=is_throughput)
    return section


def _visit(row: Row, plan: Plan, *, is_loaded: bool) -> dict[str, float]:
    with Server(row.command, row.name) as server:
        start_ms = server.until_response(row.target) * 1000
        if not is_loaded:
            return {}
        # Compilers need a while to warm up, Java's the longest.
        warming = plan.pick(8 if row.name.startswith("WireMock") else 2, 1)
        load(server, row.target, connections=_MANY, seconds=warming, script=row.script)
        seconds = plan.pick(2, 1)
        many = load(server, row.target, connections=_MANY, seconds=seconds, script=row.script)
        one = load(server, row.target, connections=1, seconds=1, script=row.script)
        return {
            **{column: many[column] for column in ("per_second", "cpu_us", "p99_ms")},
            "start_ms": start_ms,
            "one_ms": one["p50_ms"],
            "mb": server.memory_mb(),
        }


def _write(section: Section, samples: dict[str, dict[str, list[float]]], size: int) -> None:
    def times(column: str, name: str) -> float:
        return ratio(samples[MOCK][column], samples[name][column])

    section.lines += [
        f"`show` of one webhook request ({size:,} bytes) from {_MANY} connections. The mock takes "
        f"{times('cpu_us', BARE):.2f} times the CPU time of a bare ASGI application on the same "
        f"server. Its log costs {100 - 100 / times('cpu_us', NO_LOG):.0f} % of its CPU time.",
        "",
    ]
    throughput, *others = _COLUMNS
    section.table(
        (
            "server",
            _COLUMNS[throughput],
            "mock, times as many",
            *(_COLUMNS[column] for column in others),
        ),
        (
            (
                name,
                spread(figures[throughput]),
                number(times(throughput, name)),
                *(number(median(figures[column])) for column in others),
            )
            for name, figures in samples.items()
        ),
    )
    section.lines.append(
        f"*{MIX}*: of 32 requests 24 are shows, 4 are lists of up to 45 webhook requests, "
        "and 4 are refused."
    )
