"""Probes of delete: of each state, by each field, with fields_set, and of what is gone."""

from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.findings import Unreachable, outcome
from crmcom_kit.contract_tests.pool import nameable
from crmcom_kit.contract_tests.probes.helpers import breadth, by_entity, can_page, show
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.probes.resends import fields_sets, shown, take
from crmcom_kit.contract_tests.session import Session


def _take(session: Session, state: str) -> Record:
    """Return a webhook request in ``state`` to delete; one that was sent again will do."""
    try:
        return take(session, state)
    except Unreachable:
        for made in session.observed.resends:
            session.pool.give_back(made.before["id"])
        return take(session, state)


@probe(
    "delete.either_state", "delete.gone", "delete.returns_record", "delete.single_result",
    "delete.identifier.selects", "delete.identifier.fields", "delete.fields_set.default_all",
    layer="delete", cost=10,
)  # fmt: skip
def some_in_each_state_are_deleted(session: Session) -> None:
    """SUCCESSFUL and REJECTED webhook requests are deleted, by id and by number."""
    ways = [("SUCCESSFUL", "id"), ("REJECTED", "number")]
    if session.target.own:
        ways += [("SUCCESSFUL", "number"), ("REJECTED", "id")]
    missed = []
    for state, field in ways:
        try:
            record = _take(session, state)
        except Unreachable as none:
            missed.append(none.why)
            continue
        _delete(session, record, field)
    if missed:
        session.findings.miss(["delete.either_state"], missed[0])
    if len(missed) == len(ways):
        raise Unreachable(missed[0])


def _delete(session: Session, record: Record, field: str) -> None:
    """Delete a webhook request; look for it in each way, with others beside it before and after."""
    entity = {"entity": record["entity"]}
    states = {"life_cycle_state": record["life_cycle_state"]}
    lists = [by_entity(record), entity, {**entity, **states}, {**entity, "fields_set": "id"}]
    lists += [{**entity, "number_of_results": 2}] if can_page(session) else []
    for parameters in lists[: breadth(session, 1, 5)]:
        session.call("list", parameters)
    exchange = session.call("delete", {IDENTIFIER: {field: record[field]}})
    if not exchange.ok:
        other = "number" if field == "id" else "id"
        again = session.call("delete", {IDENTIFIER: {other: record[other]}})
        if again.ok:
            why = f"{field} names the webhook request, as {other} does"
            session.expect_served("delete.identifier.fields", exchange, why)
        return
    for parameters in lists[: breadth(session, 1, 5)]:
        session.call("list", parameters)
    _ask_for_deleted(session, record)
    for parameters in lists[: breadth(session, 0, 2)]:
        session.call("list", parameters)


def _ask_for_deleted(session: Session, record: Record) -> None:
    """Show, send again and delete what was deleted, by either field."""
    for name in ("number", "id")[: breadth(session, 0, 2)]:
        show(session, {name: record[name]})
    for method in ("resend", "delete")[: breadth(session, 1, 2)]:
        for name in ("id", "number")[: breadth(session, 1, 2)]:
            if method in session.allowed and shown(session, record["id"]) is None:
                session.call(method, {IDENTIFIER: {name: record[name]}})


@probe("delete.fields_set.selects", "delete.fields_set.names", layer="delete", cost=6)
def delete_returns_the_fields_asked_for(session: Session) -> None:
    """With fields_set delete returns the fields that it names, and only those."""
    for at, fields in enumerate(fields_sets(session, "delete")):
        record = _take(session, "SUCCESSFUL")
        named = {IDENTIFIER: {"id": record["id"]} if at else {"number": record["number"]}}
        exchange = session.call("delete", {**named, "fields_set": fields})
        if exchange.ok:
            continue
        if shown(session, record["id"]) is not None and session.call("delete", named).ok:
            why = "fields_set names fields of the response"
            session.expect_served("delete.fields_set.names", exchange, why)
        msg = f"delete with fields_set was answered {outcome(exchange)}"
        raise Unreachable(msg)


@probe("delete.gone", layer="delete", cost=8)
def what_was_deleted_stays_away(session: Session) -> None:
    """Later requests find a deleted webhook request no more than the first ones did: comes last."""
    gone = [each for each in session.pool.deleted.values() if nameable(each)]
    if not gone:
        msg = "nothing was deleted"
        raise Unreachable(msg)
    for record in gone[: breadth(session, 2, 4)]:
        for name in ("id", "number"):
            show(session, {name: record[name]})
        state = {"life_cycle_state": record["life_cycle_state"]}
        entity = {"entity": record["entity"]}
        for filters in ({**entity, **state}, by_entity(record), {**by_entity(record), **state}):
            session.call("list", filters)
        if session.findings.choices.get("list.entity_id_alone", {}).keys() == {"True"}:
            session.call("list", {"entity_id": record["entity_id"]})
        for name in (
            ("number", "id") if "resend" in session.allowed and not session.small_budget else ()
        ):
            session.call("resend", {IDENTIFIER: {name: record[name]}})
