"""Servers over loopback: show from 16 connections and from one, start, memory, CPU time."""

import shutil
from time import sleep
from typing import Any

import click

from benchmarks.loopback import ask, free_port
from benchmarks.options import SERVER_CORE, WORK, Options
from benchmarks.peers import peer_rows
from benchmarks.processes import Failed, Served, memory
from benchmarks.rows import (
    BODY_FILE,
    SHOW,
    Missing,
    Row,
    bare_rows,
    mock_command,
    mock_rows,
    no_journal_rows,
)
from benchmarks.wrk import load


def write_body() -> bytes:
    """Ask the mock for SHOW, keep the answer for the others to repeat, and return it."""
    port = free_port()
    command = mock_command(port)
    with Served(command, port=port, core=SERVER_CORE, log=WORK / "server.log") as server:
        server.first_answer(SHOW)
        body = ask(port, SHOW).body
    if b'"OK"' not in body:
        msg = f"the mock answers {body[:300]!r} to {SHOW}"
        raise Failed(msg)
    BODY_FILE.write_bytes(body)
    return body


def all_rows(body: bytes) -> tuple[list[Row], list[Missing]]:
    """Return every row that can be measured here, and those that cannot."""
    found = [mock_rows(), no_journal_rows(), bare_rows(), peer_rows(body)]
    return [row for rows, _ in found for row in rows], [m for _, ms in found for m in ms]


def measure(options: Options) -> dict[str, Any]:
    """Visit every row in every round."""
    if shutil.which("wrk") is None:
        msg = "wrk is not installed: make bench-peers, or your system's package wrk"
        raise Failed(msg)
    body = write_body()
    rows, missing = all_rows(body)
    visits: dict[str, list[dict[str, Any]]] = {row.name: [] for row in rows}
    for at in range(options.rounds):
        for row in rows:
            try:
                visit = _visit(row, body, options)
            except (Failed, OSError) as error:
                visit = {"failed": str(error)}
            visits[row.name].append(visit)
            click.echo(f"servers {at + 1}/{options.rounds} {row.name}: {_said(visit)}")
    return {
        "answer_bytes": len(body),
        "commands": {row.name: " ".join(row.command(8080)) for row in rows},
        "missing": dict(missing),
        "visits": visits,
    }


def served(row: Row, port: int) -> Served:
    """Return the server of a row, to be started on its own core."""
    return Served(
        row.command(port),
        port=port,
        core=SERVER_CORE,
        log=WORK / "server.log",
        environment=row.environment,
    )


def _visit(row: Row, body: bytes, options: Options) -> dict[str, Any]:
    """Start a server, ask it, and stop it."""
    port = free_port()
    ready, status = row.ready or (row.target, 200)
    with served(row, port) as server:
        started = server.first_answer(ready, status=status)
        if row.prepare is not None:
            row.prepare(port)
        sleep(0.2)
        idle = memory(server.pid)
        reply = ask(port, row.target)
        if reply.status != 200 or len(reply.body) < len(body):
            msg = f"{row.target}: {reply.status} {reply.body[:200]!r}"
            raise Failed(msg)
        warm = min(row.warm_seconds, 2) if options.quick else row.warm_seconds
        load(port, row.target, server.pid, connections=16, seconds=warm)
        many = load(port, row.target, server.pid, connections=16, seconds=options.wrk_seconds)
        one = load(port, row.target, server.pid, connections=1, seconds=1)
        return {
            "start_ms": started * 1000,
            "idle_mb": idle,
            "after_mb": memory(server.pid),
            "answer_bytes": len(reply.body),
            "c16": many.as_dict(),
            "c1": one.as_dict(),
        }


def _said(visit: dict[str, Any]) -> str:
    if "failed" in visit:
        return f"failed: {visit['failed']}"
    many = visit["c16"]
    return (
        f"{many['requests_per_second']:.0f} requests/s, {many['cpu_us']:.0f} us CPU, "
        f"p99 {many['p99_ms']:.2f} ms, start {visit['start_ms']:.0f} ms, {visit['idle_mb']:.0f} MB"
    )
