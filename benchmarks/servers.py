"""Servers as users get them: default settings, the access log in a file, encoded requests."""

import shutil
from contextlib import ExitStack
from statistics import median

import click

from benchmarks.peers import peer_rows
from benchmarks.processes import Load, NotMeasured, Server, load
from benchmarks.report import Plan, Section, number, ratio, spread
from benchmarks.rows import (
    BARE,
    BARE_LOGGED,
    MIX,
    MOCK,
    NO_LOG,
    Row,
    own_rows,
    write_body,
)

_MANY = 16
_Visits = list[tuple[Load, Load]]  # with many connections, and with one


def measure(plan: Plan) -> Section:
    """Start all servers, and visit each of them in every round. Raises NotMeasured."""
    if shutil.which("wrk") is None:
        msg = "wrk is not installed; it is in your system's packages"
        raise NotMeasured(msg)
    section = Section("Servers")
    body = write_body()
    rows = [*own_rows(), *peer_rows(body, section.missing)]
    visits: dict[str, _Visits] = {}
    memory: dict[str, float] = {}
    seconds = plan.pick(2, 1)
    with ExitStack() as stack:
        running: list[tuple[Row, Server]] = []
        for row in rows:
            server = stack.enter_context(Server(row.command, row.name))
            try:
                server.until_answer(row.target)
                # Compilers need a while to warm up, Java's the longest.
                warm = plan.pick(8 if row.name.startswith("WireMock") else 2, 1)
                load(server, row.target, connections=_MANY, seconds=warm, script=row.script)
            except NotMeasured as error:
                section.missing.append(f"{row.name} ({error})")
            else:
                running.append((row, server))
        for at in range(plan.rounds):
            for row, server in running:
                many = load(
                    server, row.target, connections=_MANY, seconds=seconds, script=row.script
                )
                one = load(server, row.target, connections=1, seconds=1, script=row.script)
                visits.setdefault(row.name, []).append((many, one))
                memory[row.name] = server.memory_mb()
                click.echo(f"servers {at + 1}/{plan.rounds} {row.name}: {many.per_second:.0f}/s")
    _write(section, visits, memory, len(body))
    peers = [row.name for row, _ in running if row.is_peer]
    for peer in peers:
        _compare(section, peer, visits, memory)
    return section


def _many(visits: _Visits, what: str) -> list[float]:
    return [getattr(many, what) for many, _ in visits]


def _p50(visits: _Visits) -> list[float]:
    return [one.p50_ms for _, one in visits]


def _write(
    section: Section, visits: dict[str, _Visits], memory: dict[str, float], size: int
) -> None:
    mock = _many(visits[MOCK], "per_second")

    def of(name: str) -> float:
        return ratio(mock, _many(visits[name], "per_second"))

    section.lines += [
        f"`show` of one webhook request ({size:,} bytes), sent as httpx writes it; every server "
        "with its defaults, and what it logs in a file. The mock reaches "
        f"{of(BARE_LOGGED):.2f} of the throughput of a bare ASGI application on its server, and "
        f"{of(BARE):.2f} of that application's without a log. Its own log costs "
        f"{100 * (1 - of(NO_LOG)):.0f} % of the throughput.",
        "",
    ]
    head = (
        "server", "requests/s", "mock, times as many", "CPU us/request", "p50 ms", "p99 ms",
        "p50 ms, one connection", "MB",
    )  # fmt: skip
    section.table(
        head,
        (
            (
                name,
                spread(_many(found, "per_second")),
                number(of(name)),
                *(number(median(_many(found, what))) for what in ("cpu_us", "p50_ms", "p99_ms")),
                number(median(_p50(found))),
                number(memory[name]),
            )
            for name, found in visits.items()
        ),
    )
    section.lines.append(
        f"{_MANY} connections unless it says one. *{MIX}*: of 32 requests 24 are shows, 4 lists "
        "of up to 45 webhook requests, 4 are refused."
    )


def _compare(
    section: Section, peer: str, visits: dict[str, _Visits], memory: dict[str, float]
) -> None:
    for what, unit, more in (("per_second", "requests/s", True), ("cpu_us", "us CPU", False)):
        ours, theirs = (median(_many(visits[name], what)) for name in (MOCK, peer))
        section.compare("show", ours, peer, theirs, unit=unit, more_is_better=more)
    section.compare(
        "show, one connection", median(_p50(visits[MOCK])), peer, median(_p50(visits[peer])),
        unit="ms", more_is_better=False,
    )  # fmt: skip
    section.compare(
        "memory under load", memory[MOCK], peer, memory[peer], unit="MB", more_is_better=False
    )
