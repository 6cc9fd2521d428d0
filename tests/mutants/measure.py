"""Measure the kit with mutants and with legal servers; go on where the last run stopped.

It takes hours. Each server that was measured is a line of a file, so that a run that was stopped
goes on where it was. No server is measured twice with the same seed and budget.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
from helpers.stand_ins import broken, checked
from stand_in.legal import VARIANTS, combination
from stand_in.server import WEB_API_KEY

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.run import DEFAULT_REQUESTS
from mutants.random_mutants import RELEASES, Change, candidates, mutant
from mutants.table import ROWS

RESULTS = Path(__file__).resolve().parents[2] / ".measured" / "results.jsonl"
#: What a set has that has none: of the table and the variants, all there are.
NUMBERS = {"random": 200, "combinations": 300}
SETS = ("random", "table", "legal", "combinations")
#: Verdicts that are about a mutant, and those that are about a sound server.
OF_MUTANTS, OF_SOUND = ("named", "found", "missed"), ("quiet", "alarm")


@dataclass(frozen=True)
class Case:
    """One server to measure the kit with."""

    set: str
    name: str  # what the server can be made from again
    release: str = ""
    seed: int = 0
    budget: int = DEFAULT_REQUESTS


@dataclass(frozen=True)
class Result:
    """What the kit made of one server."""

    case: Case
    verdict: str
    about: str = ""
    group: str = ""  # a set of the table has a rate of its own
    named: Sequence[str] = ()  # the statements that the kit calls broken
    wanted: Sequence[str] = ()  # those that are
    trouble: str = ""  # what went wrong in the kit


@dataclass(frozen=True)
class Server:
    """What a case is made into."""

    app: Any
    about: str
    group: str = ""
    wanted: Sequence[str] = field(default=())


# The servers of each set.


def random_server(case: Case) -> Server | None:
    """Return a random mutant, or None if it is none."""
    file, position, way, kind = case.name.split(":")
    found = mutant(Change(file, int(position), int(way), kind), case.release)
    return None if found is None else Server(found.server(), found.about)


def table_server(case: Case) -> Server:
    """Return a mutant of the table."""
    row = ROWS[case.name]
    return Server(row.server(), row.about, f"set {row.set}", row.statements)


def legal_server(case: Case) -> Server:
    """Return a variant of the sound server."""
    variant = VARIANTS[case.name]
    return Server(variant.server(), variant.about)


def combined_server(case: Case) -> Server:
    """Return several variants of the sound server in one."""
    variant = combination(int(case.name))
    return Server(variant.server(int(case.name)), f"{variant.release} {variant.name}")


MAKERS: Mapping[str, Callable[[Case], Server | None]] = {
    "random": random_server,
    "table": table_server,
    "legal": legal_server,
    "combinations": combined_server,
}


def cases(of: Case, releases: tuple[str, ...], number: int | None) -> Iterator[Case]:
    """Yield the cases of a set; more than ``number`` of random ones, as some do not count."""
    if of.set == "random":
        for change, release in candidates(of.seed, releases or RELEASES):
            yield replace(of, name=":".join(map(str, astuple(change))), release=release)
        return
    named: dict[str, Iterable[tuple[str, str]]] = {
        "table": ((each.id, each.release) for each in ROWS.values()),
        "legal": ((each.name, each.release) for each in VARIANTS.values()),
        "combinations": (
            (str(each), combination(each).release)
            for each in range(of.seed, of.seed + (number or NUMBERS["combinations"]))
        ),
    }
    chosen = (pair for pair in named[of.set] if not releases or pair[1] in releases)
    for name, release in islice(chosen, number):
        yield replace(of, name=name, release=release)


def measured(case: Case) -> Result:
    """Run the kit against the server of a case."""
    server = MAKERS[case.set](case)
    if server is None:
        return Result(case, "equivalent")
    api_key = None if server.app.release == "R9" else WEB_API_KEY
    limits = Limits(max_requests=case.budget)
    results = checked(server.app, api_key, seed=case.seed, limits=limits)
    wanted, named, trouble = {*server.wanted}, {*broken(results)}, results.trouble or ""
    if case.set in ("legal", "combinations"):
        verdict = "alarm" if named or trouble else "quiet"
    elif wanted & named:
        verdict = "named"
    else:
        verdict = "found" if named else "missed"
    group = server.group or case.set
    return Result(case, verdict, server.about, group, sorted(named), sorted(wanted), trouble)


# Going on where the last run stopped.


def known_results(path: Path) -> dict[Case, Result]:
    """Return what was measured before."""
    if not path.exists():
        return {}
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    results = (Result(**{**line, "case": Case(**line["case"])}) for line in lines)
    return {each.case: each for each in results}


def measure(
    planned: Iterable[Case], path: Path, jobs: int, enough: Callable[[Result], bool]
) -> Iterator[Result]:
    """Yield a result for each case until there are enough; write each that is new to the file."""
    known = known_results(path)
    planned = list(planned)
    for case in planned:
        if case in known:
            yield known[case]
            if enough(known[case]):
                return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = [case for case in planned if case not in known]
    with (
        get_context("spawn").Pool(jobs, maxtasksperchild=50) as pool,
        path.open("a", encoding="utf-8") as file,
    ):
        for result in pool.imap(measured, new):
            file.write(json.dumps(asdict(result)) + "\n")
            file.flush()
            yield result
            if enough(result):
                return


def summary(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each group, and one for each server that the kit is wrong about."""
    groups = sorted({each.group for each in results})
    for group in groups:
        verdicts = Counter(each.verdict for each in results if each.group == group)
        if verdicts.keys() & {*OF_SOUND}:
            yield f"{group}: {verdicts.total()} servers, {verdicts['alarm']} alarms"
            continue
        found = verdicts["named"] + verdicts["found"]
        share = found / verdicts.total()
        line = f"{group}: {verdicts.total()} mutants, {found} found ({share:.0%})"
        yield line + f", {verdicts['named']} rightly named" * any(r.wanted for r in results)
    for each in results:
        if each.verdict in ("missed", "alarm") or (each.wanted and each.verdict == "found"):
            told = ", ".join(each.named) or each.trouble or "nothing"
            where = f"{each.case.release} {each.case.name}"
            wanted = f" (breaks {', '.join(each.wanted)})" if each.wanted else ""
            yield f"  {each.verdict}: {where}: {each.about}{wanted}; named: {told}"


@click.command()
@click.option("--set", "sets", multiple=True, type=click.Choice(SETS),
              help="Measure with these servers only. Can be repeated. Default: all.")  # fmt: skip
@click.option("--release", "releases", multiple=True, help="Only servers of these releases.")
@click.option("--number", type=click.IntRange(1), help="So many servers of each set.")
@click.option("--seed", default=0, show_default=True, help="For mutants, combinations and runs.")
@click.option("--budget", type=click.IntRange(1), default=DEFAULT_REQUESTS, show_default=True,
              help="Requests of a run.")  # fmt: skip
@click.option("--jobs", default=2, show_default=True, help="So many at once.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS,
              help="Where results are kept. Delete it after changes of the kit.")  # fmt: skip
def main(
    sets: tuple[str, ...],
    releases: tuple[str, ...],
    number: int | None,
    seed: int,
    budget: int,
    jobs: int,
    results: Path,
) -> None:
    """Measure the kit with mutants, and with servers that are legal."""
    for each in sets or SETS:
        of = Case(each, "", "", seed, budget)
        wanted = number or NUMBERS.get(each)
        counted: list[Result] = []

        def enough(
            result: Result, counted: list[Result] = counted, wanted: int | None = wanted
        ) -> bool:
            if result.verdict != "equivalent":
                counted.append(result)
            return len(counted) == wanted

        bar: Any
        servers: Iterable[Case] = cases(of, releases, number)
        if wanted is None:
            servers = list(servers)
            wanted = len(servers)
        with click.progressbar(length=wanted, label=each) as bar:
            for result in measure(servers, results, jobs, enough):
                bar.update(result.verdict != "equivalent")
        click.echo("\n".join(summary(counted)))
