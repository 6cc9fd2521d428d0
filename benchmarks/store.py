"""The store alone: memory a record and time a question, beside sqlite3 in memory."""

from contextlib import ExitStack
from statistics import mean
from typing import Any

import click

from benchmarks.children import Child
from benchmarks.options import Options
from benchmarks.records import made

SIDES = ("mock", "sqlite")
SHOW = "number"
SINGLE = ("definition", "rule", "entity", "entity_id", "entity + entity_id")
TWO = "definition + state"
#: Behind a question: without an index over its two fields together.
NOT_JOINT = " (an index on definition alone)"
QUESTIONS = (SHOW, *SINGLE, TWO, TWO + NOT_JOINT)
_CALLS = 200


def measure(options: Options) -> dict[str, Any]:
    """Fill both stores in processes of their own, and ask them in turns."""
    sizes = {str(size): _measured(size, options) for size in options.store_sizes}
    return {"calls": _CALLS, "raw": _raw(), "sizes": sizes, "stream": _streamed(options)}


def _raw() -> dict[str, float]:
    """Return the mean bytes of a record's two texts: what no store can do without."""
    some = list(made(5_000))
    return {"body": mean(len(r.body) for r in some), "data": mean(len(r.data) for r in some)}


def _measured(size: int, options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {side: {name: [] for name in QUESTIONS} for side in SIDES}
    with ExitStack() as stack:
        children = {
            side: stack.enter_context(Child("store_child", side, str(size))) for side in SIDES
        }
        for side, child in children.items():
            found[side]["memory"] = child.ask("memory")
            each = found[side]["memory"]["bytes"] / size
            click.echo(f"store {size} {side}: {each:.0f} bytes a record")
        for _ in range(options.rounds):
            for name in QUESTIONS:
                for side, child in children.items():
                    found[side][name].append(child.ask("time", name, _CALLS))
        children["mock"].ask("world")
        found["mock"]["first write"] = children["mock"].ask("first write")
    for name in QUESTIONS:
        best = [min(turn["us"] for turn in found[side][name]) for side in SIDES]
        click.echo(f"store {size} {name}: {best[0]:.1f} us, sqlite {best[1]:.1f} us, at best")
    return found


def _streamed(options: Options) -> dict[str, Any]:
    with Child("store_child", "streamed", str(options.streamed)) as child:
        child.ask("memory")
        child.ask("world")
        found: dict[str, Any] = child.ask("stream")
    click.echo(f"store: a list of {options.streamed} took {found['extra_bytes']} bytes more")
    return found | {"records": options.streamed}
