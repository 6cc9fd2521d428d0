"""Probes of list's filters, one by one and together."""

from collections.abc import Iterator, Mapping

from crmcom_kit.contract_tests.calibration.observations import note_refusal
from crmcom_kit.contract_tests.checks.interpretations import day_ends, is_date
from crmcom_kit.contract_tests.checks.knowledge import IDENTIFIERS
from crmcom_kit.contract_tests.probes.filtering import filtered, possible
from crmcom_kit.contract_tests.probes.helpers import breadth, some, steady
from crmcom_kit.contract_tests.probes.lists import semi_optional
from crmcom_kit.contract_tests.probes.registry import probe
from crmcom_kit.contract_tests.safety.pool import Seen, nameable
from crmcom_kit.contract_tests.session import Kit
from crmcom_kit.contract_tests.stateful.cases import Named

#: A URL that nothing was sent to.
_NOWHERE = "https://nowhere.invalid/never"


def _first_of(kit: Kit, field: str, most: int) -> Iterator[Seen]:
    """Yield known webhook requests with a value in ``field`` each, all different, odd ones first.

    Values with ``=``, with characters beyond ASCII or with a comma are the odd ones.
    """
    some(kit, 1)
    by_value: dict[str, Seen] = {}
    for record in filter(nameable, kit.pool.some()):
        value = record.get(field)
        if not isinstance(value, str | dict):
            continue
        text = str(value.get("name", value)) if isinstance(value, dict) else str(value)
        by_value.setdefault(text, record)
    order = sorted(by_value, key=lambda text: (not _odd(text), "," in text))
    yield from (by_value[text] for text in order[:most])


def _odd(text: str) -> bool:
    return "=" in text or not text.isascii()


@probe("list.webhook_definition_identifier.filter", layer="read", cost=7)
def list_by_definition(kit: Kit) -> None:
    """A webhook definition's id, name and alternative code find its webhook requests."""
    _by_object(kit, "webhook_definition")


@probe("list.workflow_rule_identifier.filter", layer="read", cost=5)
def list_by_rule(kit: Kit) -> None:
    """A workflow rule's id, name and alternative code find its webhook requests."""
    _by_object(kit, "workflow_rule")


def _by_object(kit: Kit, field: str) -> None:
    steady(kit)
    parameter = f"{field}_identifier"
    statement = f"list.{parameter}.filter"
    for record in _first_of(kit, field, breadth(kit, 2, 8)):
        inner = record.get(field)
        for name in IDENTIFIERS:
            value = inner.get(name) if isinstance(inner, dict) else None
            if isinstance(value, str) and value:
                # How a comma inside a value is written stands nowhere.
                loose = "," in value
                filters = {parameter: Named(name, value)}
                filtered(kit, statement, filters, open_=loose)
    unknown = kit.call("list", {parameter: {"id": "0D15EA5E0D15EA5E0D15EA5E0D15EA5E"}})
    if unknown.ok:
        kit.findings.chose("list.unknown_reference", "empty", unknown)
    else:
        kit.findings.chose("list.unknown_reference", "error", unknown)
        note_refusal(kit, f"unknown_{field}", unknown)
    kit.expect(
        statement,
        unknown,
        kept=not unknown.records,
        expected=f"no webhook request: the {field.replace('_', ' ')} does not exist",
        seen=f"{len(unknown.records)} webhook requests",
    )


@probe("list.entity.filter", layer="read", cost=1)
def list_by_entity(kit: Kit) -> None:
    """Entity finds the webhook requests of that entity."""
    steady(kit)
    for record in _first_of(kit, "entity", breadth(kit, 2, 18)):
        filtered(kit, "list.entity.filter", {"entity": record["entity"]})


@probe("list.entity_id.filter", layer="read", cost=2)
def list_by_entity_id(kit: Kit) -> None:
    """entity_id finds the webhook requests of that entity."""
    steady(kit)
    for record in some(kit, breadth(kit, 2, 6)):
        filters = {"entity_id": record["entity_id"]}
        alone = kit.findings.choices.get("list.entity_id_alone", {})
        if "False" in alone:
            filters["entity"] = record["entity"]  # a dial: it may need its entity
        filtered(kit, "list.entity_id.filter", filters)
        # A part of an id is the id of another entity, if of any.
        text = record["entity_id"]
        for part in (text[:-1], text[: len(text) // 2])[: breadth(kit, 1, 2)]:
            if part:
                filtered(kit, "list.entity_id.filter", {**filters, "entity_id": part}, open_=True)


@probe("list.life_cycle_state.filter", layer="read", cost=1)
def list_by_state(kit: Kit) -> None:
    """life_cycle_state finds the webhook requests in that state."""
    steady(kit)
    for record in _first_of(kit, "entity", breadth(kit, 1, 4)):
        for state in ("SUCCESSFUL", "REJECTED"):
            filters = {"entity": record["entity"], "life_cycle_state": state}
            filtered(kit, "list.life_cycle_state.filter", filters)


@probe("list.url.filter", layer="read", cost=3)
def list_by_url(kit: Kit) -> None:
    """Url finds the webhook requests that were sent there: the whole of it, or a part."""
    steady(kit)
    for record in _first_of(kit, "url", breadth(kit, 1, 4)):
        url = record["url"]
        scheme, _, rest = url.partition("://")
        filters = {"entity": record["entity"], "url": url}
        if filtered(kit, "list.url.filter", filters).ok:
            for part in (url[:-2], rest or scheme):
                filtered(kit, "list.url.filter", {**filters, "url": part}, open_=True)
            filtered(kit, "list.url.filter", {**filters, "url": _NOWHERE}, open_=True)
    ways = {reading.url for reading in possible(kit)}
    if len(ways) == 1:
        kit.findings.chose("list.url.match", ways.pop())


@probe("list.created_date.filter", layer="read", cost=3)
def list_by_created_date(kit: Kit) -> None:
    """created_date finds webhook requests by when they were created, in whichever form it takes."""
    steady(kit)
    taken: dict[bool, bool] = {}
    for record in some(kit, breadth(kit, 2, 6)):
        moment = record["log_information"].get("created_date")
        if not isinstance(moment, str):
            continue
        days = {moment[:10], *(end[:10] for end in day_ends(moment))}
        tried = [moment[:10], moment]
        tried += [*sorted(days), *day_ends(moment)][: breadth(kit, 1, 9)]
        for text in tried:
            if taken.get(is_date(text), True):
                taken[is_date(text)] = _on_date(kit, record, text)
    _note_dates(kit, taken)


def _on_date(kit: Kit, record: Seen, text: str) -> bool:
    """Call list with a created_date; return whether its form is taken."""
    statement = "list.created_date.filter"
    filters = {"entity": record["entity"], "created_date": text}
    exchange = filtered(kit, statement, filters, open_=True)
    if not exchange.ok:
        note_refusal(kit, "bad_date", exchange)
    return exchange.ok


def _note_dates(kit: Kit, taken: Mapping[bool, bool]) -> None:
    """Note which forms of created_date are taken, and what they select."""
    date, moment = taken.get(True, False), taken.get(False, False)
    if not (date or moment):
        msg = "created_date is taken neither as yyyy-MM-dd nor as yyyy-MM-ddTHH:mm:ss"
        kit.findings.miss(["list.created_date.filter"], msg)
        return
    form = "either" if date and moment else "date" if date else "date_time"
    kit.findings.chose("list.created_date.form", form)
    ways = {
        reading.day if date else reading.moment
        for reading in possible(kit)
        if not (date and moment) or reading.day == reading.moment
    }
    if len(ways) == 1:
        kit.findings.chose("list.created_date.match", ways.pop())


@probe("list.several_results", "list.semi_optional.several_allowed", layer="read", cost=6)
def list_by_several_filters(kit: Kit) -> None:
    """Several filters together find what has all of these attributes."""
    steady(kit)
    for record in some(kit, breadth(kit, 1, 4)):
        given = {
            name: Named(*next(iter(value.items()))) if isinstance(value, dict) else value
            for name, value in semi_optional(record).items()
        }
        names = list(given)
        for pair in zip(names, names[1:] + names[:1], strict=True):
            filters = {name: given[name] for name in pair}
            if len(filters) > 1:
                filtered(kit, "list.several_results", filters)
        other = next(
            (r for r in kit.pool.some() if nameable(r) and r["entity"] != record["entity"]), None
        )
        if other is not None:
            crossed = {"entity": other["entity"], "entity_id": record["entity_id"]}
            filtered(kit, "list.several_results", crossed)
        more = {"life_cycle_state": record["life_cycle_state"], "url": record["url"]}
        filtered(kit, "list.several_results", {**given, **more})
        if not kit.thrifty and len(given) > 1:
            filtered(kit, "list.url.filter", {**given, "url": _NOWHERE}, open_=True)
    ways = {reading.combine for reading in possible(kit)}
    if len(ways) == 1:
        kit.findings.chose("list.combine", ways.pop())
