"""Probes of delete: what it deletes, what it returns, and that nothing else is deleted."""

from crmcom_kit.contract_tests.checks.history import IDENTIFIER
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.probes.changing import (
    WatchedChange,
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
from crmcom_kit.contract_tests.safety.pool import Record, nameable
from crmcom_kit.contract_tests.session import Session


def take_any(session: Session, state: str) -> Record:
    """Return a webhook request in ``state`` that may be changed, be it that a resend used it up."""
    try:
        return take(session, state)
    except Unreachable:
        for record_id in session.memory.pop("resent", []):
            session.pool.give_back(record_id)
        return take(session, state)


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
def one_in_each_state_is_deleted(session: Session) -> None:
    """A SUCCESSFUL and a REJECTED webhook request are deleted, by id and by number."""
    missed = []
    for state, field in (("SUCCESSFUL", "id"), ("REJECTED", "number")):
        try:
            record = take_any(session, state)
        except Unreachable as none:
            missed.append(none.why)
            continue
        examine(session, watch(session, "delete", record, field))
    if missed:
        session.findings.miss(["delete.either_state"], missed[0])
    if len(missed) == 2:
        raise Unreachable(missed[0])


def examine(session: Session, change: WatchedChange) -> None:
    """Check a delete of a webhook request that exists."""
    state = change.before.get("life_cycle_state")
    answer = change.answer
    if not answer.ok and check_field_known(session, "delete", change):
        return
    if not session.expect_served(
        "delete.either_state", answer, f"a {state} webhook request exists"
    ):
        return
    if not check_selected(session, "delete", change):
        return
    session.pool.forget(change.id)
    check_returned(session, "delete", change, change.before)
    if _check_gone(session, change):
        check_others_exist(session, "delete", change)


def _check_gone(session: Session, change: WatchedChange) -> bool:
    """Check that show, list, resend and a second delete find it no longer."""
    found = "a webhook request that was deleted before"
    if change.shown.ok:
        return _still_there(session, change, "show", f"{found} is shown")
    if change.listed_after is not None:
        return _still_there(session, change, "list", f"{found} is listed")
    for method in ("resend", "delete"):
        if method in session.allowed and not session.findings.is_broken(
            f"{method}.identifier.known"
        ):
            again = session.call(method, {IDENTIFIER: {"id": change.id}})
            kept = session.expect(
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
    return session.expect("delete.gone", change.answer, kept=True, expected="", seen="")


def _still_there(session: Session, change: WatchedChange, method: str, seen: str) -> bool:
    return session.expect(
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
def the_answer_has_the_fields_asked_for(session: Session) -> None:
    """With fields_set the answer of delete has the fields that it names, and only those."""

    def settle(record: Record) -> None:
        if not show(session, record["id"]).ok:
            session.pool.forget(record["id"])

    check_fields_sets(session, "delete", lambda: take_any(session, "SUCCESSFUL"), settle)


@probe("delete.gone", layer="delete", cost=8, last=True)
def what_was_deleted_stays_away(session: Session) -> None:
    """Later calls find a deleted webhook request no more than the first ones."""
    if not session.pool.deleted:
        msg = "nothing was deleted"
        raise Unreachable(msg)
    known = [each for each in session.pool.deleted.items() if nameable(each[1])]
    for record_id, record in known[:2]:
        shown = show(session, record_id)
        by_number = session.call("show", {IDENTIFIER: {"number": record["number"]}})
        found = [each for each in (shown, by_number) if each.ok]
        for filters in (
            {"entity": record["entity"], "life_cycle_state": record["life_cycle_state"]},
            {"entity_id": record["entity_id"]},
        ):
            listed = session.call("list", filters)
            if any(each.get("id") == record_id for each in listed.records):
                found.append(listed)
        session.expect(
            "delete.gone",
            *(found[:1] or [shown]),
            kept=not found,
            expected=f"{found[0].call.method if found else ''} without it: it was deleted",
            seen="it is there again",
            record=record_id,
        )
