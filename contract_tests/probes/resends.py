"""Probes of resend: by id, by number, with fields_set, of what is SUCCESSFUL, and of what is odd.

Legal, and so no violation: a resend that ends REJECTED again, one that is only queued, one that
is answered with an error because the delivery failed again. For what a resend must leave behind
see ``traces``.
"""

from collections.abc import Callable
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.knowledge import changed_members, differ, value_at
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable, outcome
from crmcom_kit.contract_tests.login import ask_for_token, by_key, token_of
from crmcom_kit.contract_tests.own_world import not_effective, units
from crmcom_kit.contract_tests.pool import nameable
from crmcom_kit.contract_tests.probes.helpers import breadth, show
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Resend, Session

#: So many webhook requests are sent again in search of one that is delivered.
MAX_TRIES = 3


def take(session: Session, state: str | None = None) -> Record:
    """Return a webhook request that may be changed, as it is shown now. Raises Unreachable.

    One whose webhook definition is known not to be effective is left out: whether it can be
    sent again is open.
    """
    off = not_effective(session.target.entries)
    while True:
        record = session.record_for_change(state)
        if record["id"] not in off:
            now = shown(session, record["id"])
            right = now is not None and state in (None, now.get("life_cycle_state"))
            if now is not None and right and nameable(now) and session.pool.may_change(now):
                return now


def shown(session: Session, key: str) -> Record | None:
    """Return a webhook request as show returns it now, or None."""
    found = show(session, {"id": key}).records
    return next((each for each in found if each.get("id") == key), None)


def send_again(session: Session, record: Record, form: str = "id", **more: Any) -> Resend:
    """Send a webhook request again, named by the field ``form``; look at it, and note choices."""
    exchange = session.call("resend", {IDENTIFIER: {form: record[form]}, **more})
    after = shown(session, record["id"])
    name = f"{form} with {', '.join(more)}" if more else form
    made = Resend(name, record, exchange, after)
    session.observed.resends.append(made)
    if exchange.ok and after is not None:
        session.findings.hold("resend.same_record", exchange)
    _note_choices(session, made)
    return made


def _in_another_form(session: Session, made: Resend, other: str) -> None:
    """Find out whether a resend was refused for the field that names the webhook request."""
    if made.exchange.ok or made.after is None or differ(made.before, made.after):
        return  # the delivery may have failed
    if send_again(session, made.after, other).exchange.ok:
        why = f"{made.form} names the webhook request, as {other} does"
        session.expect_served("resend.identifier.fields", made.exchange, why)


def _note_choices(session: Session, made: Resend) -> None:
    """Note what a resend has changed, and which way the server takes."""
    chose, exchange, after = session.findings.chose, made.exchange, made.after
    trace = list(changed_members(made.before, after)) if after is not None else []
    if after is None or not trace:
        return
    if not exchange.ok:
        chose("resend.failed", "error", exchange)
        note_refusal(session, "delivery_failed", exchange)
    elif after.get("life_cycle_state") == "REJECTED":
        chose("resend.failed", "ok_rejected", exchange)
    logged = "log_information.updated_date" in trace
    if logged or value_at(after, "log_information.updated_date") is not None:
        chose("resend.updates_log", logged, exchange)
    if "url" in trace:
        chose("resend.destination", "definition", exchange)
    request = after.get("request")
    if exchange.ok and isinstance(request, str) and not request.startswith("{"):
        chose("resend.exchange", "renewed" if "request" in trace else "kept", exchange)


@probe(
    "resend.sends_again", "resend.returns_record", "resend.identity_kept", "resend.same_record",
    "resend.single_result", "resend.clears_error", "resend.identifier.selects",
    "resend.fields_set.default_all", layer="resend", cost=5,
)  # fmt: skip
def a_rejected_one_is_sent_again(session: Session) -> None:
    """Webhook requests are sent again, one by one, until one of them is delivered."""
    for tried in range(MAX_TRIES):
        try:
            made = send_again(session, take(session, "REJECTED"))
        except Unreachable:
            if tried == 0:
                raise
            break
        _in_another_form(session, made, "number")
        if made.after is not None and made.after.get("life_cycle_state") == "SUCCESSFUL":
            break
    resends = session.observed.resends
    if not any(each.exchange.ok for each in resends):
        served = ("returns_record", "identity_kept", "same_record", "identifier.selects")
        why = "no resend was served; the webhook requests in scope can't be delivered"
        session.findings.miss((f"resend.{name}" for name in served), why)
    states = [(each.after or {}).get("life_cycle_state") for each in resends]
    if "SUCCESSFUL" not in states:
        why = "no resend was successful; it takes a receiver that takes them"
        session.findings.miss(["resend.clears_error"], why)


@probe(
    "resend.identifier.selects", "resend.identifier.fields", "resend.single_result",
    layer="resend", cost=4,
)  # fmt: skip
def the_number_names_one_as_well(session: Session) -> None:
    """Webhook requests that are named by their number are sent again."""
    for tried in range(breadth(session, 1, 2)):
        try:
            record = take(session, "REJECTED")
        except Unreachable:
            if tried == 0:
                raise
            return
        _in_another_form(session, send_again(session, record, "number"), "id")


@probe("resend.only_rejected", layer="resend", cost=5)
def a_successful_one_is_refused(session: Session) -> None:
    """SUCCESSFUL webhook requests are not sent again: never, and not after a resend either."""
    record = take(session, "SUCCESSFUL")
    for field in ("id", "number")[: breadth(session, 1, 2)]:
        exchange = session.call("resend", {IDENTIFIER: {field: record[field]}})
        note_refusal(session, "not_rejected", exchange)
    session.pool.give_back(record["id"])
    delivered = [
        each.after
        for each in session.observed.resends
        if each.after is not None and each.after.get("life_cycle_state") == "SUCCESSFUL"
    ]
    for done in delivered[: breadth(session, 1, 2)]:
        for field in ("number", "id")[: breadth(session, 1, 2)]:
            session.call("resend", {IDENTIFIER: {field: done[field]}})


@probe("resend.fields_set.selects", "resend.fields_set.names", layer="resend", cost=6)
def resend_returns_the_fields_asked_for(session: Session) -> None:
    """With fields_set resend returns the fields that it names, and only those."""
    for fields in fields_sets(session, "resend"):
        record = take(session, "REJECTED")
        made = send_again(session, record, fields_set=fields)
        if made.exchange.ok:
            continue
        now = made.after
        if now is not None and not differ(record, now):
            plain = send_again(session, now)
            if plain.exchange.ok:
                why = "fields_set names fields of the response"
                session.expect_served("resend.fields_set.names", made.exchange, why)
        msg = f"resend with fields_set was answered {outcome(made.exchange)}"
        raise Unreachable(msg)


def fields_sets(session: Session, method: str) -> tuple[str, ...]:
    """Return values of fields_set for a changing method. Raises Unreachable if it has none."""
    if "fields_set" not in session.method(method).parameters:
        msg = f"{method} has no fields_set in this release"
        raise Unreachable(msg)
    return ("number", "url,error_code,life_cycle_state")


@probe("login.unit", layer="resend", cost=4)
def the_unit_of_the_login_is_the_one_that_acts(session: Session) -> None:
    """What is sent again was updated by the unit that the login named: of two one is no default."""
    login = session.target.login
    if login.unit is not None:
        _sent_by_unit(session, login.unit, lambda _: session.token)
        return
    found = session.observed.units
    if session.target.entries:
        found = units(session.target.entries)[:0:-1]
    if not found or (login.username is None and login.api_key is None):
        msg = "needs a login that names a unit; name one with --unit"
        raise Unreachable(msg)
    for unit in found[: breadth(session, 1, 2)]:
        _sent_by_unit(session, unit, lambda unit: token_of(ask_for_token(session, unit=unit)))
    if login.username and login.api_key and session.release.web_api_key_token is not None:
        key = login.api_key
        ask = lambda unit: token_of(session.send(by_key(session, key, unit=unit)))  # noqa: E731
        for unit in found[: breadth(session, 0, 2)]:
            _sent_by_unit(session, unit, ask)


def _sent_by_unit(session: Session, unit: str, ask: Callable[[str], str | None]) -> None:
    """Send again with a token of ``unit``, twice if another one updated: it may have been others.

    The token comes at once before: if one lives at a time, the run's next request ends it.
    """
    for _ in range(1 if session.world.exclusive else 2):
        record = take(session, "REJECTED")
        token = ask(unit)
        exchange = session.call("resend", {"token": token, IDENTIFIER: {"id": record["id"]}})
        after = shown(session, record["id"])
        session.pool.give_back(record["id"])
        if after is None or not exchange.ok:
            return
        session.observed.resends.append(Resend("id", record, exchange, after))
        names = ("updated_by_unit", "updated_by_business_unit")
        values = (value_at(after, f"log_information.{each}.id") for each in names)
        by = next(filter(None, values), None)
        logged = "log_information.updated_date" in changed_members(record, after)
        user = value_at(after, "log_information.updated_by_user.username")
        its_own = session.world.exclusive or user == session.target.login.username
        if not logged or not isinstance(by, str) or not its_own:
            return  # a delivery may be the work of the server's own user
        if by == unit:
            session.findings.hold("login.unit", exchange)
            return
    session.expect(
        "login.unit", exchange, kept=False, expected=f"an update by the unit {unit}",
        seen=f"an update by the unit {by}", record=record["id"],
    )  # fmt: skip


@probe("resend.sends_again", layer="resend", cost=3)
def one_of_a_definition_that_is_not_effective(session: Session) -> None:
    """Whether one is sent again whose webhook definition is not effective is a choice."""
    off = not_effective(session.target.entries)
    found = [r for r in session.pool.known("REJECTED") if r["id"] in off]
    record = next(filter(session.pool.may_change, found), None)
    if record is None:
        msg = "no definition is known that is not effective"
        raise Unreachable(msg)
    exchange: Exchange = session.call("resend", {IDENTIFIER: {"id": record["id"]}})
    after = shown(session, record["id"])
    if exchange.ok or (after is not None and not differ(record, after)):
        way = "send" if exchange.ok else "error"
        session.findings.chose("resend.definition_not_effective", way, exchange)
        note_refusal(session, "definition_not_effective", exchange)
