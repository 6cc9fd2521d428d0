"""Probes of resend: what it sends again, what it returns, and what it leaves unchanged.

Legal, and so no violation: a resend that ends REJECTED again, one that is only queued, one that
an error answers because the delivery failed again.
"""

from collections.abc import Mapping

from crmcom_kit.contract_tests.checks.history import IDENTIFIER
from crmcom_kit.contract_tests.checks.knowledge import changed_members, differ
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.login import ask_for_token, token_of
from crmcom_kit.contract_tests.own_world import not_effective, units
from crmcom_kit.contract_tests.probes.changing import (
    WatchedChange,
    check_fields_sets,
    show,
    take,
    watch,
)
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.probes.resent import TRACELESS, examine
from crmcom_kit.contract_tests.safety.pool import Record, nameable
from crmcom_kit.contract_tests.session import Session, outcome

#: So many webhook requests are sent again in search of one that is delivered.
MAX_TRIES = 3


@probe(
    "resend.sends_again",
    "resend.returns_record",
    "resend.identity_kept",
    "resend.same_record",
    "resend.single_result",
    "resend.clears_error",
    "resend.identifier.selects",
    "resend.fields_set.default_all",
    layer="resend",
    cost=5,
)
def a_rejected_one_is_sent_again(session: Session) -> None:
    """Webhook requests are sent again, one by one, until one of them is delivered."""
    for tried in range(MAX_TRIES):
        try:
            record = take(session, "REJECTED")
        except Unreachable:
            if tried == 0:
                raise
            break
        change = watch(session, "resend", record)
        examine(session, change)
        if change.after is not None and change.after.get("life_cycle_state") == "SUCCESSFUL":
            break
    if not _noted(session, "served"):
        served = ("returns_record", "identity_kept", "same_record", "identifier.selects")
        why = "no resend was served; the webhook requests in scope can't be delivered"
        session.findings.miss((f"resend.{name}" for name in served), why)
    if not _noted(session, "delivered"):
        why = "no resend was successful; it takes a receiver that takes them"
        session.findings.miss(["resend.clears_error"], why)


@probe(
    "resend.identifier.selects",
    "resend.identifier.fields",
    "resend.single_result",
    layer="resend",
    cost=5,
)
def the_number_names_one_as_well(session: Session) -> None:
    """A webhook request that is named by its number is sent again."""
    examine(session, watch(session, "resend", take(session, "REJECTED"), "number"))


def _noted(session: Session, what: str) -> bool:
    return bool(session.memory.get(f"resend {what}"))


@probe("resend.only_rejected", layer="resend", cost=5)
def a_successful_one_is_refused(session: Session) -> None:
    """A SUCCESSFUL webhook request is not sent again, and stays as it was."""
    record = take(session, "SUCCESSFUL")
    exchange = session.call("resend", {IDENTIFIER: {"id": record["id"]}})
    session.expect_refused("resend.only_rejected", exchange, "the webhook request is SUCCESSFUL")
    after = show(session, record["id"])  # which the memory compares with what it was
    for now in after.records:
        session.pool.learn(now)
    session.pool.give_back(record["id"])
    for record_id in session.memory.get("resent", [])[:1]:
        done = session.pool.records.get(record_id, {})
        if nameable(done) and done.get("life_cycle_state") == "SUCCESSFUL":  # by a resend, this one
            again = session.call("resend", {IDENTIFIER: {"number": done["number"]}})
            session.expect_refused("resend.only_rejected", again, "it was sent again with success")
            show(session, record_id)


@probe(
    "resend.fields_set.selects",
    "resend.fields_set.names",
    layer="resend",
    cost=6,
)
def the_answer_has_the_fields_asked_for(session: Session) -> None:
    """With fields_set the answer of resend has the fields that it names, and only those."""

    def take_one() -> Record:
        record = take(session, "REJECTED")
        session.memory.setdefault("resent", []).append(record["id"])
        return record

    def settle(record: Record) -> None:
        for now in show(session, record["id"]).records:
            session.pool.learn(now)

    check_fields_sets(session, "resend", take_one, settle)


@probe("login.unit", layer="resend", cost=4)
def the_unit_of_the_login_is_the_one_that_acts(session: Session) -> None:
    """What is sent again was updated by the unit that the login named."""
    unit = session.target.login.unit
    token = session.token
    if unit is None and session.target.entries and session.target.login.username is not None:
        unit = units(session.target.entries)[-1]
        token = token_of(ask_for_token(session, unit=unit))
    if unit is None or token is None:
        msg = "needs a login that names a unit; name one with --unit"
        raise Unreachable(msg)
    record = take(session, "REJECTED")
    session.memory.setdefault("resent", []).append(record["id"])
    sent = session.call("resend", {"token": token, IDENTIFIER: {"id": record["id"]}})
    shown = show(session, record["id"])
    for now in shown.records:
        session.pool.learn(now)
        log = now.get("log_information")
        log = log if isinstance(log, Mapping) else {}
        by = log.get("updated_by_unit") or log.get("updated_by_business_unit")
        logged = "log_information.updated_date" in changed_members(record, now)
        if sent.ok and logged and isinstance(by, Mapping) and isinstance(by.get("id"), str):
            session.expect(
                "login.unit",
                sent,
                shown,
                kept=by["id"] == unit,
                expected=f"an update by the unit {unit}",
                seen=f"an update by the unit {by['id']}",
                record=record["id"],
            )


@probe("resend.sends_again", layer="resend", cost=3)
def one_of_a_definition_that_is_not_effective(session: Session) -> None:
    """Whether one is sent again whose webhook definition is not effective is a choice."""
    off = not_effective(session.target.entries)
    record = next((r for r in session.pool.known("REJECTED") if r["id"] in off), None)
    if record is None or not session.pool.may_change(record):
        msg = "no definition is known that is not effective"
        raise Unreachable(msg)
    before = next(iter(show(session, record["id"]).records), record)
    exchange = session.call("resend", {IDENTIFIER: {"id": record["id"]}})
    session.memory.setdefault("resent", []).append(record["id"])
    for now in show(session, record["id"]).records:
        session.pool.learn(now)
        if exchange.ok or not differ(before, now):
            way = "send" if exchange.ok else "error"
            session.findings.chose("resend.definition_not_effective", way, exchange)


@probe("resend.sends_again", layer="resend", cost=1, last=True)
def what_was_sent_leaves_a_trace(session: Session) -> None:
    """What left no trace when it was sent again has one by now: it may have been queued.

    Without any trace nothing can be said, unless the kit knows that one
    must be there: in its own world no delivery leaves a webhook request as it was. Elsewhere a
    response that is a mere reference is new after each delivery.
    """
    waiting: list[WatchedChange] = session.memory.pop(TRACELESS, [])
    silent: list[tuple[WatchedChange, Exchange]] = []
    for change in waiting:
        later = show(session, change.id)
        now = next((r for r in later.records if r.get("id") == change.id), None)
        if now is not None and differ(change.before, now):
            session.pool.learn(now)
            session.expect(
                "resend.sends_again", change.answer, later, kept=True, expected="", seen=""
            )
        elif now is not None:
            silent.append((change, later))
    if not silent or session.findings.is_held("resend.sends_again"):
        return
    change, later = silent[-1]
    if not session.target.entries and (len(silent) < 2 or not _has_reference(change.before)):
        msg = "the resends left no trace by which they could be told from none"
        raise Unreachable(msg)
    session.expect(
        "resend.sends_again",
        change.answer,
        later,
        kept=False,
        expected="a trace of the delivery: another state, date, response or error",
        seen=f"{outcome(change.answer)}, and the webhook request is as it was",
        record=change.id,
    )


def _has_reference(record: Record) -> bool:
    response = record.get("response")
    return isinstance(response, str) and not response.lstrip().startswith(("{", "["))
