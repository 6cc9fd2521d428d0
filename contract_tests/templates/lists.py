"""Requests of list: each filter alone, filters together, values nearly right, fields and pages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crmcom_kit.contract_tests.belief.belief import Record
from crmcom_kit.contract_tests.belief.interpretations import (
    OBJECT_OF,
    SEMI_OPTIONAL,
    day_ends,
    is_api_date,
)
from crmcom_kit.contract_tests.belief.knowledge import IDENTIFIER_FIELDS, value_at
from crmcom_kit.contract_tests.client.calls import build
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.oracle.expectations import STATES
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

OPTIONAL = ("url", "life_cycle_state", "created_date")

#: One filter, with the field of an identifier; those that are not enough have their entity.
ALONE = (
    ("url", ""), ("life_cycle_state", ""), ("entity_id", ""), ("entity", ""),
    *((name, field) for name in OBJECT_OF for field in IDENTIFIER_FIELDS),
)  # fmt: skip

#: One to four filters, a semi-optional one among them.
TOGETHER = tuple(
    semi + optional
    for size in (2, 1, 3, 4)
    for semi in combinations(SEMI_OPTIONAL, size)
    for more in (1, 0, 2)
    for optional in combinations(OPTIONAL, more)
    if 1 < size + more <= 4
)


def value(record: Record, name: str, field: str = "") -> Any:
    """Return a value of the filter ``name`` that a webhook request fits, or None."""
    if name in OBJECT_OF:
        for each in (field,) if field else IDENTIFIER_FIELDS:
            text = value_at(record, f"{OBJECT_OF[name]}.{each}")
            # How a comma is written here is shown nowhere; of a very long name there is a digest.
            if text and isinstance(text, str) and "," not in text:
                return {each: text}
        return None
    if name == "created_date":
        return next(iter(dates(record)), None)
    return record.get(name) or None


def dates(record: Record) -> list[str]:
    """Return the moment and the day a webhook request was made at, and those around the day."""
    found = value_at(record, "log_information.created_date")
    if not isinstance(found, str) or not is_api_date(found):
        return []
    ends = day_ends(found)
    return list(dict.fromkeys((found, found[:10], *ends, *(each[:10] for each in ends))))


def with_entity(record: Record, given: dict[str, Any]) -> dict[str, Any]:
    """Return filters, with the entity where none of them is enough."""
    enough = {"entity", *OBJECT_OF} & given.keys()
    return given if enough else {"entity": record["entity"], **given}


@template("read", "list", lambda scene: scene.release.entities, about=False, first=17)
def every_entity(_: Scene, entity: str, _record: Record) -> Parameters:
    """List all webhook requests of an entity."""
    return {"entity": entity}


@template("read", "list", ALONE, first=20, weight=4)
def one_filter(_: Scene, variant: tuple[str, str], record: Record) -> Parameters | None:
    """List by one filter."""
    name, field = variant
    found = value(record, name, field)
    return None if found is None else with_entity(record, {name: found})


def _each_name(scene: Scene) -> Sequence[tuple[str, str, str]]:
    """Return all names of all definitions and rules, those of one field next to each other."""
    objects: dict[str, list[Any]] = {}  # most webhook requests share theirs
    for name, member in OBJECT_OF.items():
        shown = [each.get(member) for each in scene.records()]
        objects[name] = [*{id(inner): inner for inner in shown}.values()]
    found = (
        (name, field, value_at(inner, field))
        for field in IDENTIFIER_FIELDS for name in OBJECT_OF for inner in objects[name]
    )  # fmt: skip
    named = (each for each in dict.fromkeys(found) if isinstance(each[2], str))
    return [each for each in named if "," not in each[2]]


@template("read", "list", _each_name, about=False, first=24, weight=4)
def each_definition_and_rule(
    _: Scene, variant: tuple[str, str, str], _record: Record
) -> Parameters:
    """List by a definition or a rule, by each name that it has."""
    name, field, text = variant
    return {name: {field: text}}


@template("read", "list", ("alone",), first=2)
def entity_id_alone(_: Scene, _variant: str, record: Record) -> Parameters:
    """List by entity_id without its entity: whether that is enough is open."""
    return {"entity_id": record["entity_id"]}


#: What a list of several filters has beside them.
_BESIDE: tuple[Mapping[str, str], ...] = (
    {}, {}, {"fields_set": "url,id,entity"}, {"number_of_results": "50"}, {"offset": "0"},
    {"number_of_results": "2", "offset": "1"}, {"fields_set": "number,id", "offset": "1"},
    {"number_of_results": "1", "fields_set": "id,url"},
)  # fmt: skip
_FILTERS = spread(list(product(TOGETHER, (None, *STATES), _BESIDE)))
_UNPAGED = [each for each in _FILTERS if each[2].keys() <= {"fields_set"}]


def _beside(scene: Scene) -> SearchStrategy[Mapping[str, str]]:
    """Return a strategy of what a list of several filters has beside them."""
    paging = {"number_of_results": numbers(), "offset": numbers()} if scene.can_page() else {}
    return st.fixed_dictionaries({}, optional={"fields_set": fields_sets(), **paging})


@template(
    "read", "list", lambda scene: _FILTERS if scene.can_page() else _UNPAGED,
    further=lambda scene: st.tuples(
        st.sampled_from(TOGETHER), st.sampled_from((None, *STATES)), _beside(scene)
    ),
    first=44, weight=10,
)  # fmt: skip
def filters_together(
    _: Scene, variant: tuple[tuple[str, ...], str | None, Mapping[str, str]], record: Record
) -> Parameters | None:
    """List by several filters that one webhook request fits, or all but one."""
    names, state, beside = variant
    given = {name: value(record, name) for name in names}
    if None in given.values():
        return None
    if state is not None and "life_cycle_state" in given:
        given["life_cycle_state"] = state
    return {**with_entity(record, given), **beside}


_CONFUSED = [
    (name, field, other, each)
    for field, each in spread(list(product(IDENTIFIER_FIELDS, IDENTIFIER_FIELDS)))
    for name in OBJECT_OF for other in OBJECT_OF if (name, field) != (other, each)
]  # fmt: skip


@template("read", "list", _CONFUSED, first=30, weight=4)
def confused_names(
    _: Scene, variant: tuple[str, str, str, str], record: Record
) -> Parameters | None:
    """List by a name of the other object, or by another name of the same one."""
    name, field, other, each = variant
    own, found = value(record, name, field), value(record, other, each)
    if own is None or found is None:
        return None
    given = {field: found[each]}
    return None if given == own else {name: given}


#: Places in ``dates``: the moment and the day themselves before what is around them.
_FORMS = (*(0, 1) * 5, *((day, ()) for day in ENDS_OF_CALENDAR), *range(2, 14))


#: What a list by any date and time has beside it: nothing, or other filters.
_BESIDE_DATES = ((), *(each for each in TOGETHER if len(each) < 3 and "created_date" not in each))


@template(
    "read", "list", _FORMS,
    further=lambda _: st.tuples(moments(), st.sampled_from(_BESIDE_DATES)), first=20, weight=6,
)  # fmt: skip
def created_date(
    _: Scene, at: int | tuple[str, tuple[str, ...]], record: Record
) -> Parameters | None:
    """List by a date or a moment around the day that a webhook request was created on, or any."""
    if not isinstance(at, int):
        text, names = at
        given = {name: value(record, name) for name in names}
        if None in given.values():
            return None
        return {**with_entity(record, given), "created_date": text}
    found = dates(record)
    return {"entity": record["entity"], "created_date": found[at % len(found)]} if found else None


#: The filters whose values may be any text, with the field of an identifier.
_OF_TEXT = [each for each in ALONE if each[0] not in ("entity", "life_cycle_state")]
_NEAR = [(*each, mutation) for each in _OF_TEXT for mutation in MUTATIONS]
_BESIDE_TEXT = ((), (), *((name,) for name in ("entity", "life_cycle_state", *OBJECT_OF)))


@template(
    "read", "list", spread(_NEAR),
    further=lambda _: st.builds(
        lambda of, edit, names: (*of, edit, *names),
        st.sampled_from(_OF_TEXT), edits(), st.sampled_from(_BESIDE_TEXT),
    ),
    share=len(_OF_TEXT) // 2, first=30, weight=6,
)  # fmt: skip
def nearly_right_value(
    _: Scene, variant: tuple[str, str, Mutation, *tuple[str, ...]], record: Record
) -> Parameters | None:
    """List by a value that is nearly right, alone or with another filter beside it."""
    name, field, mutation, *beside = variant
    found = value(record, name, field)
    if found is None:
        return None
    text = found[field] if field else found
    if name == "url" and mutation is wide and not {*"?@"}.isdisjoint(text):
        return None  # it is no URL any more, and so reports would show the secrets in it
    near = mutation(text)
    if name == "url" and not {*"?@"}.isdisjoint(text) and not near.startswith(text):
        near = f"{text}{mutation.put if isinstance(mutation, Edit) else '/'}"  # for the same reason
    if near in ("", text) or (field and "," in near):
        return None
    others = {other: value(record, other) for other in beside if other != name}
    if None in others.values():
        return None
    return with_entity(record, {**others, name: {field: near} if field else near})


@template("read", "list", (slice(-6, None), slice(-2)), first=2)
def part_of_a_url(_: Scene, part: slice, record: Record) -> Parameters:
    """List by a part of a URL: whether it is compared as a whole is open, but one way for all.

    The part is not from its query, where receivers have their keys.
    """
    return {"entity": record["entity"], "url": record["url"].partition("?")[0][part]}


def _in_turn(scene: Scene, at: int, record: Record) -> Record:
    """Return every other time the same webhook request: so lists follow each other like others."""
    return scene.records()[0] if at % 2 else record


@template(
    "read", "list", tuple(enumerate(FIELDS_SETS)),
    further=lambda _: st.tuples(st.integers(0, 1), fields_sets()), first=16, weight=4,
)  # fmt: skip
def some_fields(scene: Scene, variant: tuple[int, str], record: Record) -> Parameters:
    """List with some fields."""
    at, fields = variant
    record = _in_turn(scene, at, record)
    return {"entity": record["entity"], "entity_id": record["entity_id"], "fields_set": fields}


#: Sizes of a page, and how many are skipped: numbers, and those that rest on how many there are.
_SIZES = ("1", "half", "2", "most", "3", "all", "5", "more", "")
_SKIPPED = ("", "0", "1", "half", "2", "most", "all", "more")
_PAGED = (("entity",), ("entity", "life_cycle_state"), ("webhook_definition_identifier",))
_PAGES = [*enumerate(spread(list(product(_PAGED, _SIZES, _SKIPPED))))]


def _another_page(scene: Scene, _: Any, page: Exchange, send: Send) -> tuple[()]:
    """Ask for another page of the same size: an order may depend on the size."""
    given = dict(page.call.parameters)
    size, skipped = int(given.get("number_of_results", 1)), int(given.get("offset", 0))
    given["offset"] = str(0 if skipped else size)
    if page.ok:
        send(build(scene.methods["list"], given))
    return ()  # the oracle compares the two


@template(
    "read", "list", lambda scene: _PAGES if scene.can_page() else (),
    further=lambda _: st.tuples(
        st.integers(0, 1), st.tuples(st.sampled_from(_PAGED), numbers(), numbers())
    ),
    first=32, weight=6, then=_another_page,
)  # fmt: skip
def a_page(
    scene: Scene, variant: tuple[int, tuple[tuple[str, ...], str, str]], record: Record
) -> Parameters | None:
    """List a page."""
    at, (names, size, skip) = variant
    record = _in_turn(scene, at, record)
    given = {name: value(record, name) for name in names}
    if None in given.values():
        return None
    counts = scene.once(("page", names), lambda: Counter(
        tuple(str(value(each, name)) for name in names) for each in scene.records()
    ))  # fmt: skip
    count = counts[tuple(map(str, given.values()))]
    counted = {"half": count // 2, "most": count - 1, "all": count, "more": count + 1}
    if size:
        given["number_of_results"] = str(max(1, counted[size] if size in counted else int(size)))
    if skip:
        given["offset"] = str(counted[skip] if skip in counted else int(skip))
    return given
