"""JSON Lines of webhook requests: the generator beside Faker, mimesis and json-schema-faker.

Faker and mimesis are called once for every field that has a value of its own; json-schema-faker
gets the strict schema of a webhook request, its optional members included. All of them write the
lines, and what is counted is the CPU time of doing so.
"""

import json
import shutil
from contextlib import ExitStack
from typing import Any

import click

from benchmarks.children import Child
from benchmarks.options import HERE, SERVER_CORE, WORK, Options
from benchmarks.peers import JSON_SCHEMA_FAKER, NODE
from benchmarks.processes import Failed, pinned, run
from crmcom_kit.schemas.plain import plain_schema

OURS, FAKER, MIMESIS = "crmcom-kit", "Faker, a call a field", "mimesis, a call a field"
#: Row → how many records a visit makes, so that all visits take about as long.
_RECORDS = {OURS: 20_000, FAKER: 1_000, MIMESIS: 6_000, JSON_SCHEMA_FAKER: 3_000}
_SCHEMA = WORK / "webhook_request.schema.json"


def measure(options: Options) -> dict[str, Any]:
    """Let every row make records in every round, and one of them a hundred times as many."""
    share = 10 if options.quick else 1
    visits: dict[str, list[dict[str, Any]]] = {name: [] for name in _RECORDS}
    missing: dict[str, str] = {}
    with ExitStack() as stack:
        children = {}
        for name in (OURS, FAKER, MIMESIS):
            children[name] = stack.enter_context(Child("generator_child", name))
            try:
                children[name].ask("make", 200, 0)
            except Failed as error:
                missing[name] = str(error)
        if not (NODE / "json-schema-faker").exists() or shutil.which("node") is None:
            missing[JSON_SCHEMA_FAKER] = "not installed: make bench-peers"
        else:
            _SCHEMA.write_text(json.dumps(plain_schema("webhook_request", "strict")))
        rows = [name for name in _RECORDS if name not in missing]
        for at in range(options.rounds):
            for name in rows:
                count = _RECORDS[name] // share
                if name == JSON_SCHEMA_FAKER:
                    visits[name].append(_by_node(count, at))
                else:
                    visits[name].append(children[name].ask("make", count, at * count))
        memory = children[OURS].ask("memory", 2_000, 200_000 // share)
    for name in rows:
        best = max(one["records_per_second"] for one in visits[name])
        click.echo(f"fixtures {name}: {best:,.0f} records/s at best")
    return {
        "missing": missing,
        "visits": {name: visits[name] for name in rows},
        "memory": memory,
    }


def _by_node(count: int, seed: int) -> dict[str, Any]:
    command = ["node", str(HERE / "generator.mjs"), str(NODE), str(_SCHEMA), str(count), str(seed)]
    found: dict[str, Any] = json.loads(run(pinned(command, SERVER_CORE), seconds=600))
    return found
