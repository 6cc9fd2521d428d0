"""Calls without a server, and loading a world, in worlds of 1,000 to 100,000 webhook requests."""

from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from time import process_time

import click
import orjson

from benchmarks.processes import KIT, WORK, NotMeasured, Server, run
from benchmarks.report import Plan, Section, spread
from benchmarks.rows import TOKEN, mock_command, show, target
from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import API_PATH

_RELEASE = "R15"  # whose lists have pages
_CALLS = 200
_PAGE = {"number_of_results": 20, "offset": 0}
_REFUSED = "show, refused token"


def measure(plan: Plan) -> Section:
    """Hold the worlds of all sizes at the same time, and visit each of them in every round."""
    sizes = (1_000, 10_000) if plan.is_quick else (1_000, 10_000, 100_000)
    loaded = dict[str, list[str]]()
    rows = {}
    for size in sizes:
        path = _world_file(size)
        world = make_world(release=_RELEASE, data=path, tokens=[TOKEN])
        requests = _requests(path)
        for name, value in _load(path).items():
            loaded.setdefault(name, []).append(spread([value]))
        for name, calls in requests.items():
            _check(world, calls[0], is_refused=name == _REFUSED)
            rows[f"{size} {name}"] = partial(_cost, world, calls)
        click.echo(f"calls: {size:,} loaded", err=True)
    samples = plan.visit(rows)
    section = Section("Calls in process, and larger worlds")
    section.lines += [
        "By the number of webhook requests in the world. Of a call it is the CPU time in us, its "
        "journal entry included; a list returns a page of 20.",
        "",
    ]
    section.table(
        ("", *(f"{size:,}" for size in sizes)),
        [
            *([f"{name}, us", *(spread(samples[f"{size} {name}"]) for size in sizes)]
              for name in requests),
            *([name, *values] for name, values in loaded.items()),
        ],
    )  # fmt: skip
    return section


def _world_file(size: int) -> Path:
    path = WORK / f"world-{size}.jsonl"
    command = [*KIT, "fixtures", "--kind", "world", "--release", _RELEASE]
    run([*command, "--count", str(size), "--out", str(path)])
    return path


def _load(path: Path) -> dict[str, float]:
    """Return how long a server takes to start from a file, and its memory then."""
    options = ("--release", _RELEASE, "--data", str(path))
    with Server(mock_command(*options), "load") as server:
        return {"`serve --data` to READY, s": server.until_ready(), "MB then": server.memory_mb()}


def _requests(path: Path) -> dict[str, list[Request]]:
    """Return the requests of each row; the first one of a row is not measured."""
    with path.open("rb") as lines:
        entries = [orjson.loads(line) for line in islice(lines, 2_000)]
    records = [
        entry["webhook_request"]["record"] for entry in entries if "webhook_request" in entry
    ]
    rejected = [record["number"] for record in records if record["life_cycle_state"] == "REJECTED"]
    numbers = rejected[: _CALLS + 1]

    def listed(**filters: str) -> list[Request]:
        return [_get(target("list", **filters, **_PAGE)) for _ in numbers]

    return {
        "show": [_get(show(int(number))) for number in numbers],
        _REFUSED: [_get(show(int(number), token="wrong")) for number in numbers],
        "list by one filter": listed(entity="JOBS"),
        "list by two filters": listed(entity="JOBS", life_cycle_state="REJECTED"),
        "list by a url that nothing has": listed(entity="JOBS", url="http://none.example/")[:6],
        "resend": [_resend(number) for number in numbers],
    }


def _get(uri: str) -> Request:
    path, _, query = uri.removeprefix(f"{API_PATH}/").partition("?")
    return Request("GET", path, query.encode(), client="127.0.0.1")


def _resend(number: str) -> Request:
    body = orjson.dumps({"token": TOKEN, "webhook_request_identifier": {"number": number}})
    path, content_type = "webhook_requests/resend", "application/json"
    return Request("POST", path, body=body, content_type=content_type, client="127.0.0.1")


def _check(world: World, request: Request, *, is_refused: bool = False) -> None:
    """Raise NotMeasured if a request has another outcome than its row's name says."""
    error = dispatch(world, request).error
    if (error is not None) is not is_refused:
        msg = f"{request.verb} {request.path} {request.query!r}: {error}"
        raise NotMeasured(msg)


def _cost(world: World, requests: Sequence[Request]) -> float:
    """Return the CPU time of one request in us, on average."""
    world.reset()
    dispatch(world, requests[0])  # makes the indexes and copies that a reset has removed
    began = process_time()
    for request in requests[1:]:
        dispatch(world, request)
    return (process_time() - began) / len(requests[1:]) * 1e6
