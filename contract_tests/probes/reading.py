"""Probes of show, and of reading the same webhook requests again and again."""

from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.probes.helpers import (
    breadth,
    by_entity,
    expect_served_as,
    sample,
    show,
)
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session


@probe(
    "show.identifier.selects", "show.identifier.fields", "show.single_result",
    "parameters.identifier_in_query", "response.id.names_one", "response.number.names_one",
    layer="read", cost=2,
)  # fmt: skip
def show_returns_the_one_asked_for(session: Session) -> None:
    """Show returns webhook requests of each entity and state, by id and by number."""
    for record in sample(session, breadth(session, 1, 40)):
        by_id = show(session, {"id": record["id"]})
        by_number = show(session, {"number": record["number"]})
        for field, exchange, other in (("id", by_id, by_number), ("number", by_number, by_id)):
            if other.ok:
                why = f"{field} is a field of {IDENTIFIER}"
                expect_served_as(session, "show.identifier.fields", exchange, other, why)


@probe("parameters.identifier_in_query", layer="read", cost=0)
def show_may_take_an_encoded_equals_sign(session: Session) -> None:
    """Whether ``number%3D7`` is read as ``number=7`` is open; if it is, the right one comes."""
    record = sample(session, 1)[0]
    for field in ("id", "number") if not session.small_budget else ():
        named = {IDENTIFIER: {field: record[field]}}
        call = build(session.method("show"), {"token": session.token, **named})
        encoded = call.query.replace(f"{IDENTIFIER}={field}=", f"{IDENTIFIER}={field}%3D")
        session.send(Call("show", "GET", call.path, encoded, parameters=call.parameters))


@probe(
    "show.changes_nothing", "list.changes_nothing", "list.agrees_with_show",
    layer="read", cost=6, afresh=True,
)  # fmt: skip
def reading_changes_nothing(session: Session) -> None:
    """The same webhook requests are shown and listed several times; checks compare each look."""
    for record in sample(session, breadth(session, 1, 6)):
        few, many = by_entity(record), {"entity": record["entity"]}
        for _ in range(2):
            for parameters in (few,) if session.small_budget else (few, many):
                session.call("list", parameters)
            show(session, {"id": record["id"]})
        session.call("list", few)
    for _ in range(breadth(session, 0, 3)):
        show(session, {"id": record["id"]})
    for _ in range(breadth(session, 0, 4)):
        session.call("list", few)
