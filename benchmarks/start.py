"""From the start of a process to its first answer, and the memory it then holds."""

from time import sleep
from typing import Any

import click

from benchmarks.loopback import free_port
from benchmarks.options import Options
from benchmarks.peers import JSON_SERVER, PRISM, peer_rows
from benchmarks.processes import Failed, memory
from benchmarks.rows import Row, bare_rows, mock_rows
from benchmarks.servers import served, write_body

_PEERS = (PRISM, JSON_SERVER)


def measure(options: Options) -> dict[str, Any]:
    """Start every row in every round; one start of each before that warms the file cache."""
    body = write_body()
    (mocks, missing), (bare, more), (peers, most) = mock_rows(), bare_rows(), peer_rows(body)
    rows = [*mocks, *bare, *(row for row in peers if row.name in _PEERS)]
    absent = [*missing, *more, *(one for one in most if one.name in _PEERS)]
    visits: dict[str, list[dict[str, Any]]] = {row.name: [] for row in rows}
    for at in range(options.rounds * (1 if options.quick else 2) + 1):
        for row in rows:
            try:
                visit: dict[str, Any] = _visit(row, is_mock=row in mocks)
            except (Failed, OSError) as error:
                visit = {"failed": str(error)}
            if at:
                visits[row.name].append(visit)
    for name, found in visits.items():
        best = min((one["first_ms"] for one in found if "first_ms" in one), default=None)
        click.echo(f"start {name}: {best or 0:.0f} ms at best")
    return {"missing": dict(absent), "visits": visits}


def _visit(row: Row, *, is_mock: bool) -> dict[str, float]:
    port = free_port()
    found: dict[str, float] = {}
    with served(row, port) as server:
        if is_mock:
            found["ready_ms"] = server.first_line("READY") * 1000
        found["first_ms"] = server.first_answer(row.target) * 1000
        sleep(0.3)
        found["idle_mb"] = memory(server.pid)
    return found
