"""The content of a world as a test sees and changes it: its records and seed data."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson

from crmcom_kit.mock_server.journal.patterns import SHOWN_STATES, check_one_of
from crmcom_kit.mock_server.python_api.arguments import integer, methods_end_at_the_caller
from crmcom_kit.mock_server.world.generation import add_partial, seed
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import LocatedEntry, copied, given_entries
from crmcom_kit.schemas import response_fields
from crmcom_kit.usage_errors import NotFound, UsageError, hint

Record = dict[str, Any]
Entries = str | Path | Iterable[dict[str, Any]] | dict[str, Any]
_MAX_RECORDS = 10_000_000


@methods_end_at_the_caller
class RecordsView:
    """The records as responses show them, oldest first, read from the world on each use.

    Each record is a copy: changing it does not change the world.
    """

    def __init__(self, world: Callable[[], World]) -> None:
        """Read the world that ``world`` returns."""
        self._world = world

    def __len__(self) -> int:
        return len(self._world().store)

    def __iter__(self) -> Iterator[Record]:
        return (orjson.loads(record.body) for record in self._world().store.records())

    def __contains__(self, key: object) -> bool:
        """Return True if there is a record with that number or id."""
        return self.get(key) is not None

    def __getitem__(self, key: str | int) -> Record:
        """Return the record with that number or id. Raises KeyError."""
        __tracebackhide__ = True
        try:
            record = self._world().current_epoch.record_named(str(key))
        except NotFound as error:
            raise KeyError(str(error)) from None
        found: Record = orjson.loads(record.body)
        return found

    def get(self, key: object) -> Record | None:
        """Return the record with that number or id, None if there is none."""
        try:
            return self[str(key)]
        except KeyError:
            return None

    def filter(self, **members: object) -> list[Record]:
        """Return the records that have these members.

        Raises:
            UsageError: a webhook request has no member of that name, or none can have that life
                cycle state or entity.
        """
        few = {"life_cycle_state": SHOWN_STATES, "entity": self._world().config.release.entities}
        for name, value in members.items():
            if name not in response_fields():
                known = response_fields()
                allowed = f"a member of a webhook request: {', '.join(known)}{hint(name, known)}"
                raise UsageError(name, seen="as a member", allowed=allowed)
            if name in few:
                check_one_of(name, value, few[name])
        if "number" in members:  # may be an int here as in `records[7]`
            members["number"] = str(members["number"])
        return [
            record
            for record in self
            if all(record.get(name) == value for name, value in members.items())
        ]

    def __repr__(self) -> str:
        return f"<{len(self)} webhook requests>"


def seed_world(
    world: World, entries: Entries | None, scenario: str | None, knobs: Mapping[str, Any]
) -> int:
    """Replace a world's content by entries, or from a scenario or the generator with ``knobs``.

    Returns how many records it has then.

    Raises:
        DataError, FixtureError: the content is not allowed; nothing has changed.
        UsageError: entries with a scenario or knobs, or another release or dialect.
    """
    if entries is not None and not isinstance(entries, Iterable | Path):
        raise UsageError("entries", seen=repr(entries), allowed="world entries, or a file of them")
    if entries is not None and (scenario is not None or knobs):
        allowed = "either entries, or a scenario or options"
        raise UsageError("entries", seen="entries with other arguments", allowed=allowed)
    _check_knobs(knobs)
    if entries is None:
        return len(seed(world, scenario, knobs).store)
    return len(world.replace_content(given_entries(entries, world.config, "data")).store)


def add_entry(world: World, kind: str, value: dict[str, Any]) -> Record:
    """Add an entry to a world, and return a copy of it as it was added. Raises DataError.

    A webhook request gets the members that it lacks, a definition or rule an id.
    """
    epoch = world.current_epoch
    located = copied(LocatedEntry({kind: value}, f"the {kind}"), world.config)
    filled_in = add_partial(epoch, world, [located]).filled_in
    added = located.entry[kind]
    shown: Record = orjson.loads(filled_in[0].body) if filled_in else added.get("record", added)
    return deepcopy(shown)


def _check_knobs(knobs: Mapping[str, Any]) -> None:
    for name in ("release", "dialect"):
        if name in knobs:
            raise UsageError(
                name, seen="as an option", allowed="only the mock's own, from its start"
            )
    if "count" in knobs:
        integer("count", knobs["count"], 0, _MAX_RECORDS)
