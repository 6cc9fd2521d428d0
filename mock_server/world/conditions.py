"""The conditions to wait for: requests, a webhook request, deliveries.

A wait for requests has members of a pattern: ``{"operation": "resend", "times": 2}``. Others are
``{"record": "7", "state": "SUCCESSFUL"}`` and ``{"delivery": "7", "delivered": true}``.
"""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.journal.patterns import MEMBERS, check_members, check_one_of
from crmcom_kit.mock_server.journal.verification import Condition, MatchingRequests, times
from crmcom_kit.mock_server.store.records import State
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.usage_errors import UsageError

_WAIT_MEMBERS = ("state", "delivery", "delivered", "times")
_ALLOWED = 'record, delivery, or members of a pattern, such as operation="resend"'
_DELETED = "DELETED"
_STATES = (*map(str, State), _DELETED)


def condition_of(world: World, members: Mapping[str, Any]) -> Condition:
    """Return the condition of a wait's members. Raises UsageError."""
    check_members(members, (*MEMBERS, *_WAIT_MEMBERS, "timeout"))
    request_members = [name for name in members if name in MEMBERS and name != "record"]
    if request_members:  # then the record is that of the requests
        _refuse_others(request_members[0], members, (*MEMBERS, "times"))
        requests = MatchingRequests(world.reader, members)
        return Condition(requests.holds, requests.facts, lambda: requests.views)
    if "delivery" in members:
        _refuse_others("delivery", members, ("delivery", "delivered", "times"))
        return _deliveries(world, members)
    if "record" in members:
        _refuse_others("record", members, ("record", "state"))
        return _record_state(world, members)
    raise UsageError("wait", seen="nothing to wait for", allowed=_ALLOWED)


def _refuse_others(kind: str, members: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for member in members:
        if member not in allowed:
            names = ", ".join(member for member in allowed if member != kind)
            raise UsageError(member, seen=f"with {kind}", allowed=f"{kind} alone, or with {names}")


def _deliveries(world: World, members: Mapping[str, Any]) -> Condition:
    """Return the condition that the expected number of deliveries has ended."""
    record = None if members["delivery"] is True else _key(members, "delivery")
    delivered, expected = members.get("delivered"), times(members.get("times"))
    if not isinstance(delivered, bool | None):
        raise UsageError("delivered", seen=repr(delivered), allowed="True or False")

    def ended_attempts() -> list[Attempt]:
        return [attempt for attempt in world.current_epoch.attempts.select(record) if attempt.over]

    def finished_attempts() -> list[Attempt]:
        return [attempt for attempt in ended_attempts() if delivered in (None, attempt.delivered)]

    return Condition(
        lambda: expected.allows(len(finished_attempts())),
        lambda: {"count": len(finished_attempts()), "ended": len(ended_attempts())},
        lambda: next(iter(finished_attempts()), None),  # the first one, if any
    )


def _record_state(world: World, members: Mapping[str, Any]) -> Condition:
    """Return the condition that a webhook request is in a state, by default in any."""
    name, expected = _key(members, "record"), members.get("state")
    if expected is not None:
        check_one_of("state", expected, _STATES)

    def current_state() -> str | None:
        """Return the state of the record; None if it never existed."""
        store = world.store
        record = store.get("number", name) or store.get("id", name)
        if record is not None:
            return str(record.state)
        has_existed = store.ever_existed("number", name) or store.ever_existed("id", name)
        return _DELETED if has_existed else None

    def holds() -> bool:
        state = current_state()
        return state not in (None, _DELETED) if expected is None else state == expected

    def facts() -> dict[str, Any]:
        return {"record": name, "state": current_state()}

    return Condition(holds, facts, facts)


def _key(members: Mapping[str, Any], name: str) -> str:
    """Return the number or the id of a webhook request. Raises UsageError."""
    value = members[name]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UsageError(name, seen=repr(value), allowed='a number or an id, such as "7"')
    return str(value)
