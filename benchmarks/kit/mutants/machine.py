"""Measure ``ContractMachine``: what it finds of mutants, and whether it accuses legal servers.

``make measure PART=machine``. A seed draws the mutants from the table, and the legal servers from
``sound_server.legal`` and ``blind.legal``.
"""

from collections.abc import Iterator
from multiprocessing import get_context
from random import Random
from statistics import median
from time import process_time
from typing import Any, ClassVar, NamedTuple

import blind
import click
import hypothesis
from helpers.sound_servers import set_clock
from hypothesis.stateful import run_state_machine_as_test
from sound_server.legal import VARIANTS, Variant
from sound_server.server import ORGANISATION, PASSWORD, USERNAME, WEB_API_KEY

from crmcom_kit.contract_tests.machine import ContractMachine, Login
from crmcom_kit.contract_tests.oracle.findings import Broken
from mutants.measure import SETS
from mutants.table import ROWS

#: The numbers of mutants and of legal servers that are drawn, and of examples for a legal one.
MUTANTS, LEGAL, LEGAL_EXAMPLES = 30, 40, 30
SOUND = "the sound server"
#: The minimum share of mutants that is found, and the maximum median of seconds of CPU.
MIN_FOUND, MAX_SECONDS = 0.75, 2.0


class Result(NamedTuple):
    """What the machine made of one server."""

    name: str
    seconds: float  # of CPU
    requests: int
    message: str  # of the exception; "" if nothing was found


def machine(variant: Variant, *, confirms: bool) -> Any:
    """Return the machine that checks servers of one kind."""
    key = None if variant.release == "R9" else WEB_API_KEY

    class Machine(ContractMachine):
        release = variant.release
        login = Login(username=USERNAME, password=PASSWORD, organisation=ORGANISATION, api_key=key)
        requests: ClassVar[int] = 0

        def target(self) -> Any:
            server = variant.server()
            set_clock(server)
            return server

        def teardown(self) -> None:
            super().teardown()
            type(self).requests += self.session.client.sent

    Machine.confirms = confirms
    return Machine


class Case(NamedTuple):
    """A server, by what it can be made from again, and how the machine runs."""

    set_name: str  # as in mutants.measure
    name: str
    examples: int
    seed: int
    confirms: bool


def measure_one(case: Case) -> Result:
    """Run the machine against one server."""
    variant = Variant(SOUND, "", {}) if case.name == SOUND else SETS[case.set_name].made(case.name)
    tested = machine(variant, confirms=case.confirms)
    options = hypothesis.settings(
        tested.TestCase.settings,
        max_examples=case.examples,
        database=None,
        verbosity=hypothesis.Verbosity.quiet,
    )
    began, message = process_time(), ""
    try:
        run_state_machine_as_test(hypothesis.seed(case.seed)(tested), settings=options)
    except Broken as error:
        message = str(error)
    except BaseException as error:  # noqa: BLE001 - it is reported
        message = f"{type(error).__name__}: {error}"
    return Result(variant.name, process_time() - began, tested.requests, message)


def legal_servers(chance: Random) -> list[tuple[str, str]]:
    """Return set and name of legal servers, half of them of each set."""
    places = chance.sample(range(len(blind.names("legal"))), LEGAL // 2)
    names = chance.sample(sorted(VARIANTS), LEGAL - len(places))
    return [("legal", SOUND), *(("legal", name) for name in names)] + [
        ("blind legal", str(place)) for place in places
    ]


def lines(results: list[Result], *, shown: bool) -> Iterator[str]:
    """Yield a line for each result, and for a violation the requests that show it."""
    for result in results:
        first, *others = result.message.splitlines() or [""]
        yield f"{result.seconds:6.1f} s {result.requests:6} {result.name}: {first or 'nothing'}"
        yield from others if shown else ()


@click.command()
@click.option("--seed", default="machine 0", show_default=True, help="Draws the servers.")
@click.option("--run-seed", default=0, show_default=True, help="Seed of Hypothesis.")
@click.option("--examples", default=100, show_default=True, help="For each mutant.")
@click.option("--unconfirmed", is_flag=True, help="Count suspicions without confirming them.")
@click.option("--show", is_flag=True, help="Show the requests of each violation.")
@click.option("--jobs", default=2, show_default=True)
def main(
    seed: str, run_seed: int, examples: int, jobs: int, *, unconfirmed: bool, show: bool
) -> None:
    """Measure the machine. The status is 1 if it finds too few, takes too long, or accuses."""
    chance = Random(seed)
    wrong = [Case("table", name, examples, run_seed, not unconfirmed)
             for name in chance.sample(list(ROWS), MUTANTS)]  # fmt: skip
    legal = [Case(set_name, name, LEGAL_EXAMPLES, run_seed, not unconfirmed)
             for set_name, name in legal_servers(chance)]  # fmt: skip
    with get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        results = pool.map(measure_one, [*wrong, *legal], chunksize=1)
    mutants, legal_results = results[: len(wrong)], results[len(wrong) :]
    found = [result for result in mutants if result.message]
    alarms = [result for result in legal_results if result.message]
    seconds = median([result.seconds for result in found] or [0.0])
    click.echo("\n".join(lines(mutants, shown=show)))
    click.echo("\n".join(lines(alarms, shown=True)))
    click.echo(
        f"{len(found)} of {len(wrong)} mutants found, median {seconds:.1f} s of CPU and "
        f"{median([result.requests for result in found] or [0]):.0f} requests; "
        f"{len(alarms)} alarms of {len(legal)} legal servers"
    )
    if alarms or len(found) < MIN_FOUND * len(wrong) or seconds > MAX_SECONDS:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
