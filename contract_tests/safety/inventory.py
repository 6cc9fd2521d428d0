"""The inventory: compare what the run must not change before and after it."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.knowledge import differing
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.client.errors import BudgetSpent
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.oracle.parsing import IDENTIFIER
from crmcom_kit.contract_tests.safety.guard import CallMethod


class Inventory:
    """The webhook requests that were known at the start, and the lists that found them."""

    def __init__(
        self, belief: Belief, call: CallMethod, lists: Sequence[Mapping[str, Any]]
    ) -> None:
        """Keep what is known now; ``lists`` are the parameters of the lists it took."""
        self._belief, self._call, self._lists = belief, call, lists
        self._before: dict[str, Record] = dict(belief.records.condensed)

    @property
    def cost(self) -> int:
        """About how many requests the comparison takes."""
        return len(self._lists) + 2

    def compare(self, touched_ids: Container[str]) -> str:
        """Read everything again, and return a sentence on what has changed.

        Args:
            touched_ids: of those that the run tried to change, or that served requests changed.
        """
        condensed = self._belief.records.condensed
        records = {key: record for key, record in self._before.items() if key not in touched_ids}
        if not records:
            return "the run knew no webhook request that must not change"
        after = self._read_again(records)
        numbers_by_change: defaultdict[str, list[str]] = defaultdict(list)
        for key, record in records.items():
            later_record, number = after.get(key), str(record.get("number"))
            if key not in after:
                numbers_by_change["not read again"].append(number)
            elif later_record is None:
                numbers_by_change["gone"].append(number)
            elif condensed.get(key) is not record and differing(record, later_record):
                numbers_by_change["changed"].append(number)
        outcome = "; ".join(
            f"{change}: {len(numbers)} (numbers {', '.join(numbers[:10])})"
            for change, numbers in numbers_by_change.items()
        )
        verb = "was" if len(records) == 1 else "were"
        outcome = outcome or "nothing has changed"
        if untracked_count := len(self._belief.records.untracked_ids):
            count = counted(untracked_count, "webhook request")
            outcome += f"; {count} are untracked, and may have changed"
        count = counted(len(records), "webhook request")
        return f"{count} that must not change {verb} read before and after; {outcome}"

    def _read_again(self, ids: Iterable[str]) -> dict[str, Record | None]:
        """Return webhook requests as they are now, None if gone; the budget may not do for all."""
        after: dict[str, Record | None] = {}
        with suppress(BudgetSpent):  # all others then count as not read
            for parameters in self._lists:
                for record in self._call("list", parameters).records:
                    if isinstance(record.get("id"), str):
                        after[record["id"]] = record
            for key in [key for key in ids if key not in after]:
                records = self._call("show", {IDENTIFIER: {"id": key}}).records
                after[key] = next((record for record in records if record.get("id") == key), None)
        return after
