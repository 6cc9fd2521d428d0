"""Larger worlds: what a call costs, how long a file takes to load, and memory."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from time import perf_counter

import click
import orjson

from benchmarks.in_process import RELEASE, check, cost, get, numbers, resend
from benchmarks.processes import WORK, Server, run
from benchmarks.report import Plan, Section, spread
from benchmarks.rows import KIT, TOKEN, mock_command, show, target
from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.protocol.request import Request

_SIZES = (1_000, 10_000, 100_000)
_QUICK_SIZES = (1_000, 10_000)
_LOAD = "`serve --data` to READY, s"
_CALLS = 50
_PAGE = {"number_of_results": 20, "offset": 0}


def measure(plan: Plan) -> Section:
    """Hold the worlds of all sizes at the same time, and visit each of them in every round."""
    sizes = _QUICK_SIZES if plan.is_quick else _SIZES
    WORK.mkdir(exist_ok=True)
    found: dict[str, dict[int, list[float]]] = {}
    worlds = {}
    for size in sizes:
        path = WORK / f"world-{size}.jsonl"
        command = [*KIT, "fixtures", "--kind", "world", "--release", RELEASE]
        run([*command, "--count", str(size), "--out", str(path)])
        for name, value in _loaded(path).items():
            found.setdefault(name, {})[size] = [value]
        world = make_world(release=RELEASE, data=path, tokens=[TOKEN])
        began = perf_counter()
        dispatch(world, get(target("list", entity="JOBS", **_PAGE)))
        took = (perf_counter() - began) * 1000
        found.setdefault("first list of a start, ms", {})[size] = [took]
        worlds[size] = (world, _rows(path))
        for requests in worlds[size][1].values():
            check(world, requests[0])
        click.echo(f"growth: {size:,} loaded")
    for _ in range(plan.rounds):
        for size, (world, rows) in worlds.items():
            world.reset()
            for name, requests in rows.items():
                dispatch(world, requests[0])  # whatever the first one after a reset has to build
                took = cost(world, requests[1:])
                found.setdefault(f"{name}, us", {}).setdefault(size, []).append(took)
    section = Section("Growth")
    section.lines += ["CPU time of a call in process; a page is 20 webhook requests.", ""]
    section.table(
        ("", *(f"{size:,}" for size in sizes)),
        ([name, *(spread(by_size[size]) for size in sizes)] for name, by_size in found.items()),
    )
    return section


def _loaded(path: Path) -> dict[str, float]:
    """Return how long a server takes to start from a file, and its memory then."""
    options = ("--release", RELEASE, "--data", str(path))
    with Server(lambda port: mock_command(port, *options), "load") as server:
        return {_LOAD: server.until_ready(), "memory then, MB": server.memory_mb()}


def _rows(path: Path) -> dict[str, list[Request]]:
    with path.open("rb") as lines:
        entries = [orjson.loads(line) for line in islice(lines, 1_000)]
    rejected = numbers(entries, "REJECTED", 2 * _CALLS)

    def repeated(make: Callable[[], Request]) -> list[Request]:
        return [make() for _ in range(_CALLS)]

    def listed(**filters: str) -> list[Request]:
        return repeated(lambda: get(target("list", **filters, **_PAGE)))

    return {
        "show": [get(show(int(one))) for one in rejected],
        "page of one filter": listed(entity="JOBS"),
        "page of two filters": listed(entity="JOBS", life_cycle_state="REJECTED"),
        "page of a url that nothing has": listed(entity="JOBS", url="http://none.example/")[:5],
        "resend": [resend(one) for one in rejected],
    }
