"""Probes of delete: of each state, by each field, with fields_set, and of what is gone."""

from contextlib import suppress
from typing import Any

from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.findings import Unreachable, Withheld, outcome
from crmcom_kit.contract_tests.probes.choosing import can_page, fitting, shown
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.probes.resends import fields_sets, take
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
def delete_works_in_each_state(session: Session) -> None:
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
            session.findings.miss(["delete.either_state"], none.why)
            continue
        _delete(session, record, field)
    if len(missed) == len(ways):
        raise Unreachable(missed[0])


def _delete(session: Session, record: Record, field: str) -> None:
    """Delete a webhook request; list it with others before and after, and name it again."""
    other = "number" if field == "id" else "id"
    _list_beside(session, record)
    exchange = session.call("delete", {IDENTIFIER: {field: record[field]}})
    if not exchange.ok:
        if session.call("delete", {IDENTIFIER: {other: record[other]}}).ok:
            why = f"{field} identifies the webhook request, like {other}"
            session.expect_served("delete.identifier.fields", exchange, why)
        return
    _list_beside(session, record)
    for method in ("resend", "delete"):
        for name in ("id", "number"):
            named = {IDENTIFIER: {name: record[name]}}
            # Others may use its number again.
            if method in session.allowed and not session.call("show", named).ok:
                with suppress(Withheld):
                    session.call(method, named)
    _list_beside(session, record)


def _list_beside(session: Session, record: Record) -> None:
    """List a webhook request with others, in each way that a server may keep a list for."""
    lists: list[dict[str, Any]] = [
        fitting(record, names)
        for names in (("entity", "entity_id"), ("entity",), ("entity", "life_cycle_state"))
    ]
    lists += [{**lists[1], "fields_set": "id"}]
    lists += [{**lists[1], "number_of_results": 2}] if can_page(session) else []
    for parameters in lists[: 1 if session.small_budget else None]:
        session.call("list", parameters)


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
        msg = f"delete with fields_set returned {outcome(exchange)}"
        raise Unreachable(msg)
