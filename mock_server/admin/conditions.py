"""What can be waited for: requests, records and deliveries, by the same members everywhere.

A wait for requests has members of a pattern: ``{"operation": "resend", "times": 2}``. Others are
``{"record": "7", "state": "SUCCESSFUL"}``, ``{"state": "REJECTED", "times": 0}`` and
``{"delivery": "7", "delivered": true}``.
"""

import re
from collections.abc import Mapping
from typing import Any

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.journal import verification
from crmcom_kit.mock_server.journal.patterns import MEMBERS, Pattern
from crmcom_kit.mock_server.store.records import Key
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.usage_errors import UsageError

_ID = re.compile(r"[0-9A-Fa-f]{32}")
_CALLS = ("times", "running", "since")
#: The members of each condition, by the one that makes it; requests have those of a pattern.
_KINDS = {
    "delivery": ("delivered", "times"),
    "record": ("state",),
    "state": ("entity", "times"),
    "entity": ("state", "times"),
}
_OTHERS = ("state", "entity", "delivery", "delivered", *_CALLS)
_ALLOWED = 'record, state, delivery, or members of a pattern, such as operation="resend"'


def condition_of(world: World, asked: Mapping[str, Any]) -> verification.Condition:
    """Return what the members of a wait ask for. Raises UsageError."""
    for name in asked:
        if name not in (*MEMBERS, *_OTHERS):
            allowed = f"one of {', '.join([*MEMBERS, *_OTHERS])}, timeout"
            raise UsageError(name, seen="in the pattern", allowed=allowed)
    given = {name: value for name, value in asked.items() if value is not None}
    pattern = {name: given[name] for name in MEMBERS if name in given}
    kind = next((name for name in _KINDS if name in given), None)
    if pattern.keys() - {"record"}:  # then the record is the one that the requests name
        kind = next(iter(pattern))
        _refuse_others(kind, given, (*MEMBERS, *_CALLS))
        since = world.journal.number_of(str(given.get("since", "0"))) or 0
        return verification.Calls(
            world.reader,
            Pattern(world.reader, pattern),
            given.get("times"),
            since,
            running=_true_or_false("running", given.get("running", False)) or False,
        )
    if kind is None:
        raise UsageError("wait", seen="nothing to wait for", allowed=_ALLOWED)
    _refuse_others(kind, given, (kind, *_KINDS[kind]))
    if kind == "delivery":
        wanted = None if given[kind] is True else _record(kind, given[kind])
        delivered = _true_or_false("delivered", given.get("delivered"))

        def over() -> list[Attempt]:
            attempts = world.current_epoch.attempts.list(record=wanted)
            return [one for one in attempts if one.over and delivered in (None, one.delivered)]

        return verification.Count(over, given.get("times"))
    if kind == "record":
        record = _record(kind, given[kind])
        key: Key = "id" if _ID.fullmatch(record) else "number"
        return verification.OneRecord(lambda: world.store, key, record, given.get("state"))
    entity, times = given.get("entity"), given.get("times")
    return verification.records(lambda: world.store, given.get("state"), times, entity)


def _refuse_others(kind: str, given: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for name in given:
        if name not in allowed:
            known = ", ".join(one for one in allowed if one != kind)
            raise UsageError(name, seen=f"with {kind}", allowed=f"{kind} alone, or with {known}")


def _record(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UsageError(name, seen=repr(value), allowed='a number or an id, such as "7"')
    return str(value)


def _true_or_false(name: str, value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise UsageError(name, seen=repr(value), allowed="True or False")
    return value
