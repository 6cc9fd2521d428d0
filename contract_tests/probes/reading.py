"""Probes of show, and of reading the same webhook requests again and again."""

from functools import partial
from typing import Any

from crmcom_kit.contract_tests.checks.sense import IDENTIFIER
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.probes.choosing import FIELDS_SETS, can_page, fitting, sample
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session


@probe(
    "show.identifier.selects", "show.identifier.fields", "show.single_result",
    "parameters.identifier_in_query", "response.id.names_one", "response.number.names_one",
    layer="read", cost=2,
)  # fmt: skip
def show_returns_the_requested_one(session: Session) -> None:
    """Show returns webhook requests of each entity and state, by id and by number.

    Whether ``number%3D7`` is read as ``number=7`` is open; if it is, the right one comes.
    """
    records = sample(session, 40)
    for record in records:
        by_id, by_number = (
            session.call("show", {IDENTIFIER: {field: record[field]}}) for field in ("id", "number")
        )
        for field, exchange, other in (("id", by_id, by_number), ("number", by_number, by_id)):
            why = f"{field} is a field of {IDENTIFIER}"
            session.expect_served_as("show.identifier.fields", exchange, other, why)
    for field in ("id", "number"):
        named = {IDENTIFIER: {field: records[0][field]}}
        call = build(session.method("show"), {"token": session.token, **named})
        encoded = call.query.replace(f"{IDENTIFIER}={field}=", f"{IDENTIFIER}={field}%3D")
        session.send(Call("show", "GET", call.path, encoded, parameters=call.parameters))


@probe(
    "show.changes_nothing", "list.changes_nothing", "list.agrees_with_show",
    layer="read", cost=5, afresh=True,
)  # fmt: skip
def reading_changes_nothing(session: Session) -> None:
    """The same webhook requests are shown and listed several times; checks compare each look."""
    records = sample(session, 6)
    for record in records:
        few = fitting(record, ("entity", "entity_id"))
        for _ in range(2):
            session.call("list", few)
            session.call("show", {IDENTIFIER: {"id": record["id"]}})
            session.call("list", {"entity": record["entity"]})
        session.call("list", few)
    for _ in range(4):
        session.call("show", {IDENTIFIER: {"id": records[-1]["id"]}})
        session.call("list", few)


def _fields_that_are_named(session: Session, method: str) -> None:
    """Ask for every response field in fields_set, alone and with others."""
    records = sample(session, 4)
    for at, fields in enumerate(FIELDS_SETS):
        record = records[at % len(records)]
        name = "id" if at % 3 else "number"
        given: dict[str, Any] = {IDENTIFIER: {name: record[name]}}
        if method == "list":
            given = fitting(record, ("entity", "entity_id", "life_cycle_state")[: 2 + at % 2])
            if can_page(session) and not at % 3:
                given |= {"number_of_results": "2", "offset": "0"}
        session.call(method, {**given, "fields_set": fields})


for _method in ("show", "list"):
    probe(
        *(f"{_method}.fields_set.{each}" for each in ("names", "selects", "default_all")),
        layer="read", cost=3, name=f"fields_set of {_method}",
    )(partial(_fields_that_are_named, method=_method))  # fmt: skip
