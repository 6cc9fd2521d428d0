"""``python -m benchmarks``: measure, and write RESULTS.md."""

import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC

import click

from benchmarks import fixtures, growth, in_process, servers, start
from benchmarks.processes import HERE, LOAD_CORE, NotMeasured
from benchmarks.report import Plan, Section, load_average, page
from crmcom_kit.mock_server.clock import SystemClock

PARTS: dict[str, Callable[[Plan], Section]] = {
    "servers": servers.measure,
    "in-process": in_process.measure,
    "start": start.measure,
    "growth": growth.measure,
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
    "--rounds", default=5, show_default=True, type=click.IntRange(1, 50), help="Visits to each row."
)
@click.option(
    "--quick", is_flag=True, help="One short round, to see that everything works; print it."
)
def main(chosen: tuple[str, ...], rounds: int, *, quick: bool) -> None:
    """Measure the mock beside bare applications and other mock servers; write RESULTS.md."""
    if sys.platform != "linux" or (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        msg = "The benchmarks need Linux, two cores and taskset."
        raise click.ClickException(msg)
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    plan = Plan(1 if quick else rounds, is_quick=quick)
    before = load_average()
    sections = []
    for name in chosen or PARTS:
        try:
            sections.append(PARTS[name](plan))
        except NotMeasured as error:
            sections.append(Section(name, ["Not measured."], missing=[f"{name} ({error})"]))
    date = SystemClock().now().astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    text = page(sections, plan, date, before)
    if chosen or quick:
        click.echo(text)
    else:
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
        click.echo(f"Written: {HERE / 'RESULTS.md'}")


if __name__ == "__main__":
    main()
