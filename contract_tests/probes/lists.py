"""Probes of list: each filter by itself, filters together, and what goes with them."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.interpretations import OBJECT_OF, SEMI_OPTIONAL, is_date
from crmcom_kit.contract_tests.checks.knowledge import IDENTIFIERS
from crmcom_kit.contract_tests.checks.moments import moment as moment_of
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.near_misses import MUTATIONS
from crmcom_kit.contract_tests.probes.choosing import (
    FILTERS,
    NO_URL,
    STATES,
    can_page,
    different,
    filter_values,
    fitting,
    in_service,
    nearly,
    other_state,
    sample,
    steady,
)
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session

# Which parameters list takes.


@probe("entities.r9", "entities.r14", "entities.r15", layer="read", cost=8)
def list_takes_every_entity(session: Session) -> None:
    """List takes each entity that the release supports, and in each state."""
    in_service(session)
    known = [record.get("entity") for record in session.pool.known()]
    latest_first = reversed(session.release.entities)
    entities = sorted(latest_first, key=lambda each: each in known)
    for entity in entities:
        session.call("list", {"entity": entity})
    for entity in entities:
        for state in STATES:
            session.call("list", {"entity": entity, "life_cycle_state": state})


@probe(
    "list.parameters.mandatory", "list.optional_parameters", "list.semi_optional.several_allowed",
    "list.life_cycle_state.supported_values", layer="read", cost=8,
)  # fmt: skip
def list_takes_any_of_its_parameters(session: Session) -> None:
    """Each semi-optional parameter is enough, and so is it with each of the optional ones."""
    record = sample(session, 1)[0]
    state = {"life_cycle_state": record["life_cycle_state"]}
    semi = fitting(record, SEMI_OPTIONAL)
    for name, value in semi.items():
        alone = session.call("list", {name: value})
        helped = alone if alone.ok else session.call("list", {name: value, **state})
        if name == "entity_id":  # it may need its entity, and nothing else
            session.findings.chose("list.entity_id_alone", alone.ok, alone)
        if alone.ok or helped.ok:
            why = f"{', '.join(state)} is optional: with it the response is OK"
            session.expect_served("list.optional_parameters", alone, why)
        if name != "entity_id" or alone.ok:
            session.expect_served("list.parameters.mandatory", alone, f"{name} is sufficient")
    together = session.call("list", semi)
    session.expect_served("list.semi_optional.several_allowed", together, "all are given")
    entity = {"entity": record["entity"]}
    for name, value in {"url": record["url"], **state, "fields_set": "id"}.items():
        exchange = session.call("list", {**entity, name: value})
        why = f"{name} may be given without the other optional parameters"
        session.expect_served("list.optional_parameters", exchange, why)
    exchange = session.call("list", {**entity, "life_cycle_state": other_state(record)})
    why = "REJECTED and SUCCESSFUL are life cycle states"
    session.expect_served("list.life_cycle_state.supported_values", exchange, why)


# One filter.


def _list_by(session: Session, name: str) -> None:
    """List by values that webhook requests have, by such as are nearly so, and by unusual ones."""
    steady(session)
    records = different(session, OBJECT_OF.get(name, name), 12)
    for record in records:
        for value in filter_values(record, name):
            session.call("list", _with_entity(record, name, value))
    if name in OBJECT_OF:
        unknown = session.call("list", {name: {"id": session.nowhere["id"]}})
        way = "empty" if unknown.ok else "error"
        session.findings.chose("list.unknown_reference", way, unknown)
        note_refusal(session, f"unknown_{OBJECT_OF[name]}", unknown)
    for at, record in enumerate(records):
        for value in filter_values(record, name):
            given = _with_entity(record, name, value)
            for state in STATES:
                session.call("list", {**given, "life_cycle_state": state})
            for filters in _nearly_by(session, record, name, value) if at < 2 else ():
                session.call("list", filters)


def _with_entity(record: Record, name: str, value: Any) -> dict[str, Any]:
    """Return a filter with the entity where it may need it."""
    company = {} if name in OBJECT_OF else {"entity": record["entity"]}
    return {**company, name: value}


def _nearly_by(session: Session, record: Record, name: str, value: Any) -> Iterator[dict[str, Any]]:
    if name == "entity":
        return  # which other values it takes is for another probe
    if name == "url":
        for part in (value.partition("://")[2], value[:-2], value.upper(), NO_URL):
            yield _with_entity(record, name, part)
    if name in OBJECT_OF:  # by what names a rule instead of a definition, or the other way round
        other = next(each for each in OBJECT_OF if each != name)
        yield from ({name: each} for each in filter_values(record, other))
        (text,) = value.values()  # or by a name as if it were a code
        yield from ({name: {field: text}} for field in IDENTIFIERS if field not in value)
    alone = session.findings.choices.get("list.entity_id_alone", {})
    if name == "entity_id" and "False" not in alone:
        yield from ({name: text} for text in (value, value[:-1]))
    for mutation in MUTATIONS:
        near = nearly(value, mutation)
        if near not in ("", value) and "" not in (near.values() if name in OBJECT_OF else ()):
            yield _with_entity(record, name, near)


for _name, _cost in (
    ("webhook_definition_identifier", 6), ("workflow_rule_identifier", 6), ("entity", 1),
    ("entity_id", 2), ("url", 3),
):  # fmt: skip
    _statements = [f"list.{_name}.filter", *(["list.identifier.fields"] * (_name in OBJECT_OF))]
    probe(*_statements, layer="read", cost=_cost, name=f"list by {_name}")(
        partial(_list_by, name=_name)
    )


@probe("list.created_date.filter", "errors.no_server_error", layer="read", cost=3)
def list_by_created_date(session: Session) -> None:
    """created_date finds webhook requests by when they were created, in whichever form it takes."""
    steady(session)
    taken: dict[bool, Exchange] = {}
    records = [*_newest_and_oldest(session), *sample(session, 8)]
    for at, record in enumerate(records):
        for text in (*filter_values(record, "created_date"), *_two_days_off(record, at)):
            before = taken.get(is_date(text))
            if before is None or before.ok:
                exchange = session.call("list", {"entity": record["entity"], "created_date": text})
                note_refusal(session, "bad_date", exchange)
                taken[is_date(text)] = exchange
                _note_form(session, taken)
    for dated in filter(lambda each: each.ok, taken.values()):
        text, record = dated.call.parameters["created_date"], records[-1]
        for name, value in fitting(record, SEMI_OPTIONAL).items():
            if session.call("list", {name: value}).ok:
                exchange = session.call("list", {name: value, "created_date": text})
                why = "created_date may be combined with any other filter"
                session.expect_served_as("list.created_date.filter", exchange, dated, why)


def _newest_and_oldest(session: Session) -> Iterator[Record]:
    """Yield the two ends of some entities: all others are on one side of the days around them."""
    by_entity: dict[str, list[Record]] = {}
    for record in sample(session):
        if moment_of(record["log_information"].get("created_date")) is not None:
            by_entity.setdefault(record["entity"], []).append(record)
    for records in list(by_entity.values())[:4]:
        records.sort(key=lambda record: str(record["log_information"]["created_date"]))
        yield from (records[-1], records[0])


def _two_days_off(record: Record, at: int) -> Iterator[str]:
    """Yield the day, and its first moment, two days later or earlier: so in every time zone."""
    found = moment_of(record["log_information"].get("created_date"))
    if found is not None and found.has_days_around:
        day = found.day + timedelta(days=-2 if at % 2 else 2)
        yield from (f"{day}", f"{day}T00:00:00")


def _note_form(session: Session, taken: dict[bool, Exchange]) -> None:
    """Note in which forms created_date is taken."""
    if len(taken) < 2:
        return
    date, moment = taken[True].ok, taken[False].ok
    if date or moment:
        form = "either" if date and moment else "date" if date else "date_time"
        session.findings.chose("list.created_date.form", form)
    else:
        msg = "the server accepts created_date neither as yyyy-MM-dd nor as yyyy-MM-ddTHH:mm:ss"
        session.findings.miss(["list.created_date.filter"], msg)


# Several filters, and what goes with them.


class Together(NamedTuple):
    """Filters that one webhook request fits, and what is added to each of them."""

    statements: tuple[str, ...]
    cost: int
    filters: tuple[tuple[str, ...], ...]
    added: tuple[dict[str, str], ...]


_ALL = (*SEMI_OPTIONAL, "life_cycle_state", "url")
_SEVERAL = (_ALL, *(each for each in FILTERS if len(each) > 1))
_PLAIN = (
    ("entity",), ("entity", "life_cycle_state"), ("entity", "url"), _ALL, ("entity", "entity_id"),
    ("webhook_definition_identifier",), ("workflow_rule_identifier",), ("entity", "created_date"),
)  # fmt: skip
_SOME_FIELDS = {"fields_set": "number,life_cycle_state,entity,url"}
_PAGES = tuple(
    {"number_of_results": size, "offset": skip}
    for size, skip in (("1", "0"), ("1", "1"), ("2", "1"), ("2", "3"), ("9", "1"))
)
TOGETHER = (
    Together(("list.several_results", "list.semi_optional.several_allowed"), 6, _SEVERAL, ({},)),
    Together(
        ("list.life_cycle_state.filter",), 3, _PLAIN,
        (*({"life_cycle_state": state} for state in STATES), {"url": NO_URL}),
    ),
    Together(
        ("list.fields_set.selects",), 3, _PLAIN,
        ({"fields_set": "id"}, _SOME_FIELDS, {**_PAGES[1], **_SOME_FIELDS}),
    ),
    Together(("list.paging.offset", "list.paging.number_of_results"), 4, _PLAIN, _PAGES),
)  # fmt: skip


def _list_together(session: Session, row: Together) -> None:
    """List by filters that go together, and by such of which one does not fit."""
    steady(session)
    form = session.findings.choices.get("list.created_date.form", {})
    length = 19 if form.keys() == {"'date_time'"} else 10
    records = sample(session, 4)
    for at, record in enumerate(records):
        date = str(record["log_information"].get("created_date"))[:length]
        for names in row.filters:
            if at > 1 and len(names) > 2 and names != _ALL:
                continue
            given = fitting(record, names)
            given |= {"created_date": date} if "created_date" in names else {}
            for added in row.added:
                if can_page(session) or "offset" not in added:
                    session.call("list", {**given, **added})
        if row.filters is _SEVERAL:
            for other in (each for each in records if each["entity"] != record["entity"]):
                session.call("list", {"entity": other["entity"], "entity_id": record["entity_id"]})
                session.call("list", {"entity": record["entity"], "url": other["url"]})


for _row in TOGETHER:
    probe(*_row.statements, layer="read", cost=_row.cost, name=f"lists for {_row.statements[0]}")(
        partial(_list_together, row=_row)
    )
