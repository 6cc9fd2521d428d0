"""Which of the known webhook requests a run may use, and which of them it may change."""

from collections.abc import Callable, Iterator

from crmcom_kit.contract_tests.checks.world import Record, World


def nameable(record: Record) -> bool:
    """Whether a webhook request has as strings what it is named and listed by."""
    names = ("id", "number", "entity", "entity_id")
    return all(isinstance(record.get(name), str) for name in names)


class Pool:
    """The webhook requests that are known of a target, and the scope of a run."""

    def __init__(
        self, world: World, may_change: Callable[[Record], bool] = lambda _: False
    ) -> None:
        """Take from ``world``; ``may_change`` says whether a webhook request is in scope."""
        self._world = world
        self.may_change = may_change
        self._taken: set[str] = set()

    def __len__(self) -> int:
        return len(self._world.records)

    @property
    def records(self) -> dict[str, Record]:
        """What is known, by id."""
        return self._world.records

    @property
    def deleted(self) -> dict[str, Record]:
        """What was deleted, by id, as it was then."""
        return self._world.deleted

    @property
    def is_free(self) -> bool:
        """Whether any webhook request may be changed, those that are left as witnesses aside."""
        return bool(getattr(self.may_change, "is_free", False))

    def start(self) -> None:
        """Forget what was taken: the target has other webhook requests from now on."""
        self._taken.clear()

    def known(self, state: str | None = None) -> Iterator[Record]:
        """Yield the known webhook requests, or those in ``state``, in the order they were seen."""
        for record in list(self.records.values()):
            if state is None or record.get("life_cycle_state") == state:
                yield record

    def for_change(self, state: str | None = None) -> Record | None:
        """Take a webhook request that may be changed, and that no other probe has taken."""
        for record in self.known(state):
            if not nameable(record):
                continue  # which a check has noticed
            if record["id"] not in self._taken and self.may_change(record):
                self._taken.add(record["id"])
                return record
        return None

    def give_back(self, key: str) -> None:
        """Let another probe take a webhook request that was changed and still exists."""
        self._taken.discard(key)
