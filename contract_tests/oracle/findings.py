"""What a run found: statements kept, violations, and what could not be tried."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from crmcom_kit.contract_tests.client.exchanges import Call, Exchange
from crmcom_kit.contract_tests.client.wording import shape_of, shortened
from crmcom_kit.schemas.statements import statement as statement_of


class Verdict(StrEnum):
    """What a run says of one statement."""

    HOLDS = "holds"
    BROKEN = "broken"
    DEVIATES = "deviates"
    NOT_EXERCISED = "not_exercised"


#: The maximum number of characters of a text of a violation: a server may send any number.
MAX_TEXT = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Violation:
    """A statement found broken, with what shows it."""

    statement: str  # its id
    exchanges: tuple[Exchange, ...]  # that show it; the last one broke it
    expected: str  # what the statement promises of that request
    seen: str  # what came instead
    record_id: str | None = None  # id of the webhook request that it is about, if it is about one
    method: str = ""  # that breaks it; by default the last exchange's
    witness: tuple[Call, ...] = ()  # the shortest sequence of requests that shows it, if it was cut

    def __post_init__(self) -> None:
        """Cut texts to ``MAX_TEXT``, and blame a method that the statement is about."""
        is_long_id = self.record_id is not None and len(self.record_id) > MAX_TEXT
        method = method_to_blame(self.statement, self.method or self.exchanges[-1].call.method)
        object.__setattr__(self, "expected", shortened(self.expected, MAX_TEXT))
        object.__setattr__(self, "seen", shortened(self.seen, MAX_TEXT))
        object.__setattr__(self, "record_id", None if is_long_id else self.record_id)
        object.__setattr__(self, "method", method)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The requests that show it: the shortest sequence, or those of its exchanges."""
        return self.witness or tuple(exchange.call for exchange in self.exchanges)

    def __str__(self) -> str:
        return f"{self.statement}: expected {self.expected}; seen {self.seen}"


class Broken(AssertionError):
    """Raised in a user's test if a request shows that a statement is broken.

    Each statement has a subclass, so that Hypothesis doesn't mix them when it shrinks.
    """

    statement = ""  # its id


@cache
def broken(statement: str) -> type[Broken]:
    """Return the subclass of ``Broken`` for a statement."""
    name = "".join(part.capitalize() for part in re.split("[._]", statement))
    members = {"statement": statement, "__doc__": f"{statement} is broken.", "__module__": __name__}
    return type(f"Broken{name}", (Broken,), members)


def method_to_blame(statement: str, method: str) -> str:
    """Return the method to blame if a request of ``method`` shows that a statement is broken."""
    about = statement_of(statement).methods
    return method if method in about else about[0]


#: The maximum number of causes that are kept apart for one statement; others count as the last one.
MAX_CAUSES = 10
#: The maximum number of internal errors of crmcom-kit that are kept.
MAX_CRASHES = 10


class Sighting(NamedTuple):
    """What violations of one statement have in common for a deviation."""

    method: str
    seen: str


@dataclass(slots=True)
class Cause:
    """Violations of one statement that differ only in values: reports show one of them."""

    violation: Violation  # the one with the fewest requests
    times: int = 0
    #: What was seen, with the number of the first exchange of each.
    sightings: dict[Sighting, int] = field(default_factory=dict)
    records: set[str] = field(default_factory=set)  # IDs of their webhook requests

    def add(self, violation: Violation) -> None:
        """Count a violation, and show it if that takes fewer requests."""
        self.times += 1
        sighting = Sighting(violation.method, violation.seen)
        number = violation.exchanges[-1].number
        self.sightings[sighting] = min(number, self.sightings.get(sighting, number))
        if violation.record_id is not None:
            self.records.add(violation.record_id)
        if len(violation.calls) < len(self.violation.calls):
            self.violation = violation


@dataclass(slots=True)
class StatementFindings:
    """What a run found out about one statement."""

    held_by: Counter[str] = field(default_factory=Counter)  # how often it was kept, by method
    requests: set[int] = field(default_factory=set)  # numbers of the exchanges that show it
    causes: dict[tuple[str, str], Cause] = field(default_factory=dict)  # by texts without values

    @property
    def held(self) -> int:
        """How often the statement was kept."""
        return self.held_by.total()

    @property
    def sightings(self) -> dict[Sighting, int]:
        """What was seen of all violations, with the number of the first exchange of each."""
        return {
            sighting: number
            for cause in self.causes.values()
            for sighting, number in cause.sightings.items()
        }

    def keep(self, violation: Violation) -> None:
        """Count a violation with those of its cause."""
        self.requests.update(exchange.number for exchange in violation.exchanges)
        shape = shape_of(violation.expected), shape_of(violation.seen)
        if len(self.causes) >= MAX_CAUSES and shape not in self.causes:
            shape = next(reversed(self.causes))
        self.causes.setdefault(shape, Cause(violation)).add(violation)


class Findings:
    """Collects what a run finds, by statement."""

    def __init__(self) -> None:
        """Start empty."""
        self.by_statement: defaultdict[str, StatementFindings] = defaultdict(StatementFindings)
        self.crashes: list[str] = []  # errors of the kit itself: no verdict on the target

    @property
    def violation_count(self) -> int:
        """The number of violations so far, of all statements."""
        statements = self.by_statement.values()
        return sum(cause.times for findings in statements for cause in findings.causes.values())

    def hold(self, statements: Iterable[str], exchange: Exchange) -> None:
        """Note that an exchange kept some statements."""
        for statement in statements:
            findings = self.by_statement[statement]
            findings.held_by[exchange.call.method] += 1
            findings.requests.add(exchange.number)

    def note_violation(self, violation: Violation) -> None:
        """Note a violation."""
        self.by_statement[violation.statement].keep(violation)

    def note_crash(self, where: str, error: Exception) -> None:
        """Note an internal error of crmcom-kit, once for each place."""
        text = shortened(f"{where}: {type(error).__name__}: {error}")
        if text not in self.crashes and len(self.crashes) < MAX_CRASHES:
            self.crashes.append(text)
