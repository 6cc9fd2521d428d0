"""Changes of one webhook request of a world."""

from collections.abc import Mapping
from typing import Any

import orjson

from crmcom_kit.mock_server.deliveries.messages import OutcomeName, outcome_of
from crmcom_kit.mock_server.store.records import Record, State
from crmcom_kit.mock_server.store.reference_data import Object
from crmcom_kit.mock_server.world.entries import entry_json
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.mock_server.world.world_file import CREATED, LocatedEntry, validate
from crmcom_kit.schemas.dialect import delivery_outcomes
from crmcom_kit.usage_errors import Conflict, UsageError, hint, quoted

_FIXED_MEMBERS = ("id", "number", "entity")
#: The members that the dialect makes, and the members from which it makes them.
_DERIVED = ("authentication_code", "request", "response")
_DERIVED_FROM = frozenset({"data", "webhook_definition", "life_cycle_state", "error_code"})


def remove_record(epoch: Epoch, key: str) -> Record:
    """Remove a webhook request by number or id, and return it. Raises NotFound."""
    while True:
        record = epoch.store.delete("id", epoch.find_record(key).id)
        if record is not None:
            return record
        # Another request has deleted it, and another record may have its number now.


def change_record(world: World, epoch: Epoch, key: str, change: Mapping[str, Any]) -> Record:
    """Change members of a webhook request, and return it.

    Args:
        world: the world.
        epoch: its epoch when the caller began.
        key: number or id of the webhook request.
        change: ``record`` has the members to replace, except that ``log_information`` is merged
            into the present one; ``data`` replaces the data object. Dependent members that
            ``change`` does not have follow: the error of another state, and the authentication
            code, request and response that the dialect makes, except in recorded data.

    Raises:
        NotFound: there is no such webhook request.
        UsageError, DataError: the change is not allowed; nothing has changed.
        Conflict: it is being sent, another change came first, or the content was replaced; nothing
            has changed.
    """
    record = epoch.find_record(key)
    if record.state is State.SENDING:
        state = f"number {record.number}, which is being sent"
        raise Conflict("record", seen=state, allowed="one that is not being sent; try again")
    entry = LocatedEntry(_change_entry(epoch, record, change), f"webhook request {record.number}")
    (valid_entry,) = validate([entry], world.config)
    new_record = world.replace_record(record, valid_entry, expected_epoch=epoch)
    if new_record is None:
        state = f"number {record.number}, which another request has just changed"
        raise Conflict("record", seen=state, allowed="one that others are not changing; try again")
    return new_record


def _change_entry(epoch: Epoch, old_record: Record, change: Mapping[str, Any]) -> Object:
    """Return the entry of a webhook request after a change. Raises UsageError."""
    entry: Object = orjson.loads(entry_json(old_record, epoch.reference_data))
    record = entry["record"]
    members = {
        name: value
        for name, value in change.get("record", {}).items()
        if name not in record or record[name] != value
    }
    _check_members(record, members)
    names = set(members)
    if "data" in change and change["data"] != entry.get("data"):
        entry["data"] = change["data"]
        names.add("data")
    code = None if "error_description" in members else members.get("error_code")
    if "life_cycle_state" in members or code is not None:
        state = members.get("life_cycle_state", record["life_cycle_state"])
        record |= _error_for_state(epoch, state, old_record.url, code)
        if old_record.is_recorded:  # as after a resend
            entry["record"] = record = epoch.config.renderer.drop_unset(record)
    log = members.get("log_information")
    if isinstance(log, Mapping):
        members["log_information"] = {**(record.get("log_information") or {}), **log}
    record |= members
    if names & _DERIVED_FROM and not old_record.is_recorded:
        for name in _DERIVED:
            if name not in members:
                record.pop(name, None)
    return {"webhook_request": entry}


def _check_members(record: Object, members: Object) -> None:
    """Raise UsageError for a member that cannot be changed, or is in another place."""
    for name in _FIXED_MEMBERS:
        if name in members:
            allowed = f"{quoted(record.get(name))}: it cannot be changed"
            raise UsageError(name, seen=quoted(members[name]), allowed=allowed)
    for name in CREATED:
        if name in members:
            allowed = '{"log_information": {"created_date": "2024-05-01T10:00:00"}} instead'
            raise UsageError(name, seen="in a change", allowed=allowed)


def _error_for_state(epoch: Epoch, state: object, url: str, code: object) -> Object:
    """Return the error members for a life cycle state.

    A REJECTED record gets the outcome with error code ``code``, by default a timeout. Raises
    UsageError if no outcome has that code.
    """
    if state != State.REJECTED:
        return {"error_code": None, "error_description": None}
    # Reversed: the first of several outcomes with one code counts.
    codes = {entry["error_code"]: name for name, entry in reversed(delivery_outcomes().items())}
    name = OutcomeName.TIMEOUT if code is None else codes.get(str(code))
    if name is None:
        names = [*filter(None, reversed(codes))]
        alternative = "or any other code, if error_description is given"
        allowed = f"one of {', '.join(names)}{hint(str(code), names)}; {alternative}"
        raise UsageError("error_code", seen=quoted(code), allowed=allowed)
    limit = epoch.config.dialect["delivery.description_limit"]
    outcome = outcome_of(name, url).limit_description(limit)
    return {"error_code": outcome.error_code, "error_description": outcome.error_description}
