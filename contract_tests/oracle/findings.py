"""What a run found: statements kept, violations, and what could not be tried."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
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


#: So many characters a text of a violation has: a server's own may be of any length.
MAX_TEXT = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Violation:
    """A statement found broken, with what shows it."""

    statement: str  # its id
    exchanges: tuple[Exchange, ...]  # that show it; the last one broke it
    expected: str  # what the statement promises of that request
    seen: str  # what came instead
    record: str | None = None  # id of the webhook request that it is about, if it is about one
    method: str = ""  # that breaks it; by default the last exchange's
    witness: tuple[Call, ...] = ()  # the shortest sequence of requests that shows it, if it was cut

    def __post_init__(self) -> None:
        """Cut texts to ``MAX_TEXT``, and blame a method that the statement is about."""
        long_id = self.record is not None and len(self.record) > MAX_TEXT
        method = blamed(self.statement, self.method or self.exchanges[-1].call.method)
        object.__setattr__(self, "expected", shortened(self.expected, MAX_TEXT))
        object.__setattr__(self, "seen", shortened(self.seen, MAX_TEXT))
        object.__setattr__(self, "record", None if long_id else self.record)
        object.__setattr__(self, "method", method)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The requests that show it: the shortest sequence, or those of its exchanges."""
        return self.witness or tuple(exchange.call for exchange in self.exchanges)

    def __str__(self) -> str:
        return f"{self.statement}: expected {self.expected}; seen {self.seen}"


class Broken(AssertionError):
    """A statement that was found broken while a test of a user's own sent requests.

    Each statement has a subclass, so that Hypothesis, when it shrinks, doesn't slide to another.
    """

    statement = ""  # its id


@cache
def broken(statement: str) -> type[Broken]:
    """Return the class of the exceptions that say that a statement is broken."""
    name = "".join(part.capitalize() for part in re.split("[._]", statement))
    members = {"statement": statement, "__doc__": f"{statement} is broken.", "__module__": __name__}
    return type(f"Broken{name}", (Broken,), members)


def blamed(statement: str, method: str) -> str:
    """Return the method that breaks a statement, if a request to ``method`` shows it."""
    about = statement_of(statement).methods
    return method if method in about else about[0]


#: So many causes of violations of one statement are told apart; others count as the last one.
MAX_CAUSES = 10
#: So many internal errors of crmcom-kit are kept.
MAX_CRASHES = 10


class Kind(NamedTuple):
    """What was seen of violations, as deviations tell them apart."""

    method: str
    seen: str


@dataclass(slots=True)
class Cause:
    """Violations of one statement that differ in values alone: reports show one of them."""

    violation: Violation  # the one with the fewest requests
    times: int = 0
    kinds: dict[Kind, int] = field(default_factory=dict)  # number of the first exchange of each
    records: set[str] = field(default_factory=set)  # IDs of the webhook requests concerned

    def add(self, violation: Violation) -> None:
        """Count a violation, and show it if that takes fewer requests."""
        self.times += 1
        kind, number = Kind(violation.method, violation.seen), violation.exchanges[-1].number
        self.kinds[kind] = min(number, self.kinds.get(kind, number))
        if violation.record is not None:
            self.records.add(violation.record)
        if len(violation.calls) < len(self.violation.calls):
            self.violation = violation


@dataclass(slots=True)
class StatementFindings:
    """All that a run found out about one statement."""

    held_by: Counter[str] = field(default_factory=Counter)  # how often it was kept, by method
    requests: set[int] = field(default_factory=set)  # numbers of the exchanges that tell of it
    causes: dict[tuple[str, str], Cause] = field(default_factory=dict)  # by texts, less values

    @property
    def held(self) -> int:
        """How often the promise was seen to be kept."""
        return self.held_by.total()

    @property
    def kinds(self) -> dict[Kind, int]:
        """What was seen of all violations, with the number of the first exchange of each."""
        return {
            kind: number for cause in self.causes.values() for kind, number in cause.kinds.items()
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
        """Start with nothing found."""
        self.by_statement: defaultdict[str, StatementFindings] = defaultdict(StatementFindings)
        self.crashes: list[str] = []  # errors of the kit itself: no verdict on the target

    @property
    def breaks(self) -> int:
        """How many violations were found so far, of whatever statement."""
        found = self.by_statement.values()
        return sum(cause.times for each in found for cause in each.causes.values())

    def hold(self, statement: str, exchange: Exchange) -> None:
        """Note that a promise was kept."""
        found = self.by_statement[statement]
        found.held_by[exchange.call.method] += 1
        found.requests.add(exchange.number)

    def hold_all(self, statements: Sequence[str], exchange: Exchange) -> None:
        """Note that one response kept several promises."""
        for statement in statements:
            self.hold(statement, exchange)

    def broke(self, violation: Violation) -> None:
        """Note a violation."""
        self.by_statement[violation.statement].keep(violation)

    def crash(self, where: str, error: Exception) -> None:
        """Note an internal error of crmcom-kit, once for each place."""
        what = shortened(f"{where}: {type(error).__name__}: {error}")
        if what not in self.crashes and len(self.crashes) < MAX_CRASHES:
            self.crashes.append(what)
