"""What is known of one dial, and how surely."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.schemas.dialect_file import toml_value

NOT_TRIED = "not tried"  # why a dial is left open


class Learned(NamedTuple):
    """What is known of one dial."""

    values: Sequence[Any]  # that fit, or were seen; the first one is the best
    evidence: str  # what has settled it, or why it is left open

    @property
    def is_open(self) -> bool:
        """Whether it was not settled."""
        return self.evidence.startswith("unsettled")

    @property
    def is_untried(self) -> bool:
        """Whether it was left open since there was no time to try its values."""
        return self.evidence.startswith(f"unsettled ({NOT_TRIED}:")

    @property
    def is_observed(self) -> bool:
        """Whether responses have settled it."""
        return self.evidence.startswith("observed")

    @property
    def is_derived(self) -> bool:
        """Whether it was not seen, and follows from something that was."""
        return self.evidence.startswith("derived")


def of_counts(values: Counter[Any]) -> Learned:
    """Return values that were seen, the most frequent one first; settled if it is the only one."""
    ranked = values.most_common()
    counts = ", ".join(f"{toml_value(value)} {counted(n, 'time')}" for value, n in ranked)
    is_settled = len(ranked) == 1
    why = f"observed ({counts})" if is_settled else f"unsettled (contradictory: {counts})"
    return Learned([value for value, _ in ranked], why)


def left_open(values: Sequence[Any], why: str) -> Learned:
    """Return values that are not told apart, and why."""
    return Learned(values, f"unsettled ({why}: {', '.join(map(toml_value, values))})")
