"""Measure the kit with mutants and with legal servers; go on where the last run stopped.

It takes hours. Each server that was measured is a line of a file, so that a run that was stopped
goes on where it was. No server is measured twice with the same seed and budget.
"""

import json
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import blind
import click
from helpers.stand_ins import broken, checked, prepared
from stand_in.legal import VARIANTS, combination
from stand_in.server import WEB_API_KEY, StandIn

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.campaign.drawing import draw_reads
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.logins import UNLIMITED, LoginLimits
from crmcom_kit.contract_tests.run.results import Outcome
from crmcom_kit.contract_tests.run.run import DEFAULT_REQUESTS, enter, new_session
from crmcom_kit.contract_tests.templates import all_templates
from crmcom_kit.contract_tests.templates.table import READS as LAYERS_OF_READS
from mutants.random_mutants import candidates, mutant
from mutants.script import LoginRefused, is_equivalent
from mutants.table import ROWS

RESULTS = Path(__file__).resolve().parents[3] / ".measured" / "results.jsonl"
SETS = (
    "random", "table", "blind faults", "blind unusual", "blind unusual_2", "blind unusual_3",
    "legal", "combinations", "blind legal", "blind together",
)  # fmt: skip
#: Those of right servers: none of them is to be accused.
LEGAL = ("legal", "combinations", "blind legal", "blind together")
#: So many reads are drawn to find a fault that only an unusual value shows.
READS = 300
#: How many servers of a set are measured; of the others, all there are.
NUMBERS = {"random": 200, "combinations": 300, "blind together": 100}
#: The share of mutants that is found at least, and how many sound servers are accused at most, if
#: all of a set are measured: the lowest of a few seeds, which differ by some mutants of a set.
#: docs/explanation/measuring.md has the figures of the last measurement.
LEAST_FOUND = {
    "set 1": 0.96, "set 2": 0.88, "set 3": 0.92, "set 4": 0.84, "set 5": 0.90, "set 6": 0.87,
    "random": 0.78,
}  # fmt: skip
MOST_ALARMS = 1
UNSEEN = str(Outcome.INCONCLUSIVE)


@dataclass(frozen=True)
class Case:
    """One server to measure the kit with."""

    set: str
    name: str  # what the server can be made from again
    release: str = ""
    seed: int = 0
    budget: int = DEFAULT_REQUESTS
    few_logins: bool = False  # whether logins are limited, as on a server of somebody else


@dataclass(frozen=True)
class Result:
    """What the kit made of one server."""

    case: Case
    verdict: str  # of a mutant: named, found, missed, equivalent; of a sound server: quiet, alarm
    about: str = ""
    group: str = ""  # a set of the table has a rate of its own
    named: Sequence[str] = ()  # the statements that the kit calls broken
    wanted: Sequence[str] = ()  # those that are
    trouble: str = ""  # what went wrong in the kit
    outcome: str = ""  # of the run


def cases(of: Case, number: int | None) -> Iterator[Case]:
    """Yield the cases of a set, so many if it has no end: of random mutants, all that may be."""
    seeds = range(of.seed, of.seed + (number or NUMBERS.get(of.set, 0)))
    named: Iterable[tuple[str, str]]
    match of.set:
        case "random":
            named = candidates(of.seed)
        case "combinations":
            named = ((str(seed), combination(seed).release) for seed in seeds)
        case "blind together":
            named = ((str(seed), blind.together(seed).release) for seed in seeds)
        case "blind legal":
            places = range(len(blind.names("legal")))
            named = ((str(at), blind.legal_server(at).release) for at in places)
        case "blind faults" | "blind unusual" | "blind unusual_2" | "blind unusual_3":
            named = ((name, "") for name in blind.names(of.set.split()[1]))
        case _:
            table: Any = ROWS if of.set == "table" else VARIANTS
            named = ((name, each.release) for name, each in table.items())
    for name, release in islice(named, None if of.set == "random" else number):
        yield replace(of, name=name, release=release)


def made(case: Case) -> Any:
    """Return what a case names, which has a server; None for a random mutant that is none."""
    match case.set:
        case "random":
            return mutant(case.name, case.release)
        case "combinations":
            return combination(int(case.name))
        case "blind together":
            return blind.together(int(case.name))
        case "blind legal":
            return blind.legal_server(int(case.name))
        case "blind faults" | "blind unusual" | "blind unusual_2" | "blind unusual_3":
            return blind.server(case.set.split()[1], case.name)
    return ROWS[case.name] if case.set == "table" else VARIANTS[case.name]


def answers_alike(row: Any) -> bool:
    """Whether a row of the table answers the script as the sound server with its choices does."""
    choices = replace(row.choices, key_order="plain")  # another order of members is quick
    with suppress(LoginRefused):  # which the sound server does not
        return is_equivalent(row.server_class(choices, row.release), choices, row.release)
    return False


def measured(case: Case) -> Result:
    """Run the kit against the server of a case."""
    made_of = made(case)
    if made_of is None or (case.set == "table" and answers_alike(made_of)):
        return Result(case, "equivalent")
    # Each combination has a world of its own.
    is_combined = case.set in ("combinations", "blind together")
    app = made_of.server(int(case.name) if is_combined else 0)
    api_key = None if app.release == "R9" else WEB_API_KEY
    by_token = case.set in LEGAL[2:] and blind.is_by_token(int(case.name))
    limits = Limits(max_requests=case.budget)
    if case.set.startswith("blind unusual"):
        return drawn(case, made_of.about, app)
    # Nobody is locked out of a mutant; a legal server is somebody's.
    is_limited = case.few_logins or case.set in LEGAL
    logins = LoginLimits() if is_limited else UNLIMITED
    results = checked(
        app,
        api_key,
        by_token=by_token,
        expires=case.set == "table",
        seed=case.seed,
        limits=limits,
        login_limits=logins,
    )
    wanted, named = {*getattr(made_of, "statements", ())}, {*broken(results)}
    trouble = results.trouble or ""
    if case.set in LEGAL:
        verdict = "alarm" if named or trouble else "quiet"
    elif wanted & named:
        verdict = "named"
    else:
        verdict = "found" if named else "missed"
    group = f"set {made_of.set}" if case.set == "table" else case.set
    about = f"{made_of.name}: {made_of.about}" if case.set.startswith("blind") else made_of.about
    about = made_of.name if is_combined else about
    outcome = str(results.outcome)
    return Result(case, verdict, about, group, sorted(named), sorted(wanted), trouble, outcome)


def drawn(case: Case, about: str, app: StandIn) -> Result:
    """Draw reads alone, with values that no list names, until one is wrong; shrink it."""
    target, config = prepared(app, limits=Limits(max_requests=2 * READS))
    session = new_session(target, config)
    campaign = Campaign(session)
    enter(session, config)
    discover(session)
    reads = [each for each in all_templates() if each.layer in LAYERS_OF_READS]
    draw_reads(campaign, reads, READS, case.seed)
    found = session.findings.by_statement
    violations = [each.violation for one in found.values() for each in one.causes.values()]
    shown = [f"{each.statement} by {[*each.calls]}" for each in violations]
    verdict = "found" if violations else "missed"
    trouble = "; ".join(session.findings.crashes)
    return Result(case, verdict, about, case.set, shown, trouble=trouble)


def measure(planned: Iterable[Case], path: Path, jobs: int) -> Generator[Result]:
    """Yield what was measured before, then measure the rest and write it to the file."""
    lines = map(json.loads, path.read_text("utf-8").splitlines() if path.exists() else ())
    known = {result.case: result for result in (
        Result(**{**line, "case": Case(**line["case"])}) for line in lines
    )}  # fmt: skip
    planned = list(planned)
    yield from (known[case] for case in planned if case in known)
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


def summary(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each group, and one for each server that the kit is wrong about."""
    for group in sorted({each.group for each in results}):
        verdicts = Counter(each.verdict for each in results if each.group == group)
        if "quiet" in verdicts or "alarm" in verdicts:
            unseen = [each for each in results if (each.group, each.outcome) == (group, UNSEEN)]
            yield f"{group}: {verdicts.total()} servers, {verdicts['alarm']} alarms, " + (
                f"{len(unseen)} inconclusive"
            )
            yield from (f"  inconclusive: {each.case.release} {each.about}" for each in unseen)
            continue
        found = verdicts["named"] + verdicts["found"]
        line = f"{group}: {verdicts.total()} mutants, {found} found"
        line += f" ({found / verdicts.total():.0%})"
        named = any(each.wanted for each in results if each.group == group)
        yield line + f", {verdicts['named']} rightly named" * named
    for each in results:
        if each.verdict in ("missed", "alarm") or (each.wanted and each.verdict == "found"):
            told = ", ".join(each.named) or each.trouble or "nothing"
            where = f"{each.case.release} {each.case.name}"
            wanted = f" (breaks {', '.join(each.wanted)})" if each.wanted else ""
            yield f"  {each.verdict}: {where}: {each.about}{wanted}; named: {told}"


def fallen(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each group of which fewer are found, or more accused, than it must be."""
    for group in sorted({each.group for each in results}):
        verdicts = Counter(each.verdict for each in results if each.group == group)
        found = (verdicts["named"] + verdicts["found"]) / verdicts.total()
        if group in LEAST_FOUND and found < LEAST_FOUND[group]:
            yield f"{group}: {found:.1%} are found, and {LEAST_FOUND[group]:.0%} were"
        if verdicts["alarm"] > MOST_ALARMS:
            yield f"{group}: {verdicts['alarm']} are accused, and {MOST_ALARMS} may be"


@click.command()
@click.option("--set", "sets", multiple=True, type=click.Choice(SETS), default=SETS,
              help="Measure with these servers only. Can be repeated. Default: all.")  # fmt: skip
@click.option("--number", type=click.IntRange(1), help="So many servers of each set.")
@click.option("--seed", default=0, show_default=True, help="For mutants, combinations and runs.")
@click.option("--budget", type=click.IntRange(1), default=DEFAULT_REQUESTS, show_default=True,
              help="Requests of a run.")  # fmt: skip
@click.option("--few-logins", is_flag=True, help="Limit logins, as on a server of somebody else.")
@click.option("--jobs", default=2, show_default=True, help="So many at once.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS,
              help="Where results are kept. Delete it after changes of the kit.")  # fmt: skip
def main(
    sets: tuple[str, ...],
    number: int | None,
    seed: int,
    budget: int,
    jobs: int,
    results: Path,
    *,
    few_logins: bool,
) -> None:
    """Measure the kit with mutants, and with servers that are legal.

    The status is 1 if the kit finds fewer than it did, or accuses more.
    """
    worse: list[str] = []
    for each in sets:
        planned = list(cases(Case(each, "", "", seed, budget, few_logins), number))
        wanted = number or NUMBERS.get(each, len(planned))
        # Some random mutants are equivalent, and count for nothing; no row of the table may be.
        with closing(measure(planned, results, jobs)) as measuring:
            counted = (result for result in measuring if result.verdict != "equivalent")
            with click.progressbar(islice(counted, wanted), wanted, each) as bar:
                found = list(bar)
        click.echo("\n".join(summary(found)))
        worse += fallen(found) if number is None else ()
        if len(found) < wanted:
            worse.append(f"{each}: {wanted - len(found)} answer as the sound server does")
    if worse:
        raise click.ClickException("; ".join(worse))
