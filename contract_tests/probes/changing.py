"""Helpers of the probes of resend and delete: watch a change, and check its response."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crmcom_kit.contract_tests.checks.knowledge import changed_members, differ, value_at
from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Unreachable, outcome
from crmcom_kit.contract_tests.own_world import not_effective
from crmcom_kit.contract_tests.pool import nameable
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.schemas.methods import response_fields


@dataclass(frozen=True, slots=True)
class WatchedChange:
    """One resend or delete, with what was shown and listed before and after."""

    before: Record
    listed_before: Exchange
    answer: Exchange
    shown: Exchange  # afterwards
    listed: Exchange  # afterwards

    @property
    def id(self) -> str:
        """The id of the webhook request."""
        return str(self.before["id"])

    @property
    def after(self) -> Record | None:
        """The webhook request as it was shown afterwards; None where it was not."""
        return next((r for r in self.shown.records if r.get("id") == self.id), None)

    @property
    def listed_after(self) -> Record | None:
        """The webhook request as it was listed afterwards; None where it was not."""
        return next((r for r in self.listed.records if r.get("id") == self.id), None)

    @property
    def trace(self) -> list[str]:
        """The members that differ from before."""
        return list(changed_members(self.before, self.after)) if self.after is not None else []

    def ids(self) -> tuple[set[str], set[str]]:
        """Return the ids that were listed before and afterwards."""
        both = (self.listed_before.records, self.listed.records)
        before, after = (
            {r["id"] for r in records if isinstance(r.get("id"), str)} for records in both
        )
        return before, after


def take(session: Session, state: str | None = None) -> Record:
    """Return a webhook request that may be changed, as it is shown now. Raises Unreachable.

    One whose webhook definition is known not to be effective is left out: whether it can be
    sent again is open.
    """
    off = not_effective(session.target.entries)
    while True:
        record = session.record_for_change(state)
        if record["id"] in off:
            continue
        now = next(
            (r for r in show(session, record["id"]).records if r.get("id") == record["id"]), None
        )
        if now is None:
            session.pool.forget(record["id"])  # somebody else has deleted it
        elif not nameable(now):
            continue  # which a check has noticed
        elif session.pool.may_change(now) and state in (None, now.get("life_cycle_state")):
            session.pool.learn(now)
            return now


def show(session: Session, record_id: str) -> Exchange:
    """Show a webhook request by its id."""
    return session.call("show", {IDENTIFIER: {"id": record_id}})


def neighbours(session: Session, record: Record) -> Exchange:
    """List a webhook request with others of its entity: on a target that is not ours, few.

    Raises Unreachable where it has no such thing to be listed by, which a check has noticed.
    """
    names = ("entity",) if session.target.own else ("entity", "entity_id")
    filters = {name: record.get(name) for name in names}
    if not all(isinstance(value, str) for value in filters.values()):
        msg = f"the webhook request {record['id']} has no {' and '.join(names)} to be listed by"
        raise Unreachable(msg)
    return session.call("list", filters)


def watch(session: Session, method: str, before: Record, field: str = "id") -> WatchedChange:
    """Call resend or delete for a webhook request that was just shown, and look at what it did.

    Args:
        session: what calls.
        method: resend or delete.
        before: the webhook request as it is now.
        field: which field of the identifier names it.
    """
    listed_before = neighbours(session, before)
    answer = session.call(method, {IDENTIFIER: {field: before[field]}})
    shown = show(session, before["id"])
    return WatchedChange(before, listed_before, answer, shown, neighbours(session, before))


def check_selected(session: Session, method: str, change: WatchedChange) -> bool:
    """Check that a served call was about the one that was named; return whether it was."""
    record = change.answer.data
    named = f"{method}.identifier.selects"
    if not isinstance(record, Mapping) or not set(record) & set(response_fields()):
        session.expect(
            f"{method}.returns_record",
            change.answer,
            kept=False,
            expected="the webhook request as data",
            seen=record,
            record=change.id,
        )
        return False
    if record.get("id") == change.id:
        session.expect(named, change.answer, kept=True, expected="", seen="")
        return True
    if "id" not in record:
        return True  # which a check of the fields says
    other = session.pool.named(record["id"])
    if other is not None:
        session.expect(
            named,
            change.answer,
            kept=False,
            expected=f"the webhook request {change.id}",
            seen=f"the webhook request {other['id']}",
            record=change.id,
        )
    return False


def check_returned(
    session: Session, method: str, change: WatchedChange, now: Record | None
) -> None:
    """Check that an answer has every field, with the values that ``now`` has.

    Args:
        session: where violations go.
        method: resend or delete.
        change: whose answer is checked; it is about the right webhook request.
        now: the webhook request as the answer should show it, where that is known.
    """
    record = change.answer.data
    differing = list(changed_members(record, now)) if now is not None else []
    if session.reading_changes:
        differing = []
    missing = [
        name
        for name in response_fields()
        if change.before.get(name) is not None and name not in record
    ]
    if method == "resend":  # which ends what these tell of; another statement says so
        missing = [name for name in missing if not name.startswith("error_")]
        differing = [path for path in differing if not path.startswith("error_")]
    late = session.release.at_least("R10.0.0")
    statement = f"{method}.fields_set.default_all" if late else f"{method}.returns_record"
    kept = session.expect(
        statement,
        change.answer,
        kept=not missing,
        expected="every field",
        seen=f"no {', '.join(missing)}",
        record=change.id,
    )
    # What list shows in the same way is not the answer's fault.
    listed = change.listed_after or next(
        (r for r in change.listed_before.records if r.get("id") == change.id), None
    )
    differing = [path for path in differing if value_at(record, path) != value_at(listed, path)]
    if kept or late:
        path = differing[0] if differing else ""
        session.expect(
            f"{method}.returns_record",
            change.answer,
            change.shown,
            kept=not differing,
            expected=f"{path} as it is shown: {value_at(now, path)!r}" if path else "",
            seen=value_at(record, path) if path else "",
            record=change.id,
        )


def check_others_exist(session: Session, method: str, change: WatchedChange) -> None:
    """Check that no other webhook request went, as far as nobody else is at work."""
    before, after = change.ids()
    lost = sorted(before - after - {change.id})
    if not change.listed_before.ok or not change.listed.ok or session.reading_changes:
        return
    if lost and (not session.target.own or show(session, lost[0]).ok):
        return  # somebody else may have deleted it; or list has it on another page
    session.expect(
        f"{method}.single_result",
        change.answer,
        change.listed,
        kept=not lost,
        expected="all other webhook requests as they were",
        seen=f"{len(lost)} of them are gone, such as {lost[0]}" if lost else "",
        record=change.id,
    )


def check_field_known(session: Session, method: str, change: WatchedChange) -> bool:
    """Find out whether a call was refused for the field that named the webhook request.

    Returns:
        Whether that is so: named by the other field, the same call is served.
    """
    ((refused, _),) = change.answer.call.parameters[IDENTIFIER].items()
    field = "number" if refused == "id" else "id"
    other = session.call(method, {IDENTIFIER: {field: change.before[field]}})
    for record in show(session, change.id).records:
        session.pool.learn(record)
    if not other.ok:
        return False
    session.expect_served(
        f"{method}.identifier.fields", change.answer, f"{refused} names the webhook request"
    )
    if method == "delete":
        session.pool.forget(change.id)
    return True


def check_fields_sets(
    session: Session, method: str, take_one: Callable[[], Record], settle: Callable[[Record], None]
) -> None:
    """Check what calls with one field and with several answer; the first wrong answer is enough.

    Args:
        session: what calls.
        method: resend or delete.
        take_one: returns the webhook request for the next call.
        settle: is given each one after its call.

    Raises:
        Unreachable: the release has no fields_set for the method, or there is none to take.
    """
    if "fields_set" not in session.method(method).parameters:
        msg = f"{method} has no fields_set in this release"
        raise Unreachable(msg)
    for wanted in (("number",), ("url", "error_code", "life_cycle_state")):
        record = take_one()
        kept = _check_fields_set(session, method, wanted, record)
        settle(record)
        if not kept:
            break


def _check_fields_set(
    session: Session, method: str, wanted: tuple[str, ...], record: Record
) -> bool:
    """Check what a call with fields_set answers: names that are separated, and no other field.

    Returns:
        Whether the answer has the fields that were asked for, and only those.

    Raises:
        Unreachable: the call was refused, for another reason as far as can be told.
    """
    text = ",".join(wanted)
    exchange = session.call(method, {IDENTIFIER: {"id": record["id"]}, "fields_set": text})
    if not exchange.ok:
        _find_why_refused(session, method, exchange, record)
        return False
    session.expect_served(f"{method}.fields_set.names", exchange, "names with commas between them")
    got = set(exchange.data) if isinstance(exchange.data, dict) else set()
    got &= set(response_fields())  # others, which no page knows, are no matter of fields_set
    if "id" not in wanted and "id" in got and got != set(response_fields()):
        session.findings.chose("fields_set.always_id", True, exchange)  # noqa: FBT003 - a dial's value
        got.discard("id")
    unset = {"error_code", "error_description"} & set(wanted)  # which may be left out
    return session.expect(
        f"{method}.fields_set.selects",
        exchange,
        kept=got | unset == set(wanted),
        expected=f"the fields {text}",
        seen=", ".join(sorted(got)) or "none",
        record=record["id"],
    )


def _find_why_refused(session: Session, method: str, refused: Exchange, record: Record) -> None:
    """Find out whether it was fields_set that made the target refuse. Raises Unreachable."""
    now = next(iter(show(session, record["id"]).records), None)
    if now is not None and not differ(record, now):
        plain = session.call(method, {IDENTIFIER: {"id": record["id"]}})
        if plain.ok:
            why = "fields_set names fields of the answer"
            session.expect_served(f"{method}.fields_set.names", refused, why)
            return
    msg = f"{method} with fields_set was answered {outcome(refused)}"
    raise Unreachable(msg)
