"""The results of a run: a verdict for each statement in force that was asked for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.targets import Target
from crmcom_kit.contract_tests.options.deviations import Deviation
from crmcom_kit.contract_tests.oracle.findings import (
    Findings,
    StatementFindings,
    Verdict,
    Violation,
)
from crmcom_kit.contract_tests.recorded.client_check import ClientResults
from crmcom_kit.schemas.releases import Release
from crmcom_kit.schemas.statements import Statement, checked_statements


class Outcome(StrEnum):
    """What a run comes to."""

    PASSED = "passed"  # all that the run might see was seen, and holds
    BROKEN = "broken"  # a statement is broken, or something listed as known no longer occurs
    ERROR = "error"  # of the run itself, or of its use
    INCONCLUSIVE = "inconclusive"  # nothing is wrong, and too little was seen
    UNCONFIRMED = "unconfirmed"  # a recording has suspicions that nothing in it confirms

    @property
    def exit_code(self) -> int:
        """The exit status of a command whose run comes to this."""
        return {Outcome.BROKEN: 1, Outcome.ERROR: 2, Outcome.INCONCLUSIVE: 3}.get(self, 0)


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What a run says of one statement."""

    statement: Statement
    verdict: Verdict
    why: str  # in words: why it was not exercised, or what the deviation is
    findings: StatementFindings
    stale: bool  # whether it is listed as a deviation, and holds
    by_method: Mapping[str, Verdict]  # if it is about several methods

    @property
    def violations(self) -> list[Violation]:
        """One violation of each cause, in the order in which they were first seen."""
        return [cause.violation for cause in self.findings.causes.values()]


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
    #: Numbers of the webhook requests that the run has changed, or may have without a response.
    changed: tuple[str, ...] = ()
    inventory: str = ""  # the outcome of the comparison outside the scope
    trouble: str | None = None  # why the run itself failed, or checked nothing
    notes: tuple[str, ...] = ()
    never_served: tuple[str, ...] = ()  # methods that were tried, a line each
    inconclusive: tuple[str, ...] = ()  # what the run has not seen, and must have seen to pass
    stale: tuple[str, ...] = ()  # what was seen, and is listed as not seen
    waived: tuple[str, ...] = ()  # what was not seen, as expected
    #: Ids of webhook requests that others may have changed, or that are no longer known for sure.
    unsteady: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()  # what a reader has to know to trust the verdicts
    client: ClientResults | None = None  # of a recording, if its client is checked
    unconfirmed: int = 0  # suspicions in recorded traffic that no later exchange confirms

    @property
    def achieved(self) -> int:
        """How many statements have a verdict."""
        return sum(result.verdict is not Verdict.NOT_EXERCISED for result in self.statements)

    @property
    def outcome(self) -> Outcome:
        """What the run comes to."""
        if self.trouble is not None:
            return Outcome.ERROR
        fails = (result.verdict is Verdict.BROKEN or result.stale for result in self.statements)
        is_mistaken = self.client is not None and bool(self.client.mistakes)
        if self.stale or is_mistaken or any(fails):
            return Outcome.BROKEN
        if self.inconclusive:
            return Outcome.INCONCLUSIVE
        return Outcome.UNCONFIRMED if self.unconfirmed else Outcome.PASSED

    @property
    def exit_code(self) -> int:
        """The exit status of the command."""
        return self.outcome.exit_code


def statement_results(
    findings: Findings,
    release: Release,
    deviations: Sequence[Deviation],
    pattern: str = "*",
    why_not: Callable[[str], str] = lambda _: "no request of this run tested it",
) -> tuple[StatementResult, ...]:
    """Return the result of each testable statement in force whose id fits ``pattern``.

    ``why_not`` returns why a statement, by its id, was not exercised.
    """
    all_findings = findings.by_statement.values()
    called_methods = {method for own_findings in all_findings for method in own_findings.held_by}
    results = []
    for statement in checked_statements(release.name, pattern):
        own_deviations = [
            deviation for deviation in deviations if deviation.statement == statement.id
        ]
        own_findings, methods = findings.by_statement[statement.id], statement.methods_in(release)
        result = _result(statement, methods, own_findings, own_deviations, called_methods, why_not)
        results.append(result)
    return tuple(results)


def _result(
    statement: Statement,
    methods: Sequence[str],
    findings: StatementFindings,
    deviations: Sequence[Deviation],
    called_methods: Collection[str],
    why_not: Callable[[str], str],
) -> StatementResult:
    """Return the result of a statement about ``methods``, with its listed ``deviations``.

    ``called_methods`` are all methods that the run has sent requests to.
    """
    uncovered_sightings = [
        sighting
        for sighting in findings.sightings
        if not any(deviation.explains(statement.id, *sighting) for deviation in deviations)
    ]

    def verdict(method: str | None = None) -> Verdict:
        """Return the verdict for one method, or for all."""
        if any(method in (None, sighting.method) for sighting in uncovered_sightings):
            return Verdict.BROKEN
        if any(method in (None, sighting.method) for sighting in findings.sightings):
            return Verdict.DEVIATES
        hold_count = findings.held if method is None else findings.held_by[method]
        return Verdict.HOLDS if hold_count else Verdict.NOT_EXERCISED

    stale_deviations = [
        deviation
        for deviation in deviations
        if verdict(deviation.method) is Verdict.HOLDS
        and (deviation.after is None or deviation.after in called_methods)
    ]
    reasons = [why_not(statement.id)] if verdict() is Verdict.NOT_EXERCISED else []
    if verdict() is Verdict.DEVIATES:
        reasons += dict.fromkeys(deviation.reason for deviation in deviations)
    elif uncovered_sightings and deviations:
        reasons.append(f"the listed deviation does not cover this: {uncovered_sightings[0].seen}")
    for deviation in stale_deviations:
        scope = f" of {deviation.method}" if deviation.method else ""
        reasons.append(f"the listed deviation{scope} is stale, remove it: {deviation.reason}")
    return StatementResult(
        statement=statement,
        verdict=verdict(),
        why="; ".join(reasons),
        findings=findings,
        stale=bool(stale_deviations),
        by_method={method: verdict(method) for method in methods if len(methods) > 1},
    )
