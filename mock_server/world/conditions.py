"""What can be waited for: requests, a webhook request, deliveries.

A wait for requests has members of a pattern: ``{"operation": "resend", "times": 2}``. Others are
``{"record": "7", "state": "SUCCESSFUL"}`` and ``{"delivery": "7", "delivered": true}``.
"""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.journal.patterns import MEMBERS, check_members, check_one_of
from crmcom_kit.mock_server.journal.verification import Condition, MatchingRequests, times
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.usage_errors import UsageError

_OTHERS = ("state", "delivery", "delivered", "times")
_ALLOWED = 'record, delivery, or members of a pattern, such as operation="resend"'
_DELETED = "DELETED"
_STATES = (*map(str, State), _DELETED)


def condition_of(world: World, asked: Mapping[str, Any]) -> Condition:
    """Return what the members of a wait ask for. Raises UsageError."""
    check_members(asked, (*MEMBERS, *_OTHERS, "timeout"))
    of_requests = [name for name in asked if name in MEMBERS and name != "record"]
    if of_requests:  # then the record is the one that the requests name
        _refuse_others(of_requests[0], asked, (*MEMBERS, "times"))
        requests = MatchingRequests(world.reader, asked)
        return Condition(requests.holds, requests.facts, lambda: requests.views)
    if "delivery" in asked:
        _refuse_others("delivery", asked, ("delivery", "delivered", "times"))
        return _deliveries(world, asked)
    if "record" in asked:
        _refuse_others("record", asked, ("record", "state"))
        return _one_record(world, asked)
    raise UsageError("wait", seen="nothing to wait for", allowed=_ALLOWED)


def _refuse_others(kind: str, members: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for member in members:
        if member not in allowed:
            others = ", ".join(member for member in allowed if member != kind)
            raise UsageError(member, seen=f"with {kind}", allowed=f"{kind} alone, or with {others}")


def _deliveries(world: World, members: Mapping[str, Any]) -> Condition:
    """Return the condition that the expected number of deliveries is over."""
    wanted = None if members["delivery"] is True else _key(members, "delivery")
    delivered, expected = members.get("delivered"), times(members.get("times"))
    if not isinstance(delivered, bool | None):
        raise UsageError("delivered", seen=repr(delivered), allowed="True or False")

    def over() -> list[Attempt]:
        attempts = world.current_epoch.attempts.select(wanted)
        return [
            attempt
            for attempt in attempts
            if attempt.over and delivered in (None, attempt.delivered)
        ]

    return Condition(
        lambda: expected.allows(len(over())),
        lambda: {"count": len(over())},
        lambda: next(iter(over()), None),  # the first one, or none if none was waited for
    )


def _one_record(world: World, members: Mapping[str, Any]) -> Condition:
    """Return the condition that a webhook request is in a state; in any by default."""
    name, wanted = _key(members, "record"), members.get("state")
    if wanted is not None:
        check_one_of("state", wanted, _STATES)

    def seen() -> str | None:
        """Return its state; None if it never existed."""
        store = world.store
        record = store.get("number", name) or store.get("id", name)
        if record is not None:
            return str(record.state)
        existed = store.ever_existed("number", name) or store.ever_existed("id", name)
        return _DELETED if existed else None

    def holds() -> bool:
        state = seen()
        return state not in (None, _DELETED) if wanted is None else state == wanted

    def facts() -> dict[str, Any]:
        return {"record": name, "state": seen()}

    return Condition(holds, facts, facts)


def _key(members: Mapping[str, Any], name: str) -> str:
    """Return the number or the id of a webhook request. Raises UsageError."""
    value = members[name]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UsageError(name, seen=repr(value), allowed='a number or an id, such as "7"')
    return str(value)
