"""Worlds beside the default one: what making one takes, and the memory of very many."""

from contextlib import ExitStack
from typing import Any

import click

from benchmarks.children import Child
from benchmarks.options import Options

#: Records of the start world, of which every world begins as a copy.
SMALL = 200
_MADE = 1_000  # worlds in a round


def measure(options: Options) -> dict[str, Any]:
    """Make worlds beside start worlds of all sizes in turns, and then many beside the small one."""
    with ExitStack() as stack:
        children = {
            str(size): stack.enter_context(Child("worlds_child", str(size)))
            for size in (SMALL, options.large_start)
        }
        us: dict[str, list[float]] = {size: [] for size in children}
        for _ in range(options.rounds):
            for size, child in children.items():
                us[size].append(child.ask("make", _MADE))
        for size, found in us.items():
            click.echo(f"worlds: {min(found):.0f} us to make one beside {size} records, at best")
        memory = children[str(SMALL)].ask("memory", options.many_worlds)
        click.echo(f"worlds: {memory['made'] / 1_000_000:.0f} MB for {options.many_worlds:,}")
    return {"us": us, "worlds": options.many_worlds, "memory": memory}
