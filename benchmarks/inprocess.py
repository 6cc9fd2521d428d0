"""One call inside the process, without a server: CPU time, beside a constant Flask route's."""

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import click

from benchmarks import mock
from benchmarks.mock import App, Environ
from benchmarks.options import Options
from benchmarks.processes import Failed
from benchmarks.rows import BODY_FILE
from benchmarks.servers import write_body
from crmcom_kit.fixtures import world as generated

BARE = "bare Flask route"
SHOW, LIST, RESEND, DELETE = "show", f"list of {mock.PAGE}", "resend", "delete"
ERRORS = ("error: unknown number", "error: no token", "error: two identifiers", "error: no JSON")
_RECORDS = 1_000
_CALLS = 200

Batch = Callable[[], list[Environ]]


def measure(options: Options) -> dict[str, Any]:
    """Time every row in every round; a round is a batch of calls of each."""
    write_body()
    os.environ["BENCHMARK_BODY"] = str(BODY_FILE)
    from benchmarks.bare_flask import app as bare

    entries = list(generated(count=_RECORDS, release=mock.RELEASE))
    world = mock.filled_world(entries)
    batches = _batches([entry["webhook_request"] for entry in entries if _is_request(entry)])
    rows: dict[str, tuple[App, Batch]] = {BARE: (bare, batches[SHOW])}
    for lane in (False, True) if mock.has_fast_lane() else (False,):
        app = mock.application(world, fast_lane=lane)
        rows |= {row_name(call, fast_lane=lane): (app, made) for call, made in batches.items()}
    _check(rows, world.reset)
    rounds = options.rounds * (2 if options.quick else 5)
    times: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(rounds):
        for name, (app, made) in rows.items():
            world.reset()
            times[name].append(mock.cost(app, made()))
    for name, found in times.items():
        click.echo(f"inprocess {name}: {min(found):.1f} us at best")
    missing = {} if mock.has_fast_lane() else {"fast lane": "not there yet"}
    return {"records": _RECORDS, "calls": _CALLS, "missing": missing, "us": times}


def row_name(call: str, *, fast_lane: bool) -> str:
    """Return the name of a row."""
    return f"{call}, {'fast lane' if fast_lane else 'Flask path'}"


def _is_request(entry: dict[str, Any]) -> bool:
    return "webhook_request" in entry


def _batches(requests: list[dict[str, Any]]) -> dict[str, Batch]:
    """Return what makes the environs of each call."""
    records = [one["record"] for one in requests]
    numbers = [record["number"] for record in records][:_CALLS]
    rejected = [r["number"] for r in records if r["life_cycle_state"] == "REJECTED"][:_CALLS]
    entity, _ = Counter(record["entity"] for record in records).most_common(1)[0]
    paged = {"number_of_results": str(mock.PAGE), "offset": "0"}
    name = "webhook_request_identifier"
    unknown, token, two, broken = ERRORS

    def times(make: Callable[[], Environ]) -> Batch:
        return lambda: [make() for _ in range(_CALLS)]

    return {
        SHOW: lambda: [_show(number) for number in numbers],
        LIST: times(lambda: mock.get("webhook_requests/list", entity=entity, **paged)),
        RESEND: lambda: [_posted("resend", number) for number in rejected],
        DELETE: lambda: [_posted("delete", number) for number in numbers],
        unknown: times(lambda: _show("none")),
        token: times(lambda: _show(numbers[0]) | {"QUERY_STRING": f"{name}=number=7"}),
        two: times(
            lambda: mock.post("webhook_requests/resend", **{name: {"id": "1", "number": "7"}})
        ),
        broken: times(lambda: _broken(_posted("delete", "7"))),
    }


def _show(number: str) -> Environ:
    return mock.get("webhook_requests/show", webhook_request_identifier=f"number={number}")


def _posted(method: str, number: str) -> Environ:
    name = f"webhook_requests/{method}"
    return mock.post(name, webhook_request_identifier={"number": number})


def _broken(environ: Environ) -> Environ:
    environ["CONTENT_LENGTH"] = "10"
    return environ


def _check(rows: dict[str, tuple[App, Batch]], reset: Callable[[], None]) -> None:
    """See that each row does what its name says. Raises Failed."""
    for name, (app, made) in rows.items():
        reset()
        environs = made()
        for environ in (environs[0], environs[-1]):
            status, body = mock.answer(app, environ)
            fine = b'"code":"OK"' in body and status.startswith("200")
            full = not name.startswith("list") or body.count(b'"life_cycle_state"') == mock.PAGE
            if fine is name.startswith("error") or not full:
                msg = f"{name}: {status} {body[:300]!r}"
                raise Failed(msg)
