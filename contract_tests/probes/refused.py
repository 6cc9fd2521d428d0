"""Probes of refused calls, which must change nothing."""

from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.made_up import NO_TOKEN
from crmcom_kit.contract_tests.probes.changing import show, take
from crmcom_kit.contract_tests.probes.deletes import take_any
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session


@probe("errors.change_nothing", layer="resend", cost=8)
def a_refused_resend_changes_nothing(session: Session) -> None:
    """A resend that is refused leaves its webhook request as it was."""
    _refused_calls_change_nothing(session, "resend")


@probe("errors.change_nothing", layer="delete", cost=8)
def a_refused_delete_changes_nothing(session: Session) -> None:
    """A delete that is refused deletes nothing."""
    _refused_calls_change_nothing(session, "delete")


def _refused_calls_change_nothing(session: Session, method: str) -> None:
    record = take(session, "REJECTED") if method == "resend" else take_any(session, "REJECTED")
    by_id, both = ({name: record[name] for name in names} for names in (("id",), ("id", "number")))
    calls = (
        build(session.method(method), {"token": NO_TOKEN, IDENTIFIER: by_id}),
        build(session.method(method), {IDENTIFIER: by_id}),
        build(session.method(method), {"token": session.token, IDENTIFIER: both}),
    )
    for call in calls:
        refused = session.send(call)
        shown = show(session, record["id"])  # which the memory compares with what it was
        if refused.ok:  # which other checks see
            break
        kept = session.expect(
            "errors.change_nothing",
            refused,
            shown,
            kept=shown.ok,
            expected=f"the webhook request still there: {method} was refused",
            seen="it is not shown any more",
            record=record["id"],
        )
        if not kept:
            break
    now = next(iter(show(session, record["id"]).records), None)
    if now is None:
        session.pool.forget(record["id"])
    else:
        session.pool.learn(now)
        session.pool.give_back(record["id"])
