"""Requests of list: each filter alone, filters together, values nearly right, fields and pages."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, product
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crmcom_kit.contract_tests.belief.interpretations import (
    OBJECT_OF,
    SEMI_OPTIONAL,
    day_ends,
    is_api_date,
)
from crmcom_kit.contract_tests.belief.records import Record
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.oracle.parsing import STATES
from crmcom_kit.contract_tests.templates.near_misses import (
    ENDS_OF_CALENDAR,
    MUTATIONS,
    Mutation,
    wide,
)
from crmcom_kit.contract_tests.templates.open_values import (
    Edit,
    edits,
    fields_sets,
    moments,
    numbers,
)
from crmcom_kit.contract_tests.templates.reads import FIELDS_SETS
from crmcom_kit.contract_tests.templates.table import Parameters, Scene, Send, spread, template
from crmcom_kit.schemas.members import value_at
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS

OPTIONAL = ("url", "life_cycle_state", "created_date")


class Filter(NamedTuple):
    """A filter of list, and the field if its value is an identifier."""

    name: str
    field: str = ""


#: Those that are not enough have their entity.
ALONE = (
    *map(Filter, ("url", "life_cycle_state", "entity_id", "entity")),
    *(Filter(name, field) for name in OBJECT_OF for field in IDENTIFIER_FIELDS),
)

#: One to four filters, a semi-optional one among them.
TOGETHER = tuple(
    semi_optional + optional
    for size in (2, 1, 3, 4)
    for semi_optional in combinations(SEMI_OPTIONAL, size)
    for optional_size in (1, 0, 2)
    for optional in combinations(OPTIONAL, optional_size)
    if 1 < size + optional_size <= 4
)


def filter_value(record: Record, name: str, field: str = "") -> Any:
    """Return a value of the filter ``name`` that selects a webhook request, or None."""
    if name in OBJECT_OF:
        for member in (field,) if field else IDENTIFIER_FIELDS:
            text = value_at(record, f"{OBJECT_OF[name]}.{member}")
            # No page shows how a comma is written; the belief keeps a digest of a very long name.
            if text and isinstance(text, str) and "," not in text:
                return {member: text}
        return None
    if name == "created_date":
        return next(iter(dates(record)), None)
    return record.get(name) or None


def dates(record: Record) -> list[str]:
    """Return moment and day of a webhook request's creation, and those at the ends of the day."""
    moment = value_at(record, "log_information.created_date")
    if not isinstance(moment, str) or not is_api_date(moment):
        return []
    ends = day_ends(moment)
    return list(dict.fromkeys((moment, moment[:10], *ends, *(end[:10] for end in ends))))


def with_entity(record: Record, filters: dict[str, Any]) -> dict[str, Any]:
    """Return filters, with the entity if none of them is enough by itself."""
    is_enough = not {"entity", *OBJECT_OF}.isdisjoint(filters)
    return filters if is_enough else {"entity": record["entity"], **filters}


def _values(record: Record, names: Iterable[str]) -> dict[str, Any] | None:
    """Return a value of each filter that selects a webhook request; None if one has no value."""
    filters = {name: filter_value(record, name) for name in names}
    return None if None in filters.values() else filters


@template("read", "list", lambda scene: scene.release.entities, first=17)
def every_entity(entity: str) -> Parameters:
    """List all webhook requests of an entity."""
    return {"entity": entity}


@template("read", "list", ALONE, first=20, weight=4)
def one_filter(filter_: Filter, record: Record) -> Parameters | None:
    """List by one filter."""
    value = filter_value(record, filter_.name, filter_.field)
    return None if value is None else with_entity(record, {filter_.name: value})


class ObjectName(NamedTuple):
    """A name of a definition or a rule."""

    filter_name: str
    field: str
    text: str


def _each_name(scene: Scene) -> Sequence[ObjectName]:
    """Return all names of all definitions and rules, those of one field next to each other."""
    objects: dict[str, list[Any]] = {}  # most webhook requests share theirs
    for name, member in OBJECT_OF.items():
        values = [record.get(member) for record in scene.records()]
        objects[name] = [*{id(value): value for value in values}.values()]
    names = dict.fromkeys(
        ObjectName(name, field, value_at(value, field))
        for field in IDENTIFIER_FIELDS for name in OBJECT_OF for value in objects[name]
    )  # fmt: skip
    return [name for name in names if isinstance(name.text, str) and "," not in name.text]


@template("read", "list", _each_name, first=24, weight=4)
def each_definition_and_rule(name: ObjectName) -> Parameters:
    """List by a definition or a rule, by each of its names."""
    return {name.filter_name: {name.field: name.text}}


@template("read", "list", ("alone",), first=2)
def entity_id_alone(record: Record) -> Parameters:
    """List by entity_id without the entity. The documents leave open whether that is enough."""
    return {"entity_id": record["entity_id"]}


class Filters(NamedTuple):
    """Several filters."""

    names: tuple[str, ...]
    state: str | None  # the value of life_cycle_state, if it is among them; None: that of a record
    extras: Mapping[str, str]  # further parameters


#: Further parameters of a list by several filters.
_EXTRAS: tuple[Mapping[str, str], ...] = (
    {}, {}, {"fields_set": "url,id,entity"}, {"number_of_results": "50"}, {"offset": "0"},
    {"number_of_results": "2", "offset": "1"}, {"fields_set": "number,id", "offset": "1"},
    {"number_of_results": "1", "fields_set": "id,url"},
)  # fmt: skip
_FILTERS = spread([*map(Filters._make, product(TOGETHER, (None, *STATES), _EXTRAS))])
_UNPAGED = [filters for filters in _FILTERS if filters.extras.keys() <= {"fields_set"}]


def _extras(scene: Scene) -> SearchStrategy[Mapping[str, str]]:
    """Return a strategy of further parameters of a list by several filters."""
    paging = {"number_of_results": numbers(), "offset": numbers()} if scene.can_page() else {}
    return st.fixed_dictionaries({}, optional={"fields_set": fields_sets(), **paging})


@template(
    "read", "list", lambda scene: _FILTERS if scene.can_page() else _UNPAGED,
    open_variants=lambda scene: st.builds(
        Filters, st.sampled_from(TOGETHER), st.sampled_from((None, *STATES)), _extras(scene)
    ),
    first=44, weight=10,
)  # fmt: skip
def filters_together(filters: Filters, record: Record) -> Parameters | None:
    """List by several filters, all or all but one of which select a webhook request."""
    values = _values(record, filters.names)
    if values is None:
        return None
    if filters.state is not None and "life_cycle_state" in values:
        values["life_cycle_state"] = filters.state
    return {**with_entity(record, values), **filters.extras}


class Confusion(NamedTuple):
    """A filter that gets the value of another."""

    filter: Filter
    source: Filter  # of the value


_CONFUSED = [
    Confusion(Filter(name, field), Filter(source, source_field))
    for field, source_field in spread(list(product(IDENTIFIER_FIELDS, IDENTIFIER_FIELDS)))
    for name in OBJECT_OF for source in OBJECT_OF if (name, field) != (source, source_field)
]  # fmt: skip


@template("read", "list", _CONFUSED, first=30, weight=4)
def confused_names(confusion: Confusion, record: Record) -> Parameters | None:
    """List by a name of the other object, or by another name of the same one."""
    (name, field), source = confusion
    own_value, other_value = filter_value(record, name, field), filter_value(record, *source)
    if own_value is None or other_value is None:
        return None
    value = {field: other_value[source.field]}
    return None if value == own_value else {name: value}


class AnyDate(NamedTuple):
    """A created_date, whatever the webhook requests are."""

    text: str
    extra_names: tuple[str, ...] = ()  # of further filters


#: Places in ``dates``, those of the moment and of the day first; or a date.
_DATES = (*(0, 1) * 5, *map(AnyDate, ENDS_OF_CALENDAR), *range(2, 14))


#: Further filters of a list by any date and time.
_EXTRAS_OF_DATES = (
    (), *(names for names in TOGETHER if len(names) < 3 and "created_date" not in names),
)  # fmt: skip


@template(
    "read", "list", _DATES,
    open_variants=lambda _: st.builds(AnyDate, moments(), st.sampled_from(_EXTRAS_OF_DATES)),
    first=20, weight=6,
)  # fmt: skip
def created_date(date: int | AnyDate, record: Record) -> Parameters | None:
    """List by a date or a moment around a webhook request's creation, or by any."""
    if isinstance(date, int):
        texts = dates(record)
        text = texts[date % len(texts)] if texts else None
        return None if text is None else {"entity": record["entity"], "created_date": text}
    filters = _values(record, date.extra_names)
    return None if filters is None else {**with_entity(record, filters), "created_date": date.text}


class NearValue(NamedTuple):
    """A filter with a value that is nearly right."""

    filter: Filter
    mutation: Mutation  # of the right value
    extra_names: tuple[str, ...] = ()  # of further filters


#: The filters whose values may be any text.
_OF_TEXT = [filter_ for filter_ in ALONE if filter_.name not in ("entity", "life_cycle_state")]
_NEAR = [NearValue(filter_, mutation) for filter_ in _OF_TEXT for mutation in MUTATIONS]
_EXTRAS_OF_TEXTS = ((), (), *((name,) for name in ("entity", "life_cycle_state", *OBJECT_OF)))


@template(
    "read", "list", spread(_NEAR),
    open_variants=lambda _: st.builds(
        NearValue, st.sampled_from(_OF_TEXT), edits(), st.sampled_from(_EXTRAS_OF_TEXTS)
    ),
    open_weight=len(_OF_TEXT) // 2, first=30, weight=6,
)  # fmt: skip
def nearly_right_value(value: NearValue, record: Record) -> Parameters | None:
    """List by a value that is nearly right, alone or with another filter."""
    (name, field), mutation, extra_names = value
    right_value = filter_value(record, name, field)
    if right_value is None:
        return None
    text = right_value[field] if field else right_value
    has_secret = name == "url" and not {*"?@"}.isdisjoint(text)
    if has_secret and mutation is wide:
        return None  # it is no URL any more, so reports would show its secrets
    near_miss = mutation(text)
    if has_secret and not near_miss.startswith(text):
        near_miss = f"{text}{mutation.put if isinstance(mutation, Edit) else '/'}"  # likewise
    if near_miss in ("", text) or (field and "," in near_miss):
        return None
    filters = _values(record, (extra_name for extra_name in extra_names if extra_name != name))
    if filters is None:
        return None
    return with_entity(record, {**filters, name: {field: near_miss} if field else near_miss})


@template("read", "list", (slice(-6, None), slice(-2)), first=2)
def part_of_a_url(part: slice, record: Record) -> Parameters:
    """List by a part of a URL. The documents leave open whether that selects anything.

    The part is not from the query, where receivers have their keys.
    """
    return {"entity": record["entity"], "url": record["url"].partition("?")[0][part]}


def _in_turn(scene: Scene, turn: int, record: Record) -> Record:
    """Return the first webhook request in every other turn, so that equal lists come again."""
    return scene.records()[0] if turn % 2 else record


class ListedFields(NamedTuple):
    """A list with some fields."""

    turn: int
    fields: str


@template(
    "read", "list", tuple(map(ListedFields._make, enumerate(FIELDS_SETS))),
    open_variants=lambda _: st.builds(ListedFields, st.integers(0, 1), fields_sets()),
    first=16, weight=4,
)  # fmt: skip
def some_fields(scene: Scene, selection: ListedFields, record: Record) -> Parameters:
    """List with some fields."""
    record = _in_turn(scene, selection.turn, record)
    filters = {name: record[name] for name in ("entity", "entity_id")}
    return {**filters, "fields_set": selection.fields}


class Page(NamedTuple):
    """A part of a list."""

    turn: int
    names: tuple[str, ...]  # of the filters
    size: str  # "": not limited
    skip: str


#: Sizes of a page, and how many results are skipped; words stand for parts of the whole list.
_SIZES = ("1", "half", "2", "most", "3", "all", "5", "more", "")
_SKIPPED = ("", "0", "1", "half", "2", "most", "all", "more")
_PAGED = (("entity",), ("entity", "life_cycle_state"), ("webhook_definition_identifier",))
_PAGES = [
    Page(turn, *page) for turn, page in enumerate(spread(list(product(_PAGED, _SIZES, _SKIPPED))))
]


def _another_page(scene: Scene, _: Any, page: Exchange, send: Send) -> tuple[()]:
    """List another page of the same size, since the order may depend on the size."""
    parameters = dict(page.call.parameters)
    size, offset = int(parameters.get("number_of_results", 1)), int(parameters.get("offset", 0))
    parameters["offset"] = str(0 if offset else size)
    if page.ok:
        send(build(scene.methods["list"], parameters))
    return ()  # the oracle compares the two


@template(
    "read", "list", lambda scene: _PAGES if scene.can_page() else (),
    open_variants=lambda _: st.builds(
        Page, st.integers(0, 1), st.sampled_from(_PAGED), numbers(), numbers()
    ),
    first=32, weight=6, follow_up=_another_page,
)  # fmt: skip
def a_page(scene: Scene, page: Page, record: Record) -> Parameters | None:
    """List a page."""
    turn, names, size, skip = page
    record = _in_turn(scene, turn, record)
    parameters = _values(record, names)
    if parameters is None:
        return None
    counts = scene.cached(("page", names), lambda: Counter(
        tuple(str(filter_value(other, name)) for name in names) for other in scene.records()
    ))  # fmt: skip
    count = counts[tuple(map(str, parameters.values()))]
    numbers_of = {"half": count // 2, "most": count - 1, "all": count, "more": count + 1}
    if size:
        limit = numbers_of[size] if size in numbers_of else int(size)
        parameters["number_of_results"] = str(max(1, limit))
    if skip:
        parameters["offset"] = str(numbers_of[skip] if skip in numbers_of else int(skip))
    return parameters
