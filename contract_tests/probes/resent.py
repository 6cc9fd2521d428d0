"""Checks of one resend: its response, and its effect on the webhook request."""

from crmcom_kit.contract_tests.checks.knowledge import (
    changed_members,
    is_of_identity,
    value_at,
)
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.probes.changing import (
    WatchedChange,
    check_field_known,
    check_others_exist,
    check_returned,
    check_selected,
)
from crmcom_kit.contract_tests.session import Session

#: Under this name a session's memory has the resends after which nothing was another.
TRACELESS = "resends without a trace"


def examine(session: Session, change: WatchedChange) -> None:
    """Check a resend of a REJECTED webhook request, however it ended."""
    session.memory.setdefault("resent", []).append(change.id)
    if change.after is not None:
        session.pool.learn(change.after)
    if not change.answer.ok:
        _examine_refused(session, change)
        return
    session.memory["resend served"] = True
    if not check_in_place(session, change) or not check_selected(session, "resend", change):
        return
    answered: Record = change.answer.data
    done = answered.get("life_cycle_state") == "SUCCESSFUL"
    check_returned(session, "resend", change, change.after if done and change.trace else None)
    check_others_exist(session, "resend", change)
    _check_identity(session, change, answered)
    _check_error(session, change)
    _note_trace(session, change)


def _examine_refused(session: Session, change: WatchedChange) -> None:
    """A resend that was answered with an error: it was sent in vain, or not at all."""
    if change.trace:
        session.findings.chose("resend.failed", "error", change.answer)
    elif check_field_known(session, "resend", change):
        return
    _note_trace(session, change)


def check_in_place(session: Session, change: WatchedChange) -> bool:
    """Check that no new webhook request came of a resend; return whether all is in its place."""
    before, after = change.ids()
    new = after - before
    answered = change.answer.data.get("id") if isinstance(change.answer.data, dict) else None
    if not session.target.own or len(after) <= len(before):
        new &= {answered}  # others, too, make webhook requests; and pages may shift
    if not change.listed_before.ok or not change.listed.ok:
        return True
    if not new and change.after is not None:
        return session.expect("resend.same_record", change.answer, kept=True, expected="", seen="")
    if not new:
        statement, seen = "resend.same_record", f"{change.id} is not shown any more"
    else:
        twins = [r for r in change.listed.records if r.get("id") in new]
        same_number = any(twin.get("number") == change.before.get("number") for twin in twins)
        moved = same_number and change.after is None
        statement = "resend.identity_kept" if moved else "resend.same_record"
        seen = f"a new webhook request {twins[0]['id']}"
    return session.expect(
        statement,
        change.answer,
        change.listed,
        kept=False,
        expected=f"the webhook request {change.id} in its place, and no new one",
        seen=seen,
        record=change.id,
    )


def _check_identity(session: Session, change: WatchedChange, answered: Record) -> None:
    """Check that what sending again must keep is as it was, in the answer and afterwards."""
    for record, exchange in ((answered, change.answer), (change.after, change.shown)):
        for path in filter(is_of_identity, changed_members(change.before, record or {})):
            was, now = value_at(change.before, path), value_at(record, path)
            if was is None or now is None:
                continue
            session.expect(
                "resend.identity_kept",
                change.answer,
                exchange,
                kept=False,
                expected=f"{path} as before: {was!r}",
                seen=now,
                record=change.id,
            )
            return
    session.expect("resend.identity_kept", change.answer, kept=True, expected="", seen="")


def _check_error(session: Session, change: WatchedChange) -> None:
    """Check that a success clears the error."""
    for record, exchange in ((change.answer.data, change.answer), (change.after, change.shown)):
        if record is None or record.get("life_cycle_state") != "SUCCESSFUL":
            continue
        session.memory["resend delivered"] = True
        left = [name for name in ("error_code", "error_description") if record.get(name)]
        session.expect(
            "resend.clears_error",
            exchange,
            kept=not left,
            expected="error_code and error_description null: it was sent with success",
            seen=", ".join(f"{name} {record[name]!r}" for name in left),
            record=change.id,
        )


def _note_trace(session: Session, change: WatchedChange) -> None:
    """Note what shows that a webhook request was sent again, and which way the target takes."""
    after, trace = change.after, change.trace
    if after is None or not trace:
        session.memory.setdefault(TRACELESS, []).append(change)
        return
    session.expect("resend.sends_again", change.answer, kept=True, expected="", seen="")
    state, chose = after.get("life_cycle_state"), session.findings.chose
    if state == "REJECTED" and change.answer.ok:
        chose("resend.failed", "ok_rejected", change.answer)
    logged = "log_information.updated_date" in trace
    if logged or value_at(after, "log_information.updated_date") is not None:
        chose("resend.updates_log", logged, change.shown)
    if "url" in trace:
        chose("resend.destination", "definition", change.shown)
    request = after.get("request")
    if isinstance(request, str) and not request.startswith("{"):
        chose("resend.exchange", "renewed" if "request" in trace else "kept", change.shown)
