"""``python -m benchmarks``: run the parts, keep their data, write RESULTS.md."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchmarks import (
    generators,
    growth,
    inprocess,
    kit,
    load,
    machine,
    plugin,
    report,
    servers,
    start,
    store,
    worlds,
)
from benchmarks.options import HERE, ROOT, WORK, Options
from benchmarks.plot import draw
from benchmarks.processes import Failed

PARTS: dict[str, Callable[[Options], dict[str, Any]]] = {
    "servers": servers.measure,
    "inprocess": inprocess.measure,
    "start": start.measure,
    "store": store.measure,
    "fixtures": generators.measure,
    "growth": growth.measure,
    "load": load.measure,
    "kit": kit.measure,
    "plugin": plugin.measure,
    "worlds": worlds.measure,
}


@click.command()
@click.option(
    "--part",
    "chosen",
    multiple=True,
    type=click.Choice(list(PARTS)),
    help="Measure only this part; repeatable. The other parts' last data stay in the report.",
)
@click.option(
    "--rounds", default=5, show_default=True, type=click.IntRange(1, 12), help="Visits to each row."
)
@click.option(
    "--quick",
    is_flag=True,
    help="Small sizes, short runs, 2 rounds, to see that all works; writes to benchmarks/.work.",
)
@click.option("--date", help="What to write as the date of the run.  [default: now, in UTC]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for RESULTS.md, results.json and growth.png.  [default: benchmarks]",
)
def main(
    chosen: tuple[str, ...],
    rounds: int,
    date: str | None,
    out: Path | None,
    *,
    quick: bool,
) -> None:
    """Measure the mock beside bare servers and other mock servers, and write RESULTS.md."""
    WORK.mkdir(parents=True, exist_ok=True)
    folder = out or (WORK / "quick" if quick else HERE)
    folder.mkdir(parents=True, exist_ok=True)
    options = Options(rounds=min(rounds, 2) if quick else rounds, quick=quick)
    machine.keep_off_the_servers_core()
    data = _kept(folder)
    failed = []
    for name in chosen or PARTS:
        before = machine.load_average()
        try:
            found = PARTS[name](options)
        except Failed as error:
            click.echo(f"{name}: {error}", err=True)
            failed.append(name)
            continue
        data["parts"][name] = {
            "when": date or machine.today(),
            "commit": machine.commit(),
            "made_with": machine.described(),
            "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
            "rounds": options.rounds,
            "load_before": before,
            "load_after": machine.load_average(),
            "found": found,
        }
        _write(folder, data)
    click.echo(f"Written: {folder / 'RESULTS.md'}")
    if failed:
        click.echo(f"Not measured: {', '.join(failed)}", err=True)
        raise SystemExit(1)


def _kept(folder: Path) -> dict[str, Any]:
    """Return the data of earlier runs, for the parts that this one leaves alone."""
    path = folder / "results.json"
    if not path.exists():
        return {"parts": {}}
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def _write(folder: Path, data: dict[str, Any]) -> None:
    """Write raw data, picture and report, so that a run which breaks off keeps what it has."""
    data["parts"] = {name: data["parts"][name] for name in PARTS if name in data["parts"]}
    text = json.dumps(_rounded(data), indent=1, ensure_ascii=False)
    # Innermost lists and objects on one line each, or the file is twenty times as long.
    text = re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda inner: " ".join(inner[0].split()), text)
    (folder / "results.json").write_text(_at_home(text) + "\n", encoding="utf-8")
    if "growth" in data["parts"]:
        draw(data["parts"]["growth"]["found"], folder / "growth.png")
    (folder / "RESULTS.md").write_text(_at_home(report.written(data)), encoding="utf-8")


def _at_home(text: str) -> str:
    """Return a text whose paths start at the project's own folder."""
    return text.replace(f"{ROOT}/", "").replace(str(ROOT), ".")


def _rounded(value: Any) -> Any:
    """Return a value with no more digits than were measured."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
