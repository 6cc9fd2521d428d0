"""Decide which statement is to blame where several fit.

A webhook request that is found changed, or gone, may be the fault of the request that named it,
of one that named another, of one that was refused, or of reading itself. Every check asks here.
"""

from collections.abc import Mapping, Sequence

from crmcom_kit.contract_tests.checks.world import Change, Sight, World


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


def of_change_by(change: Change) -> str:
    """Return what is broken by a change of the webhook request that a request has named."""
    if not change.served:
        return "errors.change_nothing"
    return "resend.same_record" if change.method == "resend" else "delete.gone"


def of_change_by_another(changes: Sequence[Change]) -> str:
    """Return what is broken by a change of one that none of these requests has named."""
    served = [each.method for each in changes if each.served]
    if not served:
        return "errors.change_nothing"
    return f"{'resend' if 'resend' in served else 'delete'}.single_result"


def of_loss_by(named: Sequence[Change], changes: Sequence[Change]) -> str:
    """Return what is broken where a webhook request is gone that was not deleted."""
    if named:
        last = named[-1]
        if not last.served:
            return "errors.change_nothing"
        return "resend.same_record" if last.method == "resend" else "delete.gone"
    served = [each.method for each in changes if each.served]
    if served:
        return f"{'delete' if 'delete' in served else 'resend'}.single_result"
    return "errors.change_nothing" if changes else "list.changes_nothing"


def of_missing(world: World, key: str, filters: Mapping[str, object]) -> str:
    """Return what is broken where a list with these filters lacks a webhook request that fits."""
    if "life_cycle_state" in filters and key in world.before_resend:
        return "list.life_cycle_state.filter"  # its state is the only thing that is new
    names = list(filters)
    return f"list.{names[0]}.filter" if len(names) == 1 else "list.several_results"
