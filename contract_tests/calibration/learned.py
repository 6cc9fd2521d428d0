"""What is known of one dial, and how surely."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.schemas.dialect_file import toml_value


class Grade(StrEnum):
    """How surely something is known of a server."""

    OBSERVED = "observed"  # responses have settled it
    DERIVED = "derived"  # it was not seen, and follows from something that was
    KEPT = "kept"  # from an earlier profile
    UNSETTLED = "unsettled"


class Learned(NamedTuple):
    """What is known of one dial."""

    values: Sequence[Any]  # that fit, or were seen; the first one is the best
    grade: Grade
    reason: str = ""  # what has settled it, or why it is left open

    @property
    def is_open(self) -> bool:
        """Whether it was not settled."""
        return self.grade is Grade.UNSETTLED

    @property
    def evidence(self) -> str:
        """The grade and the reason, for people."""
        return f"{self.grade} ({self.reason})" if self.reason else str(self.grade)


def of_counts(values: Counter[Any]) -> Learned:
    """Return values that were seen, the most frequent one first; settled if it is the only one."""
    ranking = values.most_common()
    counts = ", ".join(f"{toml_value(value)} {counted(n, 'time')}" for value, n in ranking)
    if len(ranking) == 1:
        return Learned([*values], Grade.OBSERVED, counts)
    return Learned([value for value, _ in ranking], Grade.UNSETTLED, f"contradictory: {counts}")


def left_open(values: Sequence[Any], why: str) -> Learned:
    """Return values that no response distinguishes, and why."""
    return Learned(values, Grade.UNSETTLED, f"{why}: {', '.join(map(toml_value, values))}")
