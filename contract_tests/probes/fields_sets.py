"""Probes of fields_set in show and list: alone, several, all but one, in another order."""

from collections.abc import Iterator

from crmcom_kit.contract_tests.probes.helpers import breadth, by_entity, can_page, sample, show
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session
from crmcom_kit.schemas.methods import response_fields

_STATEMENTS = tuple(f"fields_set.{name}" for name in ("names", "selects", "default_all"))


def fields_sets(*, few: bool) -> Iterator[str]:
    """Yield values of fields_set, the most telling ones first."""
    every = response_fields()
    yield "life_cycle_state,error_code,error_description"
    yield ",".join(reversed(every))
    if few:
        return
    yield from ("id,number", "number,id", "log_information,url", "url,log_information,entity")
    yield from every
    for left_out in every:
        yield ",".join(name for name in every if name != left_out)
    for at in range(0, len(every) - 2, 2):
        yield ",".join((every[at + 2], every[at]))


@probe(*(f"show.{each}" for each in _STATEMENTS), layer="read", cost=3)
def show_returns_the_fields_that_are_named(session: Session) -> None:
    """Show takes every response field in fields_set, alone and with others."""
    records = sample(session, breadth(session, 1, 4))
    for at, fields in enumerate(fields_sets(few=session.small_budget)):
        record = records[at % len(records)]
        name = "id" if at % 3 else "number"
        show(session, {name: record[name]}, fields_set=fields)
    for record in records:
        show(session, {"id": record["id"]})


@probe(*(f"list.{each}" for each in _STATEMENTS), layer="read", cost=3)
def list_returns_the_fields_that_are_named(session: Session) -> None:
    """List takes every response field in fields_set, alone and with others."""
    records = sample(session, breadth(session, 1, 4))
    for at, fields in enumerate(fields_sets(few=session.small_budget)):
        record = records[at % len(records)]
        more = {"life_cycle_state": record["life_cycle_state"]} if at % 2 else {}
        if can_page(session) and not at % 3:
            more |= {"number_of_results": "2", "offset": "0"}
        session.call("list", {**by_entity(record), **more, "fields_set": fields})
    for record in records:
        session.call("list", by_entity(record))
