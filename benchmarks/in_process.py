"""One call without a server: CPU time of the way of a request, and of a test's client."""

from collections.abc import Callable, Iterable
from itertools import islice
from time import process_time
from typing import Any

import httpx
import orjson

from benchmarks.processes import NotMeasured
from benchmarks.report import Plan, Section, spread
from benchmarks.rows import BASE, TOKEN, show, target, write_body
from crmcom_kit.fixtures import world as generated
from crmcom_kit.mock_server import crmcom_mock, make_world
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.http.requests import request_of
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import API_PATH

RELEASE = "R15"  # whose lists have pages
_CALLS = 200


def get(uri: str) -> Request:
    """Return the request that a GET of ``uri`` is to the mock."""
    path, _, query = uri.removeprefix(f"{BASE}/").partition("?")
    return request_of("GET", path, query.encode(), b"", "", "127.0.0.1", {})


def resend(number: str) -> Request:
    """Return the request that sends a webhook request again."""
    body = orjson.dumps({"token": TOKEN, "webhook_request_identifier": {"number": number}})
    path = "webhook_requests/resend"
    return request_of("POST", path, b"", body, "application/json", "127.0.0.1", {})


def numbers(entries: Iterable[dict[str, Any]], state: str, count: int) -> list[str]:
    """Return the numbers of the first records in ``state`` of a world's entries."""
    records = (one["webhook_request"]["record"] for one in entries if "webhook_request" in one)
    return list(islice((r["number"] for r in records if r["life_cycle_state"] == state), count))


def check(world: World, request: Request, *, is_refused: bool = False) -> None:
    """Raise NotMeasured if a request has another outcome than its row's name says."""
    error = dispatch(world, request).error
    if (error is not None) is not is_refused:
        msg = f"{request.verb} {request.path} {request.query!r}: {error}"
        raise NotMeasured(msg)


def cost(world: World, requests: Iterable[Request]) -> float:
    """Return the CPU time of one request in us, on average."""
    requests = list(requests)
    began = process_time()
    for request in requests:
        dispatch(world, request)
    return (process_time() - began) / len(requests) * 1e6


def _client_cost(call: Callable[[], object]) -> float:
    began = process_time()
    for _ in range(_CALLS):
        call()
    return (process_time() - began) / _CALLS * 1e6


def measure(plan: Plan) -> Section:
    """Visit every row in every round; a round is a batch of calls."""
    write_body()
    from benchmarks.bare import wsgi

    entries = list(generated(count=1_000, release=RELEASE))
    world = make_world(release=RELEASE, data=entries, tokens=[TOKEN])
    rejected = numbers(entries, "REJECTED", _CALLS)
    known = int(rejected[0])
    rows: dict[str, Callable[[], list[Request]]] = {
        "show": lambda: [get(show(int(one))) for one in rejected],
        "show, = not encoded": lambda: [get(show(int(n)).replace("%3D", "=")) for n in rejected],
        "list of eight": lambda: [
            get(target("list", entity="JOBS", number_of_results=8)) for _ in range(_CALLS)
        ],
        "show, refused token": lambda: [get(show(known, token="wrong")) for _ in range(_CALLS)],
        "resend": lambda: [resend(one) for one in rejected[1:]],
    }
    for name, made in rows.items():
        check(world, made()[0], is_refused="refused" in name)
    found: dict[str, list[float]] = {}
    query = {"token": "crmcom-mock-token", "webhook_request_identifier": "number=7"}
    bare = httpx.Client(transport=httpx.WSGITransport(wsgi), base_url=f"http://bare{API_PATH}")
    with crmcom_mock() as mock, mock.client() as client, bare:
        clients = {
            "show by `mock.client()`": client,
            "the same of a bare WSGI application by httpx": bare,
        }
        for _ in range(plan.rounds * plan.pick(4, 1)):
            world.reset()
            dispatch(world, resend(rejected[0]))  # the first write after a reset copies the content
            for name, made in rows.items():
                found.setdefault(name, []).append(cost(world, made()))
            for name, one in clients.items():
                took = _client_cost(
                    lambda one=one: one.get("webhook_requests/show", params=query).text
                )
                found.setdefault(name, []).append(took)
    section = Section("Calls in process")
    section.lines += [
        "CPU time of one call, its journal entry included; 1,000 webhook requests.",
        "",
    ]
    section.table(("call", "us"), ((name, spread(values)) for name, values in found.items()))
    return section
