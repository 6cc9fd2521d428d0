"""The webhook requests that a run knows, and which of them it may change."""

from collections.abc import Callable, Iterator
from typing import Any

Record = dict[str, Any]  # a webhook request as an answer showed it, whole


def nameable(record: Record) -> bool:
    """Whether a webhook request has as texts what it is named and listed by."""
    names = ("id", "number", "entity", "entity_id")
    return all(isinstance(record.get(name), str) for name in names)


class Pool:
    """What is known of the target's webhook requests, by id."""

    def __init__(self, may_change: Callable[[Record], bool] = lambda _: False) -> None:
        """Start with none; ``may_change`` says whether a webhook request is in scope."""
        self.records: dict[str, Record] = {}
        self.deleted: dict[str, Record] = {}  # as they were when they were deleted
        self.may_change = may_change
        self._taken: set[str] = set()

    def __len__(self) -> int:
        return len(self.records)

    def clear(self) -> None:
        """Forget everything but the scope."""
        self.records.clear()
        self.deleted.clear()
        self._taken.clear()

    def learn(self, record: Record) -> None:
        """Keep a whole webhook request, as it is now."""
        if isinstance(record.get("id"), str):
            self.records[record["id"]] = record

    def forget(self, record_id: str) -> None:
        """Move a webhook request to the deleted ones."""
        gone = self.records.pop(record_id, None)
        if gone is not None:
            self.deleted[record_id] = gone

    def known(self, state: str | None = None) -> Iterator[Record]:
        """Yield the known webhook requests, or those in ``state``, in the order they were seen."""
        for record in list(self.records.values()):
            if state is None or record.get("life_cycle_state") == state:
                yield record

    def for_change(self, state: str | None = None) -> Record | None:
        """Take a webhook request that may be changed, and that no other check has taken."""
        for record in self.known(state):
            if not nameable(record):
                continue  # which a check has noticed
            if record["id"] not in self._taken and self.may_change(record):
                self._taken.add(record["id"])
                return record
        return None

    def give_back(self, record_id: str) -> None:
        """Let another check take a webhook request that was changed and still exists."""
        self._taken.discard(record_id)

    def named(self, value: object) -> Record | None:
        """Return the known webhook request with that id or number, or None."""
        if not isinstance(value, str):
            return None
        found = self.records.get(value)
        return found or next((r for r in self.records.values() if r.get("number") == value), None)
