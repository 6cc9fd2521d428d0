"""What has become of the webhook requests of a world since a snapshot, and which request did it."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, NamedTuple

import orjson

from crmcom_kit.mock_server.journal.journal import Journal
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.world.world import World


class FieldChange(NamedTuple):
    """One member of a record before and after; None stands for a member that is not there."""

    name: str  # with dots between the names of nested members; those of the data object: data.…
    before: Any
    after: Any


class RecordChange(NamedTuple):
    """One webhook request that is not as it was."""

    id: str
    number: str
    change: Literal["added", "changed", "deleted"]
    fields: tuple[FieldChange, ...]
    call: str | None  # the last entry of the journal that changed it since, if any did


def changes_since(world: World, snapshot: str, limit: int | None = None) -> list[RecordChange]:
    """Return what has changed since ``snapshot`` was saved.

    Records come newest first, those that were deleted last. Raises NotFound.
    """
    saved, epoch = world.saved(snapshot), world.current_epoch
    then, now = saved.content.store.contents(), epoch.store.contents()
    calls = _last_calls(epoch.journal, epoch.journal.number_of(saved.entry) or 0)
    return [
        _change(before, after, calls) for before, after in islice(now.changes_since(then), limit)
    ]


def _last_calls(journal: Journal, since: int) -> dict[str, str]:
    """Return the id of the last entry after ``since`` that changed each record, by the record's."""
    found: dict[str, str] = {}
    for entry in journal.entries(since):
        result = entry.result
        if result is None:  # it has done nothing yet
            continue
        body = result.before or result.after
        if body is not None and (result.before != result.after or result.attempts):
            found[orjson.loads(body)["id"]] = journal.id_of(entry.number)
    return found


def _change(before: Record | None, after: Record | None, calls: dict[str, str]) -> RecordChange:
    record = after or before
    assert record is not None  # noqa: S101 - for the type checker: one of them is there
    return RecordChange(
        id=record.id,
        number=record.number,
        change="added" if before is None else "deleted" if after is None else "changed",
        fields=tuple(_fields("", _members(before), _members(after))),
        call=calls.get(record.id),
    )


def _members(record: Record | None) -> dict[str, Any]:
    """Return the members of a record as responses show them, and its data object."""
    if record is None:
        return {}
    data = None if record.data is None else orjson.loads(record.data)
    return {**orjson.loads(record.body), "data": data}


def _fields(prefix: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[FieldChange]:
    """Yield the members that differ, in their order."""
    for name in before | after:
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _fields(f"{prefix}{name}.", old, new)
        elif old != new:
            yield FieldChange(f"{prefix}{name}", old, new)
