"""Probes of list's filters, one by one: values of several webhook requests, odd ones first."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.interpretations import (
    OBJECT_OF,
    SEMI_OPTIONAL,
    day_ends,
    is_date,
)
from crmcom_kit.contract_tests.checks.moments import moment as moment_of
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.client.made_up import NOWHERE
from crmcom_kit.contract_tests.client.near_misses import UNUSUAL, WIDENING, near_misses
from crmcom_kit.contract_tests.findings import Unreachable
from crmcom_kit.contract_tests.probes.helpers import STATES, breadth, identifiers, sample
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session

#: A URL that nothing was sent to.
NO_URL = "https://nowhere.invalid/never"


def steady(session: Session) -> None:
    """Raise Unreachable if reading was found to change things: nothing can be compared then."""
    if session.reading_changes:
        msg = "reading changes things, as other statements tell; no two answers can be compared"
        raise Unreachable(msg)


def different(session: Session, field: str, limit: int) -> Iterator[Record]:
    """Yield known webhook requests with a value in ``field`` each, all different, odd ones first.

    Values with ``=``, with characters beyond ASCII or with other signs are the odd ones.
    """
    steady(session)
    by_value: dict[str, Record] = {}
    for record in sample(session, 10_000):
        value = record.get(field)
        text = str(value.get("name", value)) if isinstance(value, dict) else value
        if isinstance(text, str):
            by_value.setdefault(text, record)
    order = sorted(by_value, key=lambda text: (not _is_odd(text), "," in text))
    yield from (by_value[text] for text in order[:limit])


def _is_odd(text: str) -> bool:
    return not text.isascii() or any(sign in text for sign in "=&+%'\"")


def _by_object(session: Session, parameter: str) -> None:
    field = parameter.removesuffix("_identifier")
    for record in different(session, field, breadth(session, 2, 12)):
        for name, value in identifiers(record.get(field)):
            session.call("list", {parameter: {name: value}})
            if not session.small_budget:
                session.call("list", {parameter: {name: value}, "life_cycle_state": "REJECTED"})
                session.call("list", {parameter: {name: value[:-1]}})
    if not session.small_budget:
        for record in different(session, field, 1):
            for name, value in identifiers(record.get(field)):
                for miss in near_misses(value):
                    session.call("list", {parameter: {name: miss}})
        for value in UNUSUAL:
            session.call("list", {parameter: {"name": value}})
        _with_names_of_others(session, parameter)
    unknown = session.call("list", {parameter: {"id": NOWHERE["id"]}})
    session.findings.chose("list.unknown_reference", "empty" if unknown.ok else "error", unknown)
    note_refusal(session, f"unknown_{field}", unknown)


def _with_names_of_others(session: Session, parameter: str) -> None:
    """List by what names a rule instead of a definition, or the other way round."""
    other = next(each for each in OBJECT_OF if each != parameter)
    for record in different(session, OBJECT_OF[other], 2):
        for name, value in identifiers(record.get(OBJECT_OF[other])):
            session.call("list", {parameter: {name: value}})


for _parameter in SEMI_OPTIONAL[:2]:
    probe(f"list.{_parameter}.filter", layer="read", cost=6, name=f"list by {_parameter}")(
        partial(_by_object, parameter=_parameter)
    )


@probe("list.entity.filter", "list.several_results", layer="read", cost=1)
def list_by_entity(session: Session) -> None:
    """Entity finds the webhook requests of that entity."""
    for record in different(session, "entity", breadth(session, 2, 18)):
        session.call("list", {"entity": record["entity"]})


@probe("list.entity_id.filter", layer="read", cost=2)
def list_by_entity_id(session: Session) -> None:
    """entity_id finds the webhook requests of that entity, and a part of it does not."""
    for record in different(session, "entity_id", breadth(session, 2, 8)):
        text = record["entity_id"]
        for part in (text, text[:-1], f"{text}0", text[: len(text) // 2])[: breadth(session, 2, 4)]:
            filters = {"entity": record["entity"], "entity_id": part}
            if "False" not in session.findings.choices.get("list.entity_id_alone", {}):
                session.call("list", {"entity_id": part})
            if part and not session.small_budget:
                session.call("list", filters)
    if not session.small_budget:
        for record in different(session, "entity_id", 2):
            for value in (*near_misses(record["entity_id"]), *UNUSUAL):
                session.call("list", {"entity": record["entity"], "entity_id": value})


@probe("list.life_cycle_state.filter", layer="read", cost=1)
def list_by_state(session: Session) -> None:
    """life_cycle_state finds the webhook requests in that state, with each way to be listed."""
    for record in different(session, "entity", breadth(session, 1, 18)):
        for state in STATES:
            session.call("list", {"entity": record["entity"], "life_cycle_state": state})
            if not session.small_budget:
                given = {"entity": record["entity"], "entity_id": record["entity_id"]}
                session.call("list", {**given, "life_cycle_state": state})


@probe("list.url.filter", layer="read", cost=3)
def list_by_url(session: Session) -> None:
    """Url finds the webhook requests that were sent there: the whole of it, or a part."""
    for record in different(session, "url", breadth(session, 1, 6)):
        url = record["url"]
        scheme, _, rest = url.partition("://")
        for part in (url, url[:-2], rest or scheme, NO_URL, f"{url}x", url.upper()):
            session.call("list", {"entity": record["entity"], "url": part})
    if not session.small_budget:
        record = sample(session, 1)[0]
        for value in (*near_misses(record["url"], WIDENING), *UNUSUAL):
            session.call("list", {"entity": record["entity"], "url": value})
    _note_way(session, "list.url.match", "url")


def _note_way(session: Session, dial: str, name: str) -> None:
    """Note in which way a filter is read, if lists leave one alone."""
    ways = {getattr(each, name) for each in session.checker.lists.left}
    if len(ways) == 1:
        session.findings.chose(dial, ways.pop())


@probe("list.created_date.filter", layer="read", cost=3)
def list_by_created_date(session: Session) -> None:
    """created_date finds webhook requests by when they were created, in whichever form it takes."""
    steady(session)
    taken: dict[bool, bool] = {}
    records = sample(session, breadth(session, 1, 8))
    for record in (*_newest_and_oldest(session), *records):
        moment = record["log_information"].get("created_date")
        if not isinstance(moment, str):
            continue
        days = sorted({moment[:10], *(end[:10] for end in day_ends(moment))})
        more = [*days, *day_ends(moment)][: breadth(session, 0, 9)]
        for text in dict.fromkeys((moment[:10], moment, *more)):
            if taken.get(is_date(text), True):
                given: dict[str, Any] = {"entity": record["entity"], "created_date": text}
                exchange = session.call("list", given)
                note_refusal(session, "bad_date", exchange)
                taken[is_date(text)] = exchange.ok
    _list_around(session, date=taken.get(True, False))
    _note_dates(session, date=taken.get(True, False), moment=taken.get(False, False))


def _newest_and_oldest(session: Session) -> Iterator[Record]:
    """Yield the two ends of some entities: all others are on one side of the days around them."""
    by_entity: dict[str, list[Record]] = {}
    for record in sample(session, 10_000):
        if isinstance(record["log_information"].get("created_date"), str):
            by_entity.setdefault(record["entity"], []).append(record)
    for records in list(by_entity.values())[: breadth(session, 1, 4)]:
        records.sort(key=lambda record: str(record["log_information"]["created_date"]))
        yield from (records[-1], records[0])[: breadth(session, 1, 2)]


def _list_around(session: Session, *, date: bool) -> None:
    """List two days after the newest and before the oldest, which is so in every time zone."""
    for at, record in enumerate(_newest_and_oldest(session)):
        found = moment_of(record["log_information"]["created_date"])
        if found is not None:
            day = found.local.date() + timedelta(days=-2 if at % 2 else 2)
            text = f"{day}" if date else f"{day}T00:00:00"
            session.call("list", {"entity": record["entity"], "created_date": text})


def _note_dates(session: Session, *, date: bool, moment: bool) -> None:
    """Note which forms of created_date are taken, and what they select."""
    if not (date or moment):
        msg = "created_date is taken neither as yyyy-MM-dd nor as yyyy-MM-ddTHH:mm:ss"
        session.findings.miss(["list.created_date.filter"], msg)
        return
    form = "either" if date and moment else "date" if date else "date_time"
    session.findings.chose("list.created_date.form", form)
    ways = {
        each.day if date else each.moment
        for each in session.checker.lists.left
        if not (date and moment) or each.day == each.moment
    }
    if len(ways) == 1:
        session.findings.chose("list.created_date.match", ways.pop())
