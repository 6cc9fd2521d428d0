"""Servers as users get them: default settings, the access log in a file, encoded requests."""

import shutil
from contextlib import ExitStack
from statistics import median

import click

from benchmarks.peers import peer_rows
from benchmarks.processes import NotMeasured, Server, load
from benchmarks.report import Plan, Section, number, ratio, spread
from benchmarks.rows import BARE, BARE_LOGGED, MIX, MOCK, NO_LOG, Row, own_rows, write_body

_MANY = 16
_Figures = dict[str, list[float]]  # by name, one for each round
#: In which points peers are compared: a name, the figure, its unit, whether more is better.
_POINTS = (
    ("show", "per_second", "requests/s", True),
    ("show", "cpu_us", "us CPU", False),
    ("show, one connection", "one_ms", "ms", False),
    ("memory under load", "mb", "MB", False),
)


def measure(plan: Plan) -> Section:
    """Start all servers, and visit each of them in every round. Raises NotMeasured."""
    if shutil.which("wrk") is None:
        msg = "wrk is not installed; it is in your system's packages"
        raise NotMeasured(msg)
    section = Section("Servers")
    body = write_body()
    rows = [*own_rows(), *peer_rows(body, section.missing)]
    found: dict[str, _Figures] = {}
    with ExitStack() as stack:
        servers = {row: stack.enter_context(Server(row.command, row.name)) for row in rows}
        for at in range(plan.rounds + 1):
            for row, server in list(servers.items()):
                try:
                    figures = _visit(row, server, plan, is_first=not at)
                except NotMeasured as error:
                    section.missing.append(f"{row.name} ({error})")
                    found.pop(row.name, None)
                    del servers[row]
                    continue
                click.echo(f"servers {at}/{plan.rounds} {row.name}: {figures['per_second']:.0f}/s")
                for name, value in figures.items() if at else ():  # the first visit warms up
                    found.setdefault(row.name, {}).setdefault(name, []).append(value)
    if any(name not in found for name in (MOCK, NO_LOG, BARE_LOGGED, BARE)):
        raise NotMeasured(", ".join(section.missing))
    _write(section, found, len(body))
    for row in servers:
        for what, name, unit, more in _POINTS if row.is_peer else ():
            ours, theirs = median(found[MOCK][name]), median(found[row.name][name])
            section.compare(what, ours, row.name, theirs, unit=unit, more_is_better=more)
    return section


def _visit(row: Row, server: Server, plan: Plan, *, is_first: bool) -> dict[str, float]:
    seconds = plan.pick(2, 1)
    if is_first:
        server.until_answer(row.target)
        # Compilers need a while to warm up, Java's the longest.
        seconds = plan.pick(8 if row.name.startswith("WireMock") else 2, 1)
    figures = load(server, row.target, connections=_MANY, seconds=seconds, script=row.script)
    one = load(server, row.target, connections=1, seconds=1, script=row.script)
    return {**figures, "one_ms": one["p50_ms"], "mb": server.memory_mb()}


def _write(section: Section, found: dict[str, _Figures], size: int) -> None:
    def of(name: str) -> float:
        return ratio(found[MOCK]["per_second"], found[name]["per_second"])

    section.lines += [
        f"`show` of one webhook request ({size:,} bytes), sent as httpx writes it; every server "
        "with its defaults, and what it logs in a file. The mock reaches "
        f"{of(BARE_LOGGED):.2f} of the throughput of a bare ASGI application on its server, and "
        f"{of(BARE):.2f} of that application's without a log. Its own log costs "
        f"{100 * (1 - of(NO_LOG)):.0f} % of the throughput.",
        "",
    ]
    columns = {
        "CPU us/request": "cpu_us", "p50 ms": "p50_ms", "p99 ms": "p99_ms",
        "p50 ms, one connection": "one_ms", "MB": "mb",
    }  # fmt: skip
    section.table(
        ("server", "requests/s", "mock, times as many", *columns),
        (
            (
                name,
                spread(figures["per_second"]),
                number(of(name)),
                *(number(median(figures[column])) for column in columns.values()),
            )
            for name, figures in found.items()
        ),
    )
    section.lines.append(
        f"{_MANY} connections unless it says one. *{MIX}*: of 32 requests 24 are shows, 4 lists "
        "of up to 45 webhook requests, 4 are refused."
    )
