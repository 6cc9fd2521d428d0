"""The inventory: compare what the run must not change before and after it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.belief.knowledge import differing
from crmcom_kit.contract_tests.client.errors import BudgetSpent
from crmcom_kit.contract_tests.client.wording import counted
from crmcom_kit.contract_tests.oracle.sense import IDENTIFIER
from crmcom_kit.contract_tests.safety.scope import Sender


class Inventory:
    """All that was known at the start, and the lists that found it."""

    def __init__(self, session: Sender, lists: Sequence[Mapping[str, Any]]) -> None:
        """Remember what ``session`` knows now, found by calling list with each of ``lists``."""
        self._session = session
        self._lists = lists
        self._before: dict[str, Record] = dict(session.scene.belief.records)

    @property
    def cost(self) -> int:
        """How many requests the comparison takes, a few at most besides."""
        return len(self._lists) + 2

    def compare(self, touched: Iterable[str]) -> str:
        """Read everything again and return in a sentence what came of it.

        Args:
            touched: the ids of what the run tried to change, and of what served requests changed.
        """
        left = set(touched)
        kept = {key: record for key, record in self._before.items() if key not in left}
        if not kept:
            return "the run knew no webhook request that must not change"
        after = self._read_again(kept)
        belief = self._session.scene.belief
        found: defaultdict[str, list[str]] = defaultdict(list)  # numbers, by what happened
        for key, record in kept.items():
            now, number = after.get(key), str(record.get("number"))
            if key not in after:
                found["not read again"].append(number)
            elif now is None:
                found["gone"].append(number)
            elif belief.records.get(key) is not record and differing(record, now):
                found["changed"].append(number)
        said = "; ".join(
            f"{what}: {len(numbers)} (numbers {', '.join(numbers[:10])})"
            for what, numbers in found.items()
        )
        verb = "was" if len(kept) == 1 else "were"
        said = said or "nothing has changed"
        if unseen := len(belief.unseen):
            said += f"; {counted(unseen, 'webhook request')} got no room, and may have changed"
        return (
            f"{counted(len(kept), 'webhook request')} that must not change {verb} read before and "
            f"after; {said}"
        )

    def _read_again(self, kept: Mapping[str, Record]) -> dict[str, Record | None]:
        """Return each webhook request as it is now, None where it is gone; some not at all."""
        after: dict[str, Record | None] = {}
        with suppress(BudgetSpent):  # what is left then counts as not read
            for parameters in self._lists:
                for record in self._session.call("list", parameters).records:
                    if isinstance(record.get("id"), str):
                        after[record["id"]] = record
            for key in [key for key in kept if key not in after]:
                shown = self._session.call("show", {IDENTIFIER: {"id": key}}).records
                after[key] = next((each for each in shown if each.get("id") == key), None)
        return after
