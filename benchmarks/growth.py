"""What a call costs, and a start, as the world grows from a thousand records to a million."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from benchmarks import mock
from benchmarks.children import Child
from benchmarks.loopback import free_port
from benchmarks.options import SERVER_CORE, WORK, Options
from benchmarks.processes import Failed, Served, memory
from benchmarks.rows import mock_command
from crmcom_kit.fixtures import json_lines
from crmcom_kit.fixtures import world as generated

_CALLS = 20
_HEALTH = "/__admin/health"


def measure(options: Options) -> dict[str, Any]:
    """Write one file for each size, start from it, and ask worlds of all sizes in turns."""
    files = _written(options.growth_sizes)
    try:
        found = {"start": _starts(files, options), **_calls(files, options)}
    finally:
        for path in files.values():
            path.unlink(missing_ok=True)
    return {"release": mock.RELEASE, "calls": _CALLS, **found}


def _written(sizes: tuple[int, ...]) -> dict[int, Path]:
    """Write the world of each size; the smaller ones are beginnings of the largest."""
    files = {size: WORK / f"world-{size}.jsonl" for size in sizes}
    with ExitStack() as stack:
        outs = {size: stack.enter_context(path.open("wb")) for size, path in files.items()}
        written = 0
        for line in json_lines(generated(count=max(sizes), release=mock.RELEASE)):
            for size, out in outs.items():
                if written < size:
                    out.write(line)
            written += line.startswith(b'{"webhook_request"')
    return files


def _starts(files: dict[int, Path], options: Options) -> dict[str, Any]:
    """Start the mock from each file, as long as the next start is no longer than the limit."""
    found: dict[str, Any] = {}
    seconds, before = 0.0, 0
    for size, path in files.items():
        expected = seconds * size / before if before else 0.0
        if expected > options.start_limit:
            found[str(size)] = {"left_out": f"it would take about {expected:.0f} s"}
            click.echo(f"growth: no start from {size} records, {found[str(size)]['left_out']}")
            continue
        try:
            found[str(size)] = _start(path, limit=options.start_limit * 2)
        except Failed as error:
            found[str(size)] = {"left_out": str(error)}
            break
        seconds, before = found[str(size)]["seconds"], size
        click.echo(f"growth: start from {size} records in {seconds:.2f} s")
    return found


def _start(path: Path, *, limit: float) -> dict[str, float]:
    port = free_port()
    command = mock_command(port, "--data", str(path), release=mock.RELEASE)
    with Served(command, port=port, core=SERVER_CORE, log=WORK / "server.log") as server:
        seconds = server.first_answer(_HEALTH, limit=limit)
        return {"seconds": seconds, "memory_mb": memory(server.pid)}


def _calls(files: dict[int, Path], options: Options) -> dict[str, Any]:
    """Ask worlds of all sizes in turns; each lives in a process of its own."""
    with ExitStack() as stack:
        children = {
            size: stack.enter_context(Child("growth_child", str(path)))
            for size, path in files.items()
        }
        sizes = {}
        for size, child in children.items():
            sizes[size] = child.ask("memory")
            click.echo(f"growth: {sizes[size]['bytes'] / size:.0f} bytes a record of {size}")
        kinds: list[str] = next(iter(children.values())).ask("kinds")
        times: dict[str, dict[str, list[Any]]] = {
            kind: {str(size): [] for size in children} for kind in kinds
        }
        for _ in range(options.rounds):
            for kind, by_size in times.items():
                for size, child in children.items():
                    by_size[str(size)].append(child.ask("time", kind, _CALLS))
    for kind, by_size in times.items():
        best = [min(one.get("us", 0.0) for one in turns) for turns in by_size.values()]
        click.echo(f"growth {kind}: {', '.join(f'{us:.0f}' for us in best)} us at best")
    return {"memory": {str(size): found for size, found in sizes.items()}, "times": times}
