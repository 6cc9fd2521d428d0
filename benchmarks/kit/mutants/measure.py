"""Measure the kit with mutants and with legal servers: ``make measure``."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

import blind
import click
import hypothesis
from helpers.sound_servers import alarms, broken, checked, set_clock
from hypothesis.stateful import run_state_machine_as_test
from sound_server.legal import VARIANTS, Variant, combination
from sound_server.server import ORGANISATION, PASSWORD, USERNAME, WEB_API_KEY

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.logins import ANY_LOGINS
from crmcom_kit.contract_tests.machine import ContractMachine, Login
from crmcom_kit.contract_tests.options.options import FEW_LOGINS
from crmcom_kit.contract_tests.run.results import Outcome
from crmcom_kit.contract_tests.run.run import DEFAULT_REQUESTS
from mutants import recordings
from mutants.steps import Row
from mutants.table import ROWS


@dataclass(frozen=True)
class Case:
    """One server to measure the kit with."""

    set: str
    name: str  # what the server can be made from again
    seed: int = 0
    budget: int = DEFAULT_REQUESTS


class Found(NamedTuple):
    """What the kit says of one server."""

    named: Sequence[str] = ()  # the statements that it calls broken
    trouble: str = ""  # what went wrong in the kit
    outcome: str = ""  # of the run


def a_run(case: Case, variant: Variant) -> Found:
    """Check a server as a user does."""
    is_legal = SETS[case.set].are_legal
    app = variant.server(int(case.name) if case.name.isdigit() else 0)  # a world of its own
    results = checked(
        app,
        None if app.release == "R9" else WEB_API_KEY,
        by_token=case.set == "blind legal" and blind.is_by_token(case.name),
        expires=case.set == "table",
        seed=case.seed,
        limits=Limits(max_requests=case.budget),
        # Nobody is locked out of a mutant; a legal server is somebody's.
        max_logins=FEW_LOGINS if is_legal else ANY_LOGINS,
    )
    return Found(sorted(broken(results)), results.trouble or "", str(results.outcome))


def machine(variant: Variant) -> Any:
    """Return the machine that checks servers of one kind."""
    key = None if variant.release == "R9" else WEB_API_KEY

    class Machine(ContractMachine):
        release = variant.release
        login = Login(username=USERNAME, password=PASSWORD, organisation=ORGANISATION, api_key=key)

        def target(self) -> Any:
            server = variant.server()
            set_clock(server)
            return server

    return Machine


def a_machine(case: Case, variant: Variant) -> Found:
    """Check a server with the state machine; a legal one with fewer examples."""
    tested = machine(variant)
    options = hypothesis.settings(
        tested.TestCase.settings,
        max_examples=30 if SETS[case.set].are_legal else 100,
        database=None,
        verbosity=hypothesis.Verbosity.quiet,
    )
    try:
        run_state_machine_as_test(hypothesis.seed(case.seed)(tested), settings=options)
    except BaseException as error:  # noqa: BLE001 - it is reported
        return Found([f"{type(error).__name__}: {error}"])
    return Found()


def a_recording(case: Case, _variant: Variant) -> Found:
    """Check recorded traffic of sound clients and a legal server."""
    with TemporaryDirectory() as folder:
        results = recordings.session(int(case.name), Path(folder))
    return Found([*recordings.mistakes(results), *map(str, alarms(results))])


class Servers(NamedTuple):
    """A set of servers, and how the kit is measured with them."""

    names: Iterable[str]  # none if each seed is one
    made: Callable[[str], Variant]  # from a name, or from a seed
    are_legal: bool = False  # then none of them may be accused
    number: int | None = None  # how many seeds are measured
    find: Callable[[Case, Variant], Found] = a_run


def drawn(names: Iterable[str], number: int) -> list[str]:
    """Return some names, the same each time."""
    return Random("machine 0").sample(sorted(names), number)


SETS: Mapping[str, Servers] = {
    "table": Servers(ROWS, ROWS.__getitem__),
    "blind faults": Servers(blind.FAULTS, blind.fault),
    "legal": Servers(VARIANTS, VARIANTS.__getitem__, are_legal=True),
    "combinations": Servers((), lambda seed: combination(int(seed)), are_legal=True, number=100),
    "blind legal": Servers(blind.LEGAL, blind.legal_server, are_legal=True),
    "machine": Servers(drawn(ROWS, 30), ROWS.__getitem__, find=a_machine),
    "machine, legal": Servers(
        drawn(VARIANTS, 20), VARIANTS.__getitem__, are_legal=True, find=a_machine
    ),
    "machine, blind legal": Servers(
        blind.LEGAL, blind.legal_server, are_legal=True, find=a_machine
    ),
    "recordings": Servers(
        (), lambda seed: combination(int(seed)), are_legal=True, number=60, find=a_recording
    ),
}  # fmt: skip
#: How many wrong servers of a set are found at least, if all are measured.
MIN_FOUND = {"table": 0, "blind faults": 0, "machine": 0}


@dataclass(frozen=True)
class Result:
    """What the kit made of one server."""

    case: Case
    verdict: str  # of a mutant: named, found, missed; of a legal server: quiet, alarm
    about: str
    release: str
    found: Found
    wanted: Sequence[str] = ()  # the statements that are broken

    def __str__(self) -> str:
        named = ", ".join(self.found.named) or self.found.trouble or "nothing"
        wanted = f" (breaks {', '.join(self.wanted)})" if self.wanted else ""
        server = f"{self.release} {self.case.name}: {self.about}"
        return f"{self.verdict}: {server}{wanted}; named: {named}"


def cases(set_name: str, seed: int, budget: int, number: int | None) -> Iterator[Case]:
    """Yield the cases of a set: ``number`` of them, or as many as are usually measured."""
    servers = SETS[set_name]
    names = iter(servers.names) if servers.number is None else map(str, count(seed))
    for name in islice(names, number or servers.number):
        yield Case(set_name, name, seed, budget)


def measured(case: Case) -> Result:
    """Let the kit find what is wrong with the server of a case."""
    servers = SETS[case.set]
    variant = servers.made(case.name)
    found = servers.find(case, variant)
    wanted = variant.statements if isinstance(variant, Row) else ()
    if servers.are_legal:
        verdict = "alarm" if found.named or found.trouble else "quiet"
    elif {*wanted} & {*found.named}:
        verdict = "named"
    else:
        verdict = "found" if found.named else "missed"
    about = variant.about if servers.number is None else variant.name
    return Result(case, verdict, about, variant.release, found, wanted)


def summary(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for a set, and one for each server that the kit is wrong about."""
    verdicts, name = Counter(result.verdict for result in results), results[0].case.set
    unseen = [result for result in results if result.found.outcome == str(Outcome.INCONCLUSIVE)]
    if SETS[name].are_legal:
        yield f"{name}: {len(results)} servers, {verdicts['alarm']} alarms"
    else:
        found = verdicts["named"] + verdicts["found"]
        yield (
            f"{name}: {len(results)} mutants, {found} found ({found / len(results):.0%}), "
            f"{verdicts['named']} rightly named"
        )
    yield f"  {len(unseen)} inconclusive: {', '.join(result.case.name for result in unseen)}"
    yield from (f"  {result}" for result in results if result.verdict in ("missed", "alarm"))


def worse(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for a set of which too few are found, or one is accused."""
    verdicts, name = Counter(result.verdict for result in results), results[0].case.set
    found, least = verdicts["named"] + verdicts["found"], MIN_FOUND.get(name, 0)
    if found < least:
        yield f"{name}: {found} are found, and {least} were"
    if verdicts["alarm"]:
        yield f"{name}: {verdicts['alarm']} are accused"


@click.command()
@click.option("--set", "sets", multiple=True, type=click.Choice([*SETS]), default=[*SETS],
              help="Measure with these servers only. Repeatable. By default with all.")  # fmt: skip
@click.option("--number", type=click.IntRange(1), help="Number of servers of each set.")
@click.option("--seed", default=0, show_default=True, help="Of combinations and runs.")
@click.option("--budget", type=click.IntRange(1), default=DEFAULT_REQUESTS, show_default=True,
              help="Requests of a run.")  # fmt: skip
@click.option("--jobs", default=2, show_default=True, help="Number of processes.")
def main(sets: tuple[str, ...], number: int | None, seed: int, budget: int, jobs: int) -> None:
    """Measure the kit with mutants, and with servers that are legal.

    The status is 1 if a whole set is measured, and fewer are found than before, or one is accused.
    """
    fallen: list[str] = []
    for name in sets:
        began = perf_counter()
        planned = list(cases(name, seed, budget, number))
        with (
            get_context("spawn").Pool(jobs, maxtasksperchild=50) as pool,
            click.progressbar(pool.imap(measured, planned), len(planned), name) as bar,
        ):
            results = list(bar)
        click.echo("\n".join(summary(results)))
        click.echo(f"  {perf_counter() - began:.0f} s")
        fallen += worse(results) if number is None else ()
    if fallen:
        raise click.ClickException("; ".join(fallen))


if __name__ == "__main__":
    main()
