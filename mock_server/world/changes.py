"""Changes of one webhook request of a world."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import orjson

from crmcom_kit.mock_server.deliveries.outcomes import OutcomeName, outcome_of
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.store.reference_data import Object
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.export import written
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import LocatedEntry, validated
from crmcom_kit.schemas import response_fields
from crmcom_kit.usage_errors import Conflict, NotFound, UsageError, quoted

_FIXED = ("id", "number", "entity")
_ERROR = ("error_code", "error_description")
#: Replaced as a whole: they name another object, or nobody knows their members.
_WHOLE = ("webhook_definition", "workflow_rule", "request", "response")
#: What the dialect makes of other members, and of which.
_DERIVED = ("authentication_code", "request", "response")
_DERIVED_FROM = frozenset({"data", "webhook_definition", "life_cycle_state", "error_code"})
_SHOWN_NUMBERS = 5  # in a message
_MAX_TRIES = 100


def record_named(epoch: Epoch, key: str) -> Record:
    """Return the webhook request with that number, or else that id. Raises NotFound."""
    found = epoch.store.get("number", key) or epoch.store.get("id", key)
    if found is None:
        raise _unknown(epoch, key)
    return found


def _unknown(epoch: Epoch, key: str) -> NotFound:
    count = len(epoch.store)
    numbers = [record.number for record in islice(epoch.store.records(), _SHOWN_NUMBERS)]
    more = f" and {count - len(numbers)} more" if count > len(numbers) else ""
    known = f"{', '.join(numbers)}{more}" if numbers else "it has none"
    allowed = f"number or id of a webhook request of this world: {known}"
    return NotFound("record", seen=quoted(key), allowed=allowed)


def remove_record(epoch: Epoch, key: str) -> Record:
    """Remove a webhook request by number or id, and return it as it last was. Raises NotFound."""
    found = epoch.store.delete("id", record_named(epoch, key).id)
    if found is None:  # deleted meanwhile
        raise _unknown(epoch, key)
    return found


def change_record(world: World, epoch: Epoch, key: str, change: Mapping[str, Any]) -> Record:
    """Change members of a webhook request, and return it.

    Args:
        world: the world.
        epoch: its epoch when the caller began.
        key: number or id of the webhook request.
        change: ``record`` has members to be merged into those that are there, except that a
            definition, a rule, ``request`` and ``response`` are replaced as a whole; ``data`` is
            the data object in place of the one that is there. What depends on a changed member
            and is not given follows: the error of another state, and the authentication code,
            request and response that the dialect makes.

    Raises:
        NotFound: there is no such webhook request.
        UsageError, DataError: it cannot become this; nothing has changed.
        Conflict: it is being sent, or the content was replaced; nothing has changed.
    """
    for _ in range(_MAX_TRIES):
        before = record_named(epoch, key)
        if before.state is State.SENDING:
            seen = f"number {before.number}, which is being sent"
            raise Conflict("record", seen=seen, allowed="one that is not being sent; try again")
        entry = _changed(epoch, before, change)
        place = f"webhook request {before.number}"
        (located,) = validated([LocatedEntry(entry, place)], world.config)
        after = world.replace_record(before, located, expected_epoch=epoch)
        if after is not None:
            return after
    seen = f"number {before.number}, which other requests keep changing"
    raise Conflict("record", seen=seen, allowed="one that others are not changing; try again")


def _changed(epoch: Epoch, before: Record, change: Mapping[str, Any]) -> Object:
    """Return the entry of a webhook request with a change. Raises UsageError."""
    entry: Object = orjson.loads(written(before, epoch.reference_data))
    record = entry["record"]
    given = {
        name: value
        for name, value in change.get("record", {}).items()
        if name not in record or record[name] != value
    }
    for name, value in given.items():
        if name in _FIXED:
            allowed = f"{quoted(record[name])}: it cannot be changed"
            raise UsageError(name, seen=_seen(value), allowed=allowed)
        if name not in response_fields():
            allowed = f"one of {', '.join(response_fields())}"
            raise UsageError(quoted(name)[1:-1], seen="as a member", allowed=allowed)
    changed = set(given)
    if "data" in change and change["data"] != entry.get("data"):
        entry["data"] = change["data"]
        changed.add("data")
    if "life_cycle_state" in given:
        record |= _error_in(epoch, given["life_cycle_state"], record["url"])
    _merge(record, given)
    if changed & {"life_cycle_state", *_ERROR}:
        _check_error(record)
    if changed & _DERIVED_FROM:
        for name in _DERIVED:
            if name not in given:
                record.pop(name, None)
    return {"webhook_request": entry}


def _error_in(epoch: Epoch, state: object, url: str) -> Object:
    """Return the members that tell the error in a life cycle state: none, or a time-out."""
    if state != State.REJECTED:
        return dict.fromkeys(_ERROR)
    limit = epoch.config.dialect["delivery.description_limit"]
    outcome = outcome_of(OutcomeName.TIMEOUT, url).limited(limit)
    return dict(zip(_ERROR, (outcome.error_code, outcome.error_description), strict=True))


def _check_error(record: Object) -> None:
    is_rejected = record["life_cycle_state"] == State.REJECTED
    for name in _ERROR:
        value = record.get(name)
        if not is_rejected and value is not None:
            allowed = "null if life_cycle_state is SUCCESSFUL"
            raise UsageError(name, seen=_seen(value), allowed=allowed)
        if is_rejected and not value:
            allowed = "a non-empty string if life_cycle_state is REJECTED"
            raise UsageError(name, seen=_seen(value), allowed=allowed)


def _seen(value: object) -> str:
    return "null" if value is None else quoted(value)


def _merge(into: Object, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        present = into.get(name)
        if isinstance(value, Mapping) and isinstance(present, dict) and name not in _WHOLE:
            _merge(present, value)
        else:
            into[name] = value
