"""What can be waited for: requests, records and deliveries, by the same members everywhere.

A wait for requests has members of a pattern: ``{"operation": "resend", "times": 2}``. Others are
``{"record": "7", "state": "SUCCESSFUL"}``, ``{"state": "REJECTED", "times": 0}`` and
``{"delivery": "7", "delivered": true}``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.journal.patterns import (
    MEMBERS,
    SHOWN_STATES,
    check_members,
    check_one_of,
)
from crmcom_kit.mock_server.journal.verification import Calls, Condition, Expected, times
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.mock_server.store.records import Key, Query
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas.releases import entities_since
from crmcom_kit.usage_errors import UsageError

_ID = re.compile(r"[0-9A-Fa-f]{32}")
#: The members of each condition, by the one that makes it; requests have those of a pattern.
_KINDS = {
    "delivery": ("delivered", "times"),
    "record": ("state",),
    "state": ("entity", "times"),
    "entity": ("state", "times"),
}
_OTHERS = ("state", "entity", "delivery", "delivered", "times")
_ALLOWED = 'record, state, delivery, or members of a pattern, such as operation="resend"'
_DELETED = "DELETED"
_STATES = (*map(str, State), _DELETED)


def condition_of(world: World, asked: Mapping[str, Any]) -> Condition:
    """Return what the members of a wait ask for. Raises UsageError."""
    check_members(asked, (*MEMBERS, *_OTHERS, "timeout"))
    given = {name: value for name, value in asked.items() if value is not None}
    of_requests = [name for name in given if name in MEMBERS and name != "record"]
    if of_requests:  # then the record is the one that the requests name
        _refuse_others(of_requests[0], given, (*MEMBERS, "times"))
        calls = Calls(world.reader, given)
        return Condition(calls.holds, calls.facts, lambda: calls.calls)
    kind = next((name for name in _KINDS if name in given), None)
    if kind is None:
        raise UsageError("wait", seen="nothing to wait for", allowed=_ALLOWED)
    _refuse_others(kind, given, (kind, *_KINDS[kind]))
    if kind == "delivery":
        return _deliveries(world, given)
    if kind == "record":
        return _one_record(world, given)
    return _records(world, given)


def _refuse_others(kind: str, given: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for name in given:
        if name not in allowed:
            known = ", ".join(one for one in allowed if one != kind)
            raise UsageError(name, seen=f"with {kind}", allowed=f"{kind} alone, or with {known}")


def _deliveries(world: World, given: Mapping[str, Any]) -> Condition:
    """Return the condition that as many deliveries are over as expected."""
    wanted = None if given["delivery"] is True else _key(given, "delivery")
    delivered = given.get("delivered")
    if not isinstance(delivered, bool | None):
        raise UsageError("delivered", seen=repr(delivered), allowed="True or False")

    def found() -> list[Attempt]:
        attempts = world.current_epoch.attempts.list(record=wanted)
        return [one for one in attempts if one.over and delivered in (None, one.delivered)]

    # The first one, or none if none was waited for.
    return _as_many(found, given.get("times"), lambda: next(iter(found()), None))


def _one_record(world: World, given: Mapping[str, Any]) -> Condition:
    """Return the condition that a webhook request is in a state; in any by default."""
    value, wanted = _key(given, "record"), given.get("state")
    key: Key = "id" if _ID.fullmatch(value) else "number"
    if wanted is not None:
        check_one_of("state", wanted, _STATES)

    def seen() -> str | None:
        """Return the state in which it is; None if there never was such a record."""
        record = world.store.get(key, value)
        if record is not None:
            return str(record.state)
        return _DELETED if world.store.ever_existed(key, value) else None

    def holds() -> bool:
        state = seen()
        return state not in (None, _DELETED) if wanted is None else state == wanted

    def facts() -> dict[str, Any]:
        return {"record": {key: value}, "state": seen()}

    return Condition(holds, facts, facts)


def _records(world: World, given: Mapping[str, Any]) -> Condition:
    """Return the condition that as many webhook requests are in a state, as responses show it."""
    state, entity = given.get("state"), given.get("entity")
    if state is not None:
        check_one_of("state", state, SHOWN_STATES)
    if entity is not None:
        check_one_of("entity", entity, tuple(entities_since()))
    query = Query(
        indexed=() if entity is None else (("entity", frozenset({entity})),),
        states=None if state is None else frozenset({state}),
    )
    return _as_many(lambda: world.store.query(query), given.get("times"))


def _as_many(
    found: Callable[[], Sequence[Any]],
    expected: Expected,
    result: Callable[[], Any] | None = None,
) -> Condition:
    """Return the condition that ``found`` returns as many as expected."""
    wanted = times(expected)

    def facts() -> dict[str, Any]:
        return {"count": len(found())}

    return Condition(lambda: wanted.allows(len(found())), facts, result or facts)


def _key(given: Mapping[str, Any], name: str) -> str:
    """Return the number or the id of a webhook request. Raises UsageError."""
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UsageError(name, seen=repr(value), allowed='a number or an id, such as "7"')
    return str(value)
