"""Probes of resend: by id, by number, with fields_set, of what is SUCCESSFUL, and of what is odd.

Legal, and so no violation: a resend that ends REJECTED again, one that is only queued, one that
is answered with an error because the delivery failed again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.knowledge import changed_members, differ, value_at
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable, outcome
from crmcom_kit.contract_tests.login import token_of
from crmcom_kit.contract_tests.own_world import not_effective, units
from crmcom_kit.contract_tests.pool import nameable
from crmcom_kit.contract_tests.probes.choosing import shown
from crmcom_kit.contract_tests.probes.logins import ways_to_log_in
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Resend, Session

#: So many webhook requests are sent again in search of one that is delivered.
MAX_TRIES = 3
#: So many are looked at in search of one that show returns as it was seen before: with each look a
#: server that makes up ids seems to have one more.
MAX_LOOKED_AT = 50
#: So many resends of one form have to leave no trace, before the form is doubted.
MIN_SILENT = 2


def take(session: Session, state: str) -> Record:
    """Return a webhook request that may be changed, as it is shown now. Raises Unreachable.

    One whose webhook definition is known not to be effective is left out: whether it can be
    sent again is open.
    """
    off = not_effective(session.target.entries)
    for _ in range(MAX_LOOKED_AT):
        record = session.record_for_change(state)
        if record["id"] not in off:
            now = shown(session, record["id"])
            right = now is not None and now.get("life_cycle_state") == state
            if now is not None and right and nameable(now) and session.pool.may_change(now):
                return now
    msg = f"show returns none of {MAX_LOOKED_AT} {state} webhook requests as they were seen before"
    raise Unreachable(msg)


def _send_again(session: Session, record: Record, form: str, **more: str) -> Resend:
    """Send a webhook request again, named by the field ``form``; look at it, and note choices."""
    exchange = session.call("resend", {IDENTIFIER: {form: record[form]}, **more})
    made = Resend(form, more, record, exchange, shown(session, record["id"]))
    session.observed.resends.append(made)
    if exchange.ok and made.after is not None:
        session.findings.hold("resend.same_record", exchange)
    _note_choices(session, made)
    return made


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


def _each_sent_again(session: Session, forms: Sequence[str], **more: str) -> Iterator[Resend]:
    """Send some REJECTED ones again, each in the next form, and once more if one is refused.

    Raises:
        Unreachable: there is none.
    """
    for at, form in enumerate(forms):
        try:
            record = take(session, "REJECTED")
        except Unreachable:
            if at == 0:
                raise
            return
        made = _send_again(session, record, form, **more)
        yield made
        if made.exchange.ok or made.after is None or made.is_traced:
            continue  # a refusal may have tried, and the delivery failed
        field = made.form if more else {"id": "number", "number": "id"}[form]
        if _send_again(session, made.after, field).exchange.ok:
            name, why = (
                ("fields_set.names", "fields_set names fields of the response")
                if more
                else ("identifier.fields", f"{form} identifies the webhook request, like {field}")
            )
            session.expect_served(f"resend.{name}", made.exchange, why)


@probe(
    "resend.sends_again", "resend.returns_record", "resend.identity_kept", "resend.same_record",
    "resend.single_result", "resend.clears_error", "resend.identifier.selects",
    "resend.fields_set.default_all", "errors.no_server_error", layer="resend", cost=5,
)  # fmt: skip
def resend_sends_a_rejected_one_again(session: Session) -> None:
    """Webhook requests are sent again, one by one, until one of them is delivered."""
    for made in _each_sent_again(session, ("id",) * MAX_TRIES):
        if made.after is not None and made.after.get("life_cycle_state") == "SUCCESSFUL":
            break


@probe(
    "resend.identifier.selects", "resend.identifier.fields", "resend.single_result",
    layer="resend", cost=4,
)  # fmt: skip
def the_number_identifies_one_like_the_id(session: Session) -> None:
    """Webhook requests that are named by their number are sent again."""
    list(_each_sent_again(session, ("number",) * 2))


@probe("resend.fields_set.selects", "resend.fields_set.names", layer="resend", cost=6)
def resend_returns_the_fields_asked_for(session: Session) -> None:
    """With fields_set resend returns the fields that it names, and only those."""
    for fields in fields_sets(session, "resend"):
        for made in _each_sent_again(session, ("id",), fields_set=fields):
            refused = None if made.exchange.ok else made.exchange
        if refused is not None:
            msg = f"resend with fields_set returned {outcome(refused)}"
            raise Unreachable(msg)


def fields_sets(session: Session, method: str) -> tuple[str, ...]:
    """Return values of fields_set for a changing method. Raises Unreachable if it has none."""
    if "fields_set" not in session.method(method).parameters:
        msg = f"{method} has no fields_set in this release"
        raise Unreachable(msg)
    return ("number", "url,error_code,life_cycle_state")


@probe("resend.only_rejected", layer="resend", cost=5)
def a_successful_one_is_refused(session: Session) -> None:
    """SUCCESSFUL webhook requests are not sent again: never, and not after a resend either."""
    record = take(session, "SUCCESSFUL")
    session.pool.give_back(record["id"])
    resent = [made.after for made in session.observed.resends if made.after is not None]
    delivered = [each for each in resent if each.get("life_cycle_state") == "SUCCESSFUL"]
    for done in (record, *delivered[:2]):
        for field in ("id", "number"):
            exchange = session.call("resend", {IDENTIFIER: {field: done[field]}})
            note_refusal(session, "not_rejected", exchange)


@probe("login.unit", layer="resend", cost=4)
def the_unit_of_the_login_is_recorded(session: Session) -> None:
    """What is sent again was updated by the unit that the login named: of two one is no default."""
    login = session.target.login
    if login.unit is not None:
        _sent_by_unit(session, login.unit, None)
        return
    found = session.observed.units
    if session.target.entries:
        found = units(session.target.entries)[:0:-1]
    ways = ways_to_log_in(session)
    if not found or not ways:
        msg = "needs a login that names a unit; name one with --unit"
        raise Unreachable(msg)
    for log_in in ways:
        for unit in found[:2]:
            _sent_by_unit(session, unit, log_in)


def _sent_by_unit(session: Session, unit: str, log_in: Callable[[str], Exchange] | None) -> None:
    """Send again with a token of ``unit``, twice if another one updated: it may have been others.

    The token comes at once before: if one lives at a time, the run's next request ends it.
    """
    for _ in range(1 if session.world.exclusive else 2):
        record = take(session, "REJECTED")
        token = session.token if log_in is None else token_of(log_in(unit))
        exchange = session.call("resend", {"token": token, IDENTIFIER: {"id": record["id"]}})
        after = shown(session, record["id"])
        session.pool.give_back(record["id"])
        if after is None or not exchange.ok:
            return
        session.observed.resends.append(Resend("id", {}, record, exchange, after))
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
def resend_with_a_definition_that_is_not_effective(session: Session) -> None:
    """Whether one is sent again whose webhook definition is not effective is a choice."""
    off = not_effective(session.target.entries)
    found = [r for r in session.pool.known("REJECTED") if r["id"] in off]
    record = next(filter(session.pool.may_change, found), None)
    if record is None:
        msg = "no known webhook definition is NOT EFFECTIVE"
        raise Unreachable(msg)
    exchange = session.call("resend", {IDENTIFIER: {"id": record["id"]}})
    after = shown(session, record["id"])
    if exchange.ok or (after is not None and not differ(record, after)):
        way = "send" if exchange.ok else "error"
        session.findings.chose("resend.definition_not_effective", way, exchange)
        note_refusal(session, "definition_not_effective", exchange)


# Does resend send again at all, in each form in which it can be called?


@probe("resend.sends_again", layer="resend", cost=1, last=True)
def a_resend_leaves_a_trace(session: Session) -> None:
    """What resend was called for has changed by now, whatever became of the delivery.

    What left no trace at once may have been queued. A delivery may fail again in the same way, and
    leave nothing to see. In the kit's own world none does. Elsewhere a form of resend is broken
    only if it never leaves a trace where another one does, for the same webhook requests.
    """
    _tell_what_failed(session)
    forms: dict[str, list[Resend]] = {}
    silent: dict[str, list[Resend]] = {}
    for made in list(session.observed.resends):
        forms.setdefault(made.title, []).append(made)
        now = None if made.is_traced else shown(session, made.before["id"])
        if made.is_traced or now is None or differ(made.before, now):
            session.findings.hold("resend.sends_again", made.exchange)
        else:
            silent.setdefault(made.title, []).append(made)
    if session.target.entries:
        for found in silent.values():
            _is_broken(session, found[0])
        return
    quick = [found[0] for found in forms.values() if all(each.is_traced for each in found)]
    for title, found in silent.items():
        if quick and len(found) == len(forms[title]):
            _try_in_another(session, found, quick[0])
    if not session.findings.is_held("resend.sends_again"):
        _by_reference(session, silent)


def _tell_what_failed(session: Session) -> None:
    """Say which statements could not be tried since deliveries failed."""
    resends = session.observed.resends
    if not any(each.exchange.ok for each in resends):
        served = ("returns_record", "identity_kept", "same_record", "identifier.selects")
        why = "no resend returned OK; the webhook requests in scope cannot be delivered"
        session.findings.miss((f"resend.{name}" for name in served), why)
    if all((each.after or {}).get("life_cycle_state") != "SUCCESSFUL" for each in resends):
        why = "no resend succeeded; this needs a receiver that accepts deliveries"
        session.findings.miss(["resend.clears_error"], why)


def _try_in_another(session: Session, found: Sequence[Resend], quick: Resend) -> None:
    """Send again, in a form that leaves traces at once, what another form has left as it was."""
    proofs = 0
    for made in found:
        now = shown(session, made.before["id"])
        if now is None or now.get("life_cycle_state") != "REJECTED":
            return
        if len(found) < MIN_SILENT:
            again = _send_again(session, now, made.form, **made.more)
            if again.is_traced:
                return
            proofs += 1
        if not _send_again(session, now, quick.form, **quick.more).is_traced:
            return
        proofs += 1
    if proofs >= MIN_SILENT:
        _is_broken(session, found[-1])


def _by_reference(session: Session, silent: Mapping[str, Sequence[Resend]]) -> None:
    """Judge by a response that is a mere reference: a delivery makes a new one.

    Raises:
        Unreachable: nothing can be told.
    """
    found = [each for some in silent.values() for each in some]
    texts = [each.before.get("response") for each in found]
    plain = all(
        isinstance(text, str) and not text.lstrip().startswith(("{", "[")) for text in texts
    )
    if len(found) >= MIN_SILENT and plain and any(each.exchange.ok for each in found):
        _is_broken(session, found[-1])
        return
    msg = "the resends left no trace that distinguishes them from no delivery"
    raise Unreachable(msg)


def _is_broken(session: Session, made: Resend) -> None:
    session.expect(
        "resend.sends_again", made.exchange, kept=False,
        expected="a trace of the delivery: another state, date, response or error",
        seen=f"{outcome(made.exchange)}, and the webhook request is unchanged",
        record=made.before["id"],
    )  # fmt: skip
