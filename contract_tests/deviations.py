"""Deviations: statements that one target is known to break, with reason and date."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crmcom_kit.contract_tests.findings import Violation

KINDS = ("vendor-bug", "undocumented", "doc-error", "mock-simplification")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One broken statement that is accepted for one target."""

    statement: str
    kind: str  # one of KINDS
    seen: str  # the behaviour, as a violation words it; * stands for anything
    reason: str
    date: str  # ISO 8601
    expires: str | None = None

    def explains(self, violations: Iterable[Violation]) -> bool:
        """Whether every violation is the behaviour that is listed."""
        return all(violation.seen == self.seen for violation in violations)


class Deviations:
    """The deviations of a target, by statement."""

    def __init__(self, listed: Sequence[Deviation] = ()) -> None:
        """Keep the listed ones."""
        self._by_statement = {each.statement: each for each in listed}

    def of(self, statement: str) -> Deviation | None:
        """Return the deviation that is listed for a statement, or None."""
        return self._by_statement.get(statement)
