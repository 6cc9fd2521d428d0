"""Every constraint of every schema rejects something: the stored values of rejected.json.

A place is written ``<schema>#<JSON Pointer>``. Each entry has a value that breaks the constraint
at its place, and beside it a valid value that differs from it in one place only.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator

from crmcom_kit.schemas.loader import load_schema, schema_names, validator

Entry = dict[str, Any]
Way = list[str]
REJECTED: list[Entry] = json.loads(Path(__file__).with_name("rejected.json").read_text("utf-8"))
ENTRIES = pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=entry["constraint"]) for entry in REJECTED]
)

#: Keywords that say something about a schema and reject nothing.
NOTES = {"$schema", "$id", "$dynamicAnchor", "$dynamicRef", "title", "description"}
#: Keywords that only hand on to the schemas inside them.
LINKS = {"properties", "$defs", "allOf", "items", "then"}
#: Keywords whose members are schemas by name.
NAMED = {"properties", "$defs"}
#: Keywords whose values are data.
VALUES = {"const", "enum"}


@cache
def _node(place: str) -> Any:
    """Return what stands at ``place``."""
    name, _, pointer = place.partition("#")
    node: Any = load_schema(name)
    for part in pointer.split("/")[1:]:
        node = node[int(part)] if isinstance(node, list) else node[part]
    return node


def _target(place: str, reference: str) -> str:
    """Return the place that ``reference``, standing at ``place``, refers to."""
    name, _, pointer = reference.partition("#")
    return f"{name or place.partition('#')[0]}#{pointer}"


def _schemas(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``schema`` and every schema inside it, each with its place."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    for keyword, value in schema.items():
        at = f"{place}/{keyword}"
        if keyword in NOTES | VALUES or keyword.startswith("x-"):
            continue
        if keyword in NAMED:
            inner = [(f"{at}/{name}", piece) for name, piece in value.items()]
        elif isinstance(value, list):
            inner = [(f"{at}/{index}", piece) for index, piece in enumerate(value)]
        else:
            inner = [(at, value)]
        for where, piece in inner:
            yield from _schemas(piece, where)


def _constraints(name: str) -> Iterator[str]:
    """Yield the place of each constraint in schema ``name``; of ``required``, one for each name."""
    for place, schema in _schemas(_node(f"{name}#"), f"{name}#"):
        for keyword, value in schema.items():
            if keyword == "required":
                yield from (f"{place}/required/{index}" for index in range(len(value)))
            elif keyword not in NOTES | LINKS and not keyword.startswith("x-"):
                yield f"{place}/{keyword}"


def _ways(place: str, steps: list[str | int]) -> Iterator[Way]:
    """Yield each way along ``steps`` from ``place``, through references: the places passed."""
    if not steps:
        yield [place]
        return
    node = _node(place)
    if isinstance(node, dict) and "$ref" in node:
        for way in _ways(_target(place, node["$ref"]), steps):
            yield [f"{place}/$ref", *way]
    if isinstance(node, list) or steps[0] in node:
        for way in _ways(f"{place}/{steps[0]}", steps[1:]):
            yield [place, *way]


def _same(one: Any, other: Any) -> bool:
    """Whether two schemas are equal but for the dialect that they may name."""
    pieces = ({k: v for k, v in schema.items() if k != "$schema"} for schema in (one, other))
    return next(pieces) == next(pieces)


def _errors(judge: Validator, start: str, value: Any) -> Iterator[tuple[ValidationError, Way]]:
    """Yield every error, those inside others too, with the one way from ``start`` to its place."""
    waiting = list(judge.iter_errors(value))
    while waiting:
        error = waiting.pop()
        waiting.extend(error.context or ())
        found = [
            way
            for way in _ways(start, list(error.absolute_schema_path))
            if _same(_node(way[-1].rpartition("/")[0]), error.schema)
        ]
        assert len(found) == 1, f"{error.message}: {len(found)} places fit it, {found}"
        yield error, found[0]


def _breaks(judge: Validator, start: str, value: Any, constraint: str) -> bool:
    """Whether ``value`` has an error of exactly ``constraint``."""
    head, _, last = constraint.rpartition("/")
    for error, way in _errors(judge, start, value):
        if head.endswith("/required"):
            missing = isinstance(error.instance, dict) and _node(constraint) not in error.instance
            if missing and way[-1] == head:
                return True
        elif way[-1] == constraint or (last in {"$ref", "then"} and constraint in way):
            return True
    return False


def _condition(constraint: str) -> str | None:
    """Return the ``if`` that ``constraint`` is or stands in, or the ``not`` that it stands in."""
    for keyword, text in (("/if", f"{constraint}/"), ("/not", constraint)):
        head, found, _ = text.partition(f"{keyword}/")
        if found:
            return f"{head}{keyword}"
    return None


def _differences(one: Any, other: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places at which two JSON values differ; a renamed member is one difference."""
    if isinstance(one, dict) and isinstance(other, dict):
        gone, new = one.keys() - other.keys(), other.keys() - one.keys()
        renamed = len(gone) == len(new) == 1
        lone = [(*at, name) for name in (new if renamed else gone | new)]
        both = [_differences(one[k], other[k], (*at, k)) for k in one.keys() & other.keys()]
        return lone + [place for places in both for place in places]
    return [] if type(one) is type(other) and one == other else [at]


def _along(value: Any, path: tuple[Any, ...]) -> Iterator[Any]:
    """Yield ``value`` and the values inside it on the way along ``path``, as far as it goes."""
    yield value
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return
        value = value[step]
        yield value


@pytest.mark.parametrize("name", schema_names())
def test_every_keyword_is_known(name: str) -> None:
    """A misspelt keyword, which would be ignored in silence, is in no schema."""
    known = NOTES | LINKS | Draft202012Validator.VALIDATORS.keys()
    for place, schema in _schemas(_node(f"{name}#"), f"{name}#"):
        unknown = {keyword for keyword in schema if not keyword.startswith("x-")} - known
        assert not unknown, place


def test_every_constraint_has_a_value_that_it_rejects() -> None:
    """A constraint without an entry in rejected.json, or an entry without its constraint, fails."""
    stored = {entry["constraint"] for entry in REJECTED}
    in_force = {place for name in schema_names() for place in _constraints(name)}
    assert sorted(in_force - stored) == [], "constraints that nothing is known to break"
    assert sorted(stored - in_force) == [], "entries of constraints that are gone"


@ENTRIES
def test_a_stored_value_breaks_exactly_its_constraint(entry: Entry) -> None:
    """The value is rejected by the constraint of its entry, not only by some other one."""
    judge, start = validator(entry["schema"], entry["profile"]), f"{entry['schema']}#"
    constraint, value = entry["constraint"], entry["value"]
    outer = _condition(constraint)
    if outer is None:
        assert _breaks(judge, start, value, constraint)
        return
    # A condition bites where it is met, and each part of it is what lets the twin off.
    consequence = outer if outer.endswith("/not") else f"{outer.removesuffix('/if')}/then"
    assert _breaks(judge, start, value, consequence)
    name, _, pointer = outer.partition("#")
    inner = judge.evolve(schema={"$ref": f"{load_schema(name)['$id']}#{pointer}"})
    twin = [
        piece
        for path in _differences(value, entry["valid"])
        for piece in _along(entry["valid"], path)
    ]
    if constraint == outer:
        assert not all(inner.is_valid(piece) for piece in twin)
    else:
        assert any(_breaks(inner, outer, piece, constraint) for piece in twin)


@ENTRIES
def test_the_valid_twin_of_a_stored_value_passes(entry: Entry) -> None:
    """Beside each rejected value stands an accepted one that differs in one place only."""
    assert validator(entry["schema"], "core").is_valid(entry["valid"])
    assert validator(entry["schema"], "strict").is_valid(entry["valid"])
    assert len(_differences(entry["value"], entry["valid"])) == 1


@ENTRIES
def test_strict_differs_from_core_in_closed_objects_only(entry: Entry) -> None:
    """Strict rejects each stored value; core does too, unless an unknown member is all there is."""
    closes = entry["constraint"].endswith("/unevaluatedProperties")
    assert not validator(entry["schema"], "strict").is_valid(entry["value"])
    assert validator(entry["schema"], "core").is_valid(entry["value"]) is closes
    assert (entry["profile"] == "strict") is closes
