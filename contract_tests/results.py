"""The results of a run: one verdict for each statement in force that is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.deviations import Deviation
from crmcom_kit.contract_tests.findings import Findings, StatementFindings, Verdict, Violation
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.schemas.releases import Release
from crmcom_kit.schemas.statements import Statement, checked_statements


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What a run says of one statement."""

    statement: Statement
    verdict: Verdict
    why: str  # in words: what was left out, or what the deviation is
    found: StatementFindings
    stale: bool  # listed as a deviation, and holds
    by_method: Mapping[str, Verdict]  # if it is about several

    @property
    def violations(self) -> list[Violation]:
        """One violation of each cause, in the order in which they were first seen."""
        return [cause.violation for cause in self.found.causes.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything that reports are made from."""

    target: Target
    command: str  # repeats the run
    seed: int
    began: str  # ISO 8601, UTC
    seconds: float
    statements: tuple[StatementResult, ...]
    history: tuple[Exchange, ...]
    #: Numbers of the webhook requests that the run has changed, or may have: no response has told.
    changed: tuple[str, ...] = ()
    inventory: str = ""  # what the comparison outside the scope came to
    trouble: str | None = None  # why the run itself failed, where it did
    notes: tuple[str, ...] = field(default=())
    never_served: tuple[str, ...] = ()  # methods that were tried, a line each
    unserved: tuple[str, ...] = ()  # methods that were tried often
    #: Ids of webhook requests that others may have changed, or of which nothing is sure any more.
    unsteady: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()  # what a reader has to know to trust the verdicts
    unconfirmed: int = 0  # contradictions in recorded traffic that no later exchange confirms

    @property
    def achieved(self) -> int:
        """How many statements have a verdict."""
        return sum(each.verdict is not Verdict.NOT_EXERCISED for each in self.statements)

    @property
    def exit_code(self) -> int:
        """0: all that was tried holds; 1: a statement is broken; 2: the run itself failed."""
        if self.trouble is not None or self.achieved == 0:
            return 2
        return int(any(each.verdict is Verdict.BROKEN or each.stale for each in self.statements))


def statement_results(
    findings: Findings,
    release: Release,
    deviations: Sequence[Deviation],
    only: str = "*",
    *,
    unseen: str = "no request of this run tested it",
) -> tuple[StatementResult, ...]:
    """Give each statement in force its verdict, where it can be tried and its id fits ``only``.

    Every response is checked for all statements, so that a run about few comes by others, too. Of
    one that nothing came by ``unseen`` says why it has no verdict.
    """
    results = []
    for each in checked_statements(release.name, only):
        listed = [deviation for deviation in deviations if deviation.statement == each.id]
        found = findings.by_statement[each.id]
        results.append(_result(each, found, listed, each.methods_in(release), unseen))
    return tuple(results)


def _result(
    statement: Statement,
    found: StatementFindings,
    listed: Sequence[Deviation],
    methods: Sequence[str],
    unseen: str,
) -> StatementResult:
    several = methods if len(methods) > 1 else ()
    stale = [each for each in listed if _verdict(found, listed, each.method)[0] == Verdict.HOLDS]
    verdict, why = _verdict(found, listed)
    said = [f"{_named(each)} is stale, remove it: {each.reason}" for each in stale]
    if verdict is Verdict.NOT_EXERCISED:
        why = found.missed or unseen
    return StatementResult(
        statement=statement,
        verdict=verdict,
        why="; ".join(filter(None, [why, *said])),
        found=found,
        stale=bool(stale),
        by_method={each: _verdict(found, listed, each)[0] for each in several},
    )


def _named(deviation: Deviation) -> str:
    return "the listed deviation" + (f" of {deviation.method}" if deviation.method else "")


def _verdict(
    found: StatementFindings, listed: Sequence[Deviation], method: str | None = None
) -> tuple[Verdict, str]:
    """Return the verdict, for one method or for all, and why if there are violations.

    A deviation must explain every single violation.
    """
    kinds = [kind for kind in found.kinds if method in (None, kind.method)]
    if not kinds:
        held = found.held if method is None else found.held_by[method]
        return (Verdict.HOLDS if held else Verdict.NOT_EXERCISED), ""
    listed = [each for each in listed if method is None or each.method in (None, method)]
    if not listed:
        return Verdict.BROKEN, ""
    for kind in kinds:
        if not any(each.explains(kind.seen, kind.method) for each in listed):
            return Verdict.BROKEN, f"the listed deviation does not cover this: {kind.seen}"
    return Verdict.DEVIATES, "; ".join(each.reason for each in listed)
