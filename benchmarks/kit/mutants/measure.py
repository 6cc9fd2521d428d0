"""Measure the kit with mutants and with legal servers; go on where the last run stopped.

It takes hours. Each server that was measured is a line of a file, so that a stopped run can go on.
No server is measured twice with the same seed and budget.
"""

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import blind
import click
from helpers.sound_servers import broken, checked, prepared
from sound_server.legal import VARIANTS, Variant, combination
from sound_server.server import WEB_API_KEY, SoundServer

from crmcom_kit.contract_tests.campaign.campaign import Campaign
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.campaign.drawing import draw_reads
from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.client.logins import ANY_LOGINS
from crmcom_kit.contract_tests.options.options import FEW_LOGINS
from crmcom_kit.contract_tests.run.results import Outcome
from crmcom_kit.contract_tests.run.run import DEFAULT_REQUESTS, enter, new_session
from crmcom_kit.contract_tests.templates import all_templates
from crmcom_kit.contract_tests.templates.table import READ_LAYERS
from mutants.steps import Row
from mutants.table import ROWS

RESULTS = Path(__file__).resolve().parents[3] / ".measured" / "results.jsonl"
#: The number of reads that are drawn to find a fault that only an unusual value shows.
READS = 300


class Servers(NamedTuple):
    """A set of servers."""

    names: Iterable[str]  # none if each seed is one
    made: Callable[[str], Variant]  # from a name, or from a seed
    are_legal: bool = False  # then none of them may be accused
    number: int | None = None  # how many seeds are measured


def _blind(folder: str) -> Servers:
    return Servers(blind.names(folder), partial(blind.server, folder))


SETS: Mapping[str, Servers] = {
    "table": Servers(ROWS, ROWS.__getitem__),
    "blind faults": _blind("faults"),
    "blind unusual_3": _blind("unusual_3"),
    "legal": Servers(VARIANTS, VARIANTS.__getitem__, are_legal=True),
    "combinations": Servers((), lambda seed: combination(int(seed)), are_legal=True, number=300),
    "blind legal": Servers(
        [str(place) for place in range(len(blind.names("legal")))],
        lambda place: blind.legal_server(int(place)), are_legal=True,
    ),
    "blind together": Servers(
        (), lambda seed: blind.together(int(seed)), are_legal=True, number=100
    ),
}  # fmt: skip
#: The share of mutants that is found at least, in whole percents, if all of a set are measured.
MIN_FOUND = {
    "set 1": 0.98, "set 2": 0.89, "set 3": 0.92, "set 4": 0.91, "set 5": 0.90, "set 6": 0.88,
}  # fmt: skip
#: How many legal servers of a set are accused at most; of the others, none.
MAX_ALARMS = {"combinations": 1, "blind legal": 3, "blind together": 12}
UNSEEN = str(Outcome.INCONCLUSIVE)


@dataclass(frozen=True)
class Case:
    """One server to measure the kit with."""

    set: str
    name: str  # what the server can be made from again
    seed: int = 0
    budget: int = DEFAULT_REQUESTS
    few_logins: bool = False  # whether logins are limited, as on somebody else's server

    @property
    def variant(self) -> Variant:
        """What its server is made from."""
        return SETS[self.set].made(self.name)


@dataclass(frozen=True)
class Result:
    """What the kit made of one server."""

    case: Case
    verdict: str  # of a mutant: named, found, missed; of a legal server: quiet, alarm
    about: str
    release: str
    group: str  # a set of the table has a rate of its own
    named: Sequence[str] = ()  # the statements that the kit calls broken
    wanted: Sequence[str] = ()  # those that are
    trouble: str = ""  # what went wrong in the kit
    outcome: str = ""  # of the run


def cases(of: Case, number: int | None) -> Iterator[Case]:
    """Yield the cases of a set: ``number`` of them, or as many as are usually measured."""
    servers = SETS[of.set]
    names = iter(servers.names) if servers.number is None else map(str, count(of.seed))
    for name in islice(names, number or servers.number):
        yield replace(of, name=name)


def measured(case: Case) -> Result:
    """Run the kit against the server of a case."""
    variant, servers = case.variant, SETS[case.set]
    is_combined = servers.number is not None
    app = variant.server(int(case.name) if is_combined else 0)  # each has a world of its own
    about = variant.name if is_combined else variant.about
    if case.set.startswith("blind") and not is_combined:
        about = f"{variant.name}: {about}"
    if case.set == "blind unusual_3":
        return drawn(case, about, app)
    # Nobody is locked out of a mutant; a legal server is somebody's.
    is_limited = case.few_logins or servers.are_legal
    results = checked(
        app,
        None if app.release == "R9" else WEB_API_KEY,
        by_token=case.set in ("blind legal", "blind together")
        and blind.is_by_token(int(case.name)),
        expires=case.set == "table",
        seed=case.seed,
        limits=Limits(max_requests=case.budget),
        max_logins=FEW_LOGINS if is_limited else ANY_LOGINS,
    )
    wanted = set(variant.statements if isinstance(variant, Row) else ())
    named, trouble = {*broken(results)}, results.trouble or ""
    if servers.are_legal:
        verdict = "alarm" if named or trouble else "quiet"
    elif wanted & named:
        verdict = "named"
    else:
        verdict = "found" if named else "missed"
    group = f"set {variant.set}" if isinstance(variant, Row) else case.set
    return Result(
        case, verdict, about, app.release, group, sorted(named), sorted(wanted), trouble,
        str(results.outcome),
    )  # fmt: skip


def drawn(case: Case, about: str, app: SoundServer) -> Result:
    """Draw reads alone, with open values, until one shows a violation; shrink it."""
    target, config = prepared(app, limits=Limits(max_requests=2 * READS))
    session = new_session(target, config)
    campaign = Campaign(session)
    enter(session, config)
    discover(session)
    reads = [template for template in all_templates() if template.layer in READ_LAYERS]
    draw_reads(campaign, reads, READS, case.seed)
    violations = [
        cause.violation
        for finding in session.findings.by_statement.values()
        for cause in finding.causes.values()
    ]
    shown = [f"{violation.statement} by {[*violation.calls]}" for violation in violations]
    verdict = "found" if violations else "missed"
    trouble = "; ".join(session.findings.crashes)
    return Result(case, verdict, about, app.release, case.set, shown, trouble=trouble)


def measure(planned: Sequence[Case], path: Path, jobs: int) -> Generator[Result]:
    """Yield what was measured before, then measure the rest and write it to the file."""
    lines = map(json.loads, path.read_text("utf-8").splitlines() if path.exists() else ())
    results = (Result(**{**line, "case": Case(**line["case"])}) for line in lines)
    before = {result.case: result for result in results}
    yield from (before[case] for case in planned if case in before)
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        get_context("spawn").Pool(jobs, maxtasksperchild=50) as pool,
        path.open("a", encoding="utf-8") as file,
    ):
        for result in pool.imap(measured, [case for case in planned if case not in before]):
            file.write(json.dumps(asdict(result)) + "\n")
            file.flush()
            yield result


def by_group(results: Sequence[Result]) -> Iterator[tuple[str, Counter[str], float]]:
    """Yield each group with its verdicts, and the share of its mutants that was found."""
    for group in sorted({result.group for result in results}):
        verdicts = Counter(result.verdict for result in results if result.group == group)
        yield group, verdicts, (verdicts["named"] + verdicts["found"]) / verdicts.total()


def summary(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each group, and one for each server that the kit is wrong about."""
    for group, verdicts, share in by_group(results):
        if "quiet" in verdicts or "alarm" in verdicts:
            unseen = [r for r in results if (r.group, r.outcome) == (group, UNSEEN)]
            yield f"{group}: {verdicts.total()} servers, {verdicts['alarm']} alarms, " + (
                f"{len(unseen)} inconclusive"
            )
            yield from (f"  inconclusive: {result.release} {result.about}" for result in unseen)
            continue
        line = f"{group}: {verdicts.total()} mutants, "
        line += f"{verdicts['named'] + verdicts['found']} found ({share:.0%})"
        are_known = any(result.wanted for result in results if result.group == group)
        yield line + f", {verdicts['named']} rightly named" * are_known
    for result in results:
        is_misnamed = result.wanted and result.verdict == "found"
        if result.verdict in ("missed", "alarm") or is_misnamed:
            named = ", ".join(result.named) or result.trouble or "nothing"
            server = f"{result.release} {result.case.name}: {result.about}"
            wanted = f" (breaks {', '.join(result.wanted)})" if result.wanted else ""
            yield f"  {result.verdict}: {server}{wanted}; named: {named}"


def worse(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each group of which too few are found, or too many accused."""
    for group, verdicts, share in by_group(results):
        least = MIN_FOUND.get(group, 0)
        if round(share, 2) < least:
            yield f"{group}: {share:.0%} are found, and {least:.0%} were"
        most = MAX_ALARMS.get(group, 0)
        if verdicts["alarm"] > most:
            yield f"{group}: {verdicts['alarm']} are accused, and {most} were"


@click.command()
@click.option("--set", "sets", multiple=True, type=click.Choice([*SETS]), default=[*SETS],
              help="Measure with these servers only. Repeatable. By default with all.")  # fmt: skip
@click.option("--number", type=click.IntRange(1), help="Number of servers of each set.")
@click.option("--seed", default=0, show_default=True, help="Of combinations and runs.")
@click.option("--budget", type=click.IntRange(1), default=DEFAULT_REQUESTS, show_default=True,
              help="Requests of a run.")  # fmt: skip
@click.option("--few-logins", is_flag=True, help="Limit logins, as on somebody else's server.")
@click.option("--jobs", default=2, show_default=True, help="Number of processes.")
@click.option("--results", "path", type=click.Path(path_type=Path), default=RESULTS,
              help="Where results are kept. Delete it after changes of the kit.")  # fmt: skip
def main(
    sets: tuple[str, ...],
    number: int | None,
    seed: int,
    budget: int,
    jobs: int,
    path: Path,
    *,
    few_logins: bool,
) -> None:
    """Measure the kit with mutants, and with servers that are legal.

    The status is 1 if a whole set is measured, and fewer are found than before, or more accused.
    """
    fallen: list[str] = []
    for name in sets:
        planned = list(cases(Case(name, "", seed, budget, few_logins), number))
        with (
            closing(measure(planned, path, jobs)) as measuring,
            click.progressbar(measuring, len(planned), name) as bar,
        ):
            results = list(bar)
        click.echo("\n".join(summary(results)))
        fallen += worse(results) if number is None else ()
    if fallen:
        raise click.ClickException("; ".join(fallen))
