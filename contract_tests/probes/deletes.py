"""Probes of delete: what it deletes, what it returns, and that nothing else goes with it."""

from crmcom_kit.contract_tests.checks.history import IDENTIFIER
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.probes.changing import (
    Change,
    check_field_known,
    check_fields_sets,
    check_others_exist,
    check_returned,
    check_selected,
    show,
    take,
    watch,
)
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.safety.pool import Seen, nameable
from crmcom_kit.contract_tests.session import Kit


def take_any(kit: Kit, state: str) -> Seen:
    """Return a webhook request in ``state`` that may be changed, be it that a resend used it up."""
    try:
        return take(kit, state)
    except Unreachable:
        for record_id in kit.memory.pop("resent", []):
            kit.pool.give_back(record_id)
        return take(kit, state)


@probe(
    "delete.either_state",
    "delete.gone",
    "delete.returns_record",
    "delete.single_result",
    "delete.identifier.selects",
    "delete.fields_set.default_all",
    layer="delete",
    cost=14,
)
def one_in_each_state_is_deleted(kit: Kit) -> None:
    """A SUCCESSFUL and a REJECTED webhook request are deleted, by id and by number."""
    missed = []
    for state, field in (("SUCCESSFUL", "id"), ("REJECTED", "number")):
        try:
            record = take_any(kit, state)
        except Unreachable as none:
            missed.append(none.why)
            continue
        examine(kit, watch(kit, "delete", record, field))
    if missed:
        kit.findings.miss(["delete.either_state"], missed[0])
    if len(missed) == 2:
        raise Unreachable(missed[0])


def examine(kit: Kit, change: Change) -> None:
    """Check a delete of a webhook request that exists."""
    state = change.before.get("life_cycle_state")
    answer = change.answer
    if not answer.ok and check_field_known(kit, "delete", change):
        return
    if not kit.expect_served("delete.either_state", answer, f"a {state} webhook request exists"):
        return
    if not check_selected(kit, "delete", change):
        return
    kit.pool.forget(change.id)
    check_returned(kit, "delete", change, change.before)
    if _check_gone(kit, change):
        check_others_exist(kit, "delete", change)


def _check_gone(kit: Kit, change: Change) -> bool:
    """Check that show, list, resend and a second delete find it no longer."""
    found = "a webhook request that was deleted before"
    if change.shown.ok:
        return _still_there(kit, change, "show", f"{found} is shown")
    if change.listed_after is not None:
        return _still_there(kit, change, "list", f"{found} is listed")
    for method in ("resend", "delete"):
        if method in kit.allowed and not kit.findings.is_broken(f"{method}.identifier.known"):
            again = kit.call(method, {IDENTIFIER: {"id": change.id}})
            kept = kit.expect(
                "delete.gone",
                change.answer,
                again,
                kept=not again.ok,
                expected=f"an error from {method}: it was deleted",
                seen="OK",
                record=change.id,
            )
            if not kept:
                return False
    return kit.expect("delete.gone", change.answer, kept=True, expected="", seen="")


def _still_there(kit: Kit, change: Change, method: str, seen: str) -> bool:
    return kit.expect(
        "delete.gone",
        change.answer,
        change.shown if method == "show" else change.listed,
        kept=False,
        expected=f"{method} without it: it was deleted",
        seen=seen,
        record=change.id,
    )


@probe(
    "delete.fields_set.selects",
    "delete.fields_set.names",
    layer="delete",
    cost=6,
)
def the_answer_has_the_fields_asked_for(kit: Kit) -> None:
    """With fields_set the answer of delete has the fields that it names, and only those."""

    def settle(record: Seen) -> None:
        if not show(kit, record["id"]).ok:
            kit.pool.forget(record["id"])

    check_fields_sets(kit, "delete", lambda: take_any(kit, "SUCCESSFUL"), settle)


@probe("delete.gone", layer="delete", cost=8)
def what_was_deleted_stays_away(kit: Kit) -> None:
    """Later calls find a deleted webhook request no more than the first ones: comes last."""
    if not kit.pool.deleted:
        msg = "nothing was deleted"
        raise Unreachable(msg)
    known = [each for each in kit.pool.deleted.items() if nameable(each[1])]
    for record_id, record in known[:2]:
        shown = show(kit, record_id)
        by_number = kit.call("show", {IDENTIFIER: {"number": record["number"]}})
        found = [each for each in (shown, by_number) if each.ok]
        for filters in (
            {"entity": record["entity"], "life_cycle_state": record["life_cycle_state"]},
            {"entity_id": record["entity_id"]},
        ):
            listed = kit.call("list", filters)
            if any(each.get("id") == record_id for each in listed.records):
                found.append(listed)
        kit.expect(
            "delete.gone",
            *(found[:1] or [shown]),
            kept=not found,
            expected=f"{found[0].call.method if found else ''} without it: it was deleted",
            seen="it is there again",
            record=record_id,
        )
