"""``python -m benchmarks``: measure, and write RESULTS.md."""

import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC

import click

from benchmarks import calls, fixtures, servers, tests
from benchmarks.processes import HERE, LOAD_CORE, WORK, NotMeasured
from benchmarks.report import Plan, Section, page
from crmcom_kit.mock_server.clock import SystemClock

PARTS: dict[str, Callable[[Plan], Section]] = {
    "servers": servers.measure,
    "tests": tests.measure,
    "calls": calls.measure,
    "fixtures": fixtures.measure,
}


@click.command()
@click.option(
    "--part",
    "chosen",
    multiple=True,
    type=click.Choice(list(PARTS)),
    help="Measure only this part, print it, and leave RESULTS.md alone; repeatable.",
)
@click.option(
    "--quick", is_flag=True, help="One short round, to see that everything works; print it."
)
def main(chosen: tuple[str, ...], *, quick: bool) -> None:
    """Measure the mock beside other mock servers, and write RESULTS.md."""
    if sys.platform != "linux" or (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        msg = "The benchmarks need Linux, two cores and taskset."
        raise click.ClickException(msg)
    os.sched_setaffinity(0, {int(LOAD_CORE)})  # of this process and what it starts
    WORK.mkdir(exist_ok=True)
    began, load_before = SystemClock().now().astimezone(UTC), os.getloadavg()
    plan = Plan(is_quick=quick)
    sections = []
    for name in chosen or PARTS:
        click.echo(f"measuring: {name}", err=True)
        try:
            sections.append(PARTS[name](plan))
        except NotMeasured as error:
            sections.append(Section(name, ["Not measured."], missing=[f"{name} ({error})"]))
    text = page(sections, plan, began, load_before)
    if chosen or quick:
        click.echo(text, nl=False)
    else:
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
        click.echo(f"Written: {HERE / 'RESULTS.md'}")


if __name__ == "__main__":
    main()
