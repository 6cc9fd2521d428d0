"""A minute of everything at once: what breaks, how memory grows, how slow the slowest is."""

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from time import perf_counter
from typing import Any

import click

from benchmarks.load_client import Ask, Tally, drive
from benchmarks.loopback import HOST, ask, free_port
from benchmarks.options import SERVER_CORE, WORK, Options
from benchmarks.processes import Failed, Served, memory
from benchmarks.rows import BASE, SHOW, TOKEN, Row, mock_rows
from crmcom_kit.mock_server.world.factory import DEFAULT_CREDENTIALS
from crmcom_kit.schemas.statements import statements

CONNECTIONS = 64
_RELEASE = "R15"
_RESET_EVERY = 2.0
_SAMPLE_EVERY = 1.0
_NUMBERS = (4, 203)  # those of the sample world
_ENTITIES = ("ACTIVITIES", "JOBS", "INVOICES")
_IDENTIFIER = "webhook_request_identifier"
_SHOW = f"{BASE}/webhook_requests/show"
#: How often each kind of request is made, in a hundred.
MIX = {"show": 40, "list": 15, "resend": 15, "delete": 5, "login": 5, "error": 20}
#: The statements that explain why a request did not succeed, by kind; a wrong one never may.
EXPLAINED: dict[str, frozenset[str]] = {
    "show": frozenset({"show.identifier.known"}),
    "list": frozenset(),
    "resend": frozenset({"resend.only_rejected", "resend.identifier.known"}),
    "delete": frozenset({"delete.identifier.known"}),
    "login": frozenset(),
    "error": frozenset(one.id for one in statements()),
}
#: Targets of GETs that are wrong in one way each.
_WRONG = (
    f"{_SHOW}?{_IDENTIFIER}=number=7",
    f"{_SHOW}?token=wrong&{_IDENTIFIER}=number=7",
    f"{_SHOW}?token={TOKEN}&{_IDENTIFIER}=number=none",
    f"{_SHOW}?token={TOKEN}&{_IDENTIFIER}=number=7&{_IDENTIFIER}=id=1",
    f"{_SHOW}?token={TOKEN}",
    f"{BASE}/webhook_requests/list?token={TOKEN}",
    f"{BASE}/webhook_requests/list?token={TOKEN}&entity=NOTHING",
    f"{BASE}/webhook_requests/none?token={TOKEN}",
    f"{BASE}/webhook_requests/resend?token={TOKEN}",
)


def measure(options: Options) -> dict[str, Any]:
    """Load each server in turn, as users get it: with the fast lane, where there is one."""
    found_rows, missing = mock_rows(_RELEASE)
    # A server's first row is the one with the fast lane; a later one does not replace it.
    rows = {row.name.split(", ")[1]: row for row in reversed(found_rows)}.values()
    seconds = options.load_seconds
    found: dict[str, Any] = {}
    for row in rows:
        found[row.name] = _loaded(row, seconds)
        one = found[row.name]
        click.echo(
            f"load {row.name}: {one['requests']} requests, unexplained {one['unexplained']}, "
            f"p99 {one['p99_ms']:.1f} ms, memory {one['memory_mb'][0]:.1f} to "
            f"{one['memory_mb'][-1]:.1f} MB"
        )
    return {
        "seconds": seconds,
        "connections": CONNECTIONS,
        "mix": MIX,
        "missing": dict(missing),
        "rows": found,
    }


def _loaded(row: Row, seconds: int) -> dict[str, Any]:
    port = free_port()
    with Served(row.command(port), port=port, core=SERVER_CORE, log=WORK / "load.log") as server:
        server.first_answer(SHOW)
        tally, samples, resets = asyncio.run(_run(port, server.pid, seconds))
        said = server.said()
    times = sorted(tally.milliseconds)
    if not times:
        msg = f"{row.name}: no answer at all: {tally.unexplained.most_common(3)}"
        raise Failed(msg)
    return {
        "requests": tally.answers.total(),
        "answers": dict(tally.answers),
        "outcomes": dict(tally.outcomes.most_common()),
        "unexplained": dict(tally.unexplained.most_common(20)),
        "unexplained_total": tally.unexplained.total(),
        "tracebacks": said.count("Traceback"),
        "resets": resets,
        "memory_mb": samples,
        "p50_ms": times[len(times) // 2],
        "p99_ms": times[int(len(times) * 0.99)],
        "longest_ms": times[-1],
    }


async def _run(port: int, pid: int, seconds: int) -> tuple[Tally, list[float], int]:
    """Drive the load while resets happen and memory is sampled."""
    samples: list[float] = [memory(pid)]
    sampling = asyncio.create_task(_sample(pid, samples))
    resetting = asyncio.create_task(_reset(port, seconds))
    tally = await drive(
        port, _asker(), connections=CONNECTIONS, seconds=seconds, explained=EXPLAINED
    )
    sampling.cancel()
    with suppress(asyncio.CancelledError):
        await sampling
    samples.append(memory(pid))
    good, bad = await resetting
    if bad:
        tally.unexplained["reset"] += bad
    return tally, samples, good


async def _sample(pid: int, samples: list[float]) -> None:
    while True:
        await asyncio.sleep(_SAMPLE_EVERY)
        samples.append(memory(pid))


async def _reset(port: int, seconds: float) -> tuple[int, int]:
    """Reset the world now and then; return how many resets went well, and how many did not."""
    good = bad = 0
    until = perf_counter() + seconds - _RESET_EVERY
    while perf_counter() < until:
        await asyncio.sleep(_RESET_EVERY)
        try:
            reply = await asyncio.to_thread(ask, port, "/__admin/reset", verb="POST")
        except OSError:
            bad += 1
            continue
        good, bad = good + (reply.status == 200), bad + (reply.status != 200)
    return good, bad


def _asker() -> Ask:
    """Return what makes the next request from draws."""
    kinds, shares = list(MIX), list(accumulate(MIX.values()))

    def next_request(draws: random.Random) -> tuple[str, bytes]:
        kind = draws.choices(kinds, cum_weights=shares)[0]
        return kind, _request(kind, draws)

    return next_request


def _request(kind: str, draws: random.Random) -> bytes:
    number = str(draws.randint(*_NUMBERS))
    if kind == "show":
        return _get(f"{_SHOW}?token={TOKEN}&{_IDENTIFIER}=number={number}")
    if kind == "list":
        entity = draws.choice(_ENTITIES)
        return _get(
            f"{BASE}/webhook_requests/list?token={TOKEN}&entity={entity}&number_of_results=50"
        )
    if kind == "login":
        right = DEFAULT_CREDENTIALS
        members = {
            "username": right.username,
            "password": right.password,
            "organisation": right.organisation,
        }
        return _post(f"{BASE}/authentication/token", members)
    if kind == "error":
        return draws.choice(tuple(_wrong_requests()))
    return _post(
        f"{BASE}/webhook_requests/{kind}", {"token": TOKEN, _IDENTIFIER: {"number": number}}
    )


def _wrong_requests() -> Iterator[bytes]:
    yield from map(_get, _WRONG)
    yield _post(f"{BASE}/webhook_requests/resend", {"token": TOKEN})
    yield _post(f"{BASE}/webhook_requests/delete", {"token": TOKEN, _IDENTIFIER: "number=7"})
    yield _post(f"{BASE}/authentication/token", {"username": "nobody"})
    yield _raw(f"{BASE}/webhook_requests/resend", b'{"token": ')


def _get(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def _post(target: str, members: dict[str, Any]) -> bytes:
    return _raw(target, json.dumps(members).encode())


def _raw(target: str, body: bytes) -> bytes:
    head = f"POST {target} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
