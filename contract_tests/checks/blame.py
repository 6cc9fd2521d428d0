"""Decide which statement is to blame where several fit.

A webhook request that is found changed, or gone, may be the fault of the request that named it,
of one that named another, of one that was refused, or of reading itself. Every check asks here.
"""

from collections.abc import Mapping, Sequence

from crmcom_kit.contract_tests.checks.world import Change, Sight, World

#: What a resend leaves as it is, and the state, which it does not.
_PLAIN = {"entity", "entity_id", "life_cycle_state"}


def of_difference(world: World, now: Sight, before: Sight | None) -> str:
    """Return what is broken if ``now`` is wrong and the webhook request is as it was before."""
    key = now.record["id"]
    changes = world.since_seen(key)
    if before is not None and before.method == "resend":
        return "list.agrees_with_show" if now.method == "list" else "resend.returns_record"
    if any(key in each.named and each.method == "resend" and each.served for each in changes):
        return "resend.same_record"
    if before is not None and before.method == now.method:
        return f"{now.method}.changes_nothing"
    return "list.agrees_with_show"


def of_no_effect(world: World, now: Sight) -> str:
    """Return what is broken where ``now`` shows a webhook request as it was before its resend."""
    sights = world.sights.get(now.record["id"], {})
    shown, resent = sights.get("show"), sights.get("resend")
    later = shown and resent and shown.exchange.number > resent.exchange.number
    return "list.agrees_with_show" if now.method == "list" and later else "resend.sends_again"


def of_change(key: str, changes: Sequence[Change]) -> dict[str, Change]:
    """Return what may be broken by a change of a webhook request, one of these having done it.

    For each statement comes the last request that may break it, the likeliest first.
    """
    served = [each for each in changes if each.served]
    if not served:
        return {"errors.change_nothing": changes[-1]}
    named = [each for each in served if key in each.named]
    if named:
        own = {"resend": "resend.same_record", "delete": "delete.gone"}
        return {own[named[-1].method]: named[-1]}
    resends = [each for each in served if each.method == "resend"]
    deletes = [each for each in served if each.method == "delete"]
    found = {"resend.single_result": resends, "delete.single_result": deletes}
    return {statement: each[-1] for statement, each in found.items() if each}


def of_loss(key: str, changes: Sequence[Change]) -> dict[str, Change]:
    """Return the same for one that is gone and was not deleted: a delete is the likeliest."""
    return dict(reversed(of_change(key, changes).items()))


def of_missing(world: World, key: str, filters: Mapping[str, object]) -> str:
    """Return what is broken where a list with these filters lacks a webhook request that fits."""
    if {"life_cycle_state"} < filters.keys() <= _PLAIN and key in world.before_resend:
        return "list.life_cycle_state.filter"  # its state is the only thing that is new
    names = list(filters)
    return f"list.{names[0]}.filter" if len(names) == 1 else "list.several_results"


def of_left_out(path: str, method: str, *, by_name: bool) -> str:
    """Return what is broken where a response leaves out a member that has a value."""
    field, _, member = path.partition(".")
    if field == "log_information" and member:
        kinds = {"date": "dates", "user": "users", "business_unit": "business_units"}
        kind = next((kinds[end] for end in kinds if member.endswith(end)), "units")
        return f"response.log_information.{kind}"
    return f"{method}.fields_set.{'selects' if by_name else 'default_all'}"
