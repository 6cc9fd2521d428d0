"""Probes of list's filters, one by one and together."""

from collections.abc import Iterator, Mapping

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.interpretations import Named, day_ends, is_date
from crmcom_kit.contract_tests.checks.knowledge import IDENTIFIERS
from crmcom_kit.contract_tests.checks.world import Record
from crmcom_kit.contract_tests.pool import nameable
from crmcom_kit.contract_tests.probes.filtering import filtered, possible
from crmcom_kit.contract_tests.probes.helpers import breadth, sample, steady
from crmcom_kit.contract_tests.probes.lists import semi_optional
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.session import Session

#: A URL that nothing was sent to.
_NOWHERE = "https://nowhere.invalid/never"


def _first_of(session: Session, field: str, limit: int) -> Iterator[Record]:
    """Yield known webhook requests with a value in ``field`` each, all different, odd ones first.

    Values with ``=``, with characters beyond ASCII or with a comma are the odd ones.
    """
    sample(session, 1)
    by_value: dict[str, Record] = {}
    for record in filter(nameable, session.pool.known()):
        value = record.get(field)
        if not isinstance(value, str | dict):
            continue
        text = str(value.get("name", value)) if isinstance(value, dict) else str(value)
        by_value.setdefault(text, record)
    order = sorted(by_value, key=lambda text: (not _odd(text), "," in text))
    yield from (by_value[text] for text in order[:limit])


def _odd(text: str) -> bool:
    return "=" in text or not text.isascii()


@probe("list.webhook_definition_identifier.filter", layer="read", cost=7)
def list_by_definition(session: Session) -> None:
    """A webhook definition's id, name and alternative code find its webhook requests."""
    _by_object(session, "webhook_definition")


@probe("list.workflow_rule_identifier.filter", layer="read", cost=5)
def list_by_rule(session: Session) -> None:
    """A workflow rule's id, name and alternative code find its webhook requests."""
    _by_object(session, "workflow_rule")


def _by_object(session: Session, field: str) -> None:
    steady(session)
    parameter = f"{field}_identifier"
    statement = f"list.{parameter}.filter"
    for record in _first_of(session, field, breadth(session, 2, 8)):
        inner = record.get(field)
        for name in IDENTIFIERS:
            value = inner.get(name) if isinstance(inner, dict) else None
            if isinstance(value, str) and value:
                # How a comma inside a value is written stands nowhere.
                loose = "," in value
                filters = {parameter: Named(name, value)}
                filtered(session, filters)
    unknown = session.call("list", {parameter: {"id": "0D15EA5E0D15EA5E0D15EA5E0D15EA5E"}})
    if unknown.ok:
        session.findings.chose("list.unknown_reference", "empty", unknown)
    else:
        session.findings.chose("list.unknown_reference", "error", unknown)
        note_refusal(session, f"unknown_{field}", unknown)
    session.expect(
        statement,
        unknown,
        kept=not unknown.records,
        expected=f"no webhook request: the {field.replace('_', ' ')} does not exist",
        seen=f"{len(unknown.records)} webhook requests",
    )


@probe("list.entity.filter", layer="read", cost=1)
def list_by_entity(session: Session) -> None:
    """Entity finds the webhook requests of that entity."""
    steady(session)
    for record in _first_of(session, "entity", breadth(session, 2, 18)):
        filtered(session, {"entity": record["entity"]})


@probe("list.entity_id.filter", layer="read", cost=2)
def list_by_entity_id(session: Session) -> None:
    """entity_id finds the webhook requests of that entity."""
    steady(session)
    for record in sample(session, breadth(session, 2, 6)):
        filters = {"entity_id": record["entity_id"]}
        alone = session.findings.choices.get("list.entity_id_alone", {})
        if "False" in alone:
            filters["entity"] = record["entity"]  # a dial: it may need its entity
        filtered(session, filters)
        # A part of an id is the id of another entity, if of any.
        text = record["entity_id"]
        for part in (text[:-1], text[: len(text) // 2])[: breadth(session, 1, 2)]:
            if part:
                filtered(session, {**filters, "entity_id": part})


@probe("list.life_cycle_state.filter", layer="read", cost=1)
def list_by_state(session: Session) -> None:
    """life_cycle_state finds the webhook requests in that state."""
    steady(session)
    for record in _first_of(session, "entity", breadth(session, 1, 4)):
        for state in ("SUCCESSFUL", "REJECTED"):
            filters = {"entity": record["entity"], "life_cycle_state": state}
            filtered(session, filters)


@probe("list.url.filter", layer="read", cost=3)
def list_by_url(session: Session) -> None:
    """Url finds the webhook requests that were sent there: the whole of it, or a part."""
    steady(session)
    for record in _first_of(session, "url", breadth(session, 1, 4)):
        url = record["url"]
        scheme, _, rest = url.partition("://")
        filters = {"entity": record["entity"], "url": url}
        if filtered(session, filters).ok:
            for part in (url[:-2], rest or scheme):
                filtered(session, {**filters, "url": part})
            filtered(session, {**filters, "url": _NOWHERE})
    ways = {interpretation.url for interpretation in possible(session)}
    if len(ways) == 1:
        session.findings.chose("list.url.match", ways.pop())


@probe("list.created_date.filter", layer="read", cost=3)
def list_by_created_date(session: Session) -> None:
    """created_date finds webhook requests by when they were created, in whichever form it takes."""
    steady(session)
    taken: dict[bool, bool] = {}
    for record in sample(session, breadth(session, 2, 6)):
        moment = record["log_information"].get("created_date")
        if not isinstance(moment, str):
            continue
        days = {moment[:10], *(end[:10] for end in day_ends(moment))}
        tried = [moment[:10], moment]
        tried += [*sorted(days), *day_ends(moment)][: breadth(session, 1, 9)]
        for text in tried:
            if taken.get(is_date(text), True):
                taken[is_date(text)] = _on_date(session, record, text)
    _note_dates(session, taken)


def _on_date(session: Session, record: Record, text: str) -> bool:
    """Call list with a created_date; return whether its form is taken."""
    statement = "list.created_date.filter"
    filters = {"entity": record["entity"], "created_date": text}
    exchange = filtered(session, filters)
    if not exchange.ok:
        note_refusal(session, "bad_date", exchange)
    return exchange.ok


def _note_dates(session: Session, taken: Mapping[bool, bool]) -> None:
    """Note which forms of created_date are taken, and what they select."""
    date, moment = taken.get(True, False), taken.get(False, False)
    if not (date or moment):
        msg = "created_date is taken neither as yyyy-MM-dd nor as yyyy-MM-ddTHH:mm:ss"
        session.findings.miss(["list.created_date.filter"], msg)
        return
    form = "either" if date and moment else "date" if date else "date_time"
    session.findings.chose("list.created_date.form", form)
    ways = {
        interpretation.day if date else interpretation.moment
        for interpretation in possible(session)
        if not (date and moment) or interpretation.day == interpretation.moment
    }
    if len(ways) == 1:
        session.findings.chose("list.created_date.match", ways.pop())


@probe("list.several_results", "list.semi_optional.several_allowed", layer="read", cost=6)
def list_by_several_filters(session: Session) -> None:
    """Several filters together find what has all of these attributes."""
    steady(session)
    for record in sample(session, breadth(session, 1, 4)):
        given = {
            name: Named(*next(iter(value.items()))) if isinstance(value, dict) else value
            for name, value in semi_optional(record).items()
        }
        names = list(given)
        for pair in zip(names, names[1:] + names[:1], strict=True):
            filters = {name: given[name] for name in pair}
            if len(filters) > 1:
                filtered(session, filters)
        other = next(
            (r for r in session.pool.known() if nameable(r) and r["entity"] != record["entity"]),
            None,
        )
        if other is not None:
            crossed = {"entity": other["entity"], "entity_id": record["entity_id"]}
            filtered(session, crossed)
        more = {"life_cycle_state": record["life_cycle_state"], "url": record["url"]}
        filtered(session, {**given, **more})
        if not session.small_budget and len(given) > 1:
            filtered(session, {**given, "url": _NOWHERE})
    ways = {interpretation.combine for interpretation in possible(session)}
    if len(ways) == 1:
        session.findings.chose("list.combine", ways.pop())
