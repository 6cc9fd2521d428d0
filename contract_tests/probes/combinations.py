"""Probes of list with several parameters at once: filters together, and with fields_set."""

from itertools import combinations
from typing import Any

from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.probes.filters import NO_URL, steady
from crmcom_kit.contract_tests.probes.helpers import (
    STATES,
    breadth,
    can_page,
    sample,
    semi_optional,
)
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session

_FIELDS = "number,life_cycle_state,entity,url"


@probe("list.several_results", "list.semi_optional.several_allowed", layer="read", cost=6)
def list_by_several_filters(session: Session) -> None:
    """Two, three and more filters together find what has all of these attributes."""
    steady(session)
    for at, record in enumerate(sample(session, breadth(session, 1, 8))):
        given = _filters(record)
        semi = set(semi_optional(record))
        sizes = (2,) if session.small_budget else (2, 3)
        for names in (each for size in sizes for each in combinations(given, size)):
            if semi & set(names) and (at < 2 or len(names) == 2):
                session.call("list", {name: given[name] for name in names})
        session.call("list", given)
    for some in sample(session, breadth(session, 1, 4)):
        _contrary(session, some)
    ways = {each.combine for each in session.checker.lists.left}
    if len(ways) == 1:
        session.findings.chose("list.combine", ways.pop())


def _filters(record: Record) -> dict[str, Any]:
    """Return filters that find ``record``."""
    return {
        **semi_optional(record),
        "life_cycle_state": record["life_cycle_state"],
        "url": record["url"],
    }


def _contrary(session: Session, record: Record) -> None:
    """List with filters of which one does not fit."""
    given = _filters(record)
    entity, by_id = {"entity": record["entity"]}, {"entity_id": record["entity_id"]}
    others = (each for each in sample(session, 100) if each["entity"] != record["entity"])
    other = next(others, None)
    if other is not None:
        session.call("list", {"entity": other["entity"], **by_id})
        session.call("list", {**entity, "url": other["url"]})
    if not session.small_budget:
        contrary = next(each for each in STATES if each != record["life_cycle_state"])
        session.call("list", {**given, "life_cycle_state": contrary})
        session.call("list", {**given, "url": NO_URL})
        session.call("list", {**by_id, "life_cycle_state": contrary, "url": record["url"]})


@probe("list.life_cycle_state.filter", layer="read", cost=3)
def list_by_a_date_and_more(session: Session) -> None:
    """created_date goes with the other filters, in a form that the server takes."""
    steady(session)
    form = session.findings.choices.get("list.created_date.form", {})
    length = 19 if form.keys() == {"'date_time'"} else 10
    for record in sample(session, breadth(session, 1, 8)):
        date = str(record["log_information"].get("created_date"))[:length]
        entity = {"entity": record["entity"], "created_date": date}
        contrary = next(each for each in STATES if each != record["life_cycle_state"])
        for more in (
            {"life_cycle_state": contrary},
            {"life_cycle_state": record["life_cycle_state"]},
            {"entity_id": record["entity_id"]},
            {"url": NO_URL},
            {"fields_set": "number"},
        )[: breadth(session, 2, 5)]:
            session.call("list", {**entity, **more})
        session.call("list", {**_filters(record), "created_date": date})


@probe("list.fields_set.selects", layer="read", cost=3)
def list_with_filters_and_fields_set(session: Session) -> None:
    """fields_set selects fields, and changes nothing in which webhook requests come."""
    steady(session)
    for record in sample(session, breadth(session, 1, 4)):
        entity, state = record["entity"], record["life_cycle_state"]
        for filters in (
            {"entity": entity},
            {"entity": entity, "life_cycle_state": state},
            {"entity": entity, "url": record["url"]},
            {**_filters(record)},
        )[: breadth(session, 2, 4)]:
            for fields in ("id", _FIELDS)[: breadth(session, 1, 2)]:
                session.call("list", {**filters, "fields_set": fields})
            if can_page(session):
                page = {"number_of_results": "1", "offset": "1"}
                session.call("list", {**filters, **page, "fields_set": _FIELDS})
