"""Every constraint of the schema files rejects something: the stored values of rejected.json.

An entry has a value that its schema rejects and, beside it, a valid one that differs from it in one
place only. That unknown members are refused is in test_profiles.
"""

import json
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from crmcom_kit.schemas import files, loader
from crmcom_kit.schemas.loader import compiled, schema_names, validator

Steps = tuple[str | int, ...]
REJECTED = json.loads(Path(__file__).with_name("rejected.json").read_text("utf-8"))

#: Keywords of the files that reject nothing by themselves: remarks, and ways to other schemas.
NEUTRAL = {"title", "description", "$ref", "$defs", "properties", "items", "then"}
#: Keywords whose members are schemas by name.
NAMED = {"properties", "$defs"}
#: Keywords whose values are data.
VALUES = {"const", "enum", "required", "type"}


def _source(name: str) -> Any:
    folder = "parameters" if name.endswith("_parameters") else "objects"
    return files.read_json(f"{folder}/{name}.json")


def _keywords(node: Any, at: Steps = ()) -> Iterator[Steps]:
    """Yield where each keyword of a schema is, those of the schemas inside it included."""
    for keyword, value in node.items() if isinstance(node, dict) else ():
        if keyword.startswith("x-"):
            continue
        yield (*at, keyword)
        if keyword in NAMED:
            for name, piece in value.items():
                yield from _keywords(piece, (*at, keyword, name))
        elif isinstance(value, list) and keyword not in VALUES:
            for index, piece in enumerate(value):
                yield from _keywords(piece, (*at, keyword, index))
        elif keyword not in VALUES:
            yield from _keywords(value, (*at, keyword))


def _constraints() -> Iterator[tuple[str, Steps]]:
    """Yield file and place of each constraint; of ``required`` and ``anyOf``, of each part."""
    for name in schema_names():
        for steps in _keywords(_source(name)):
            value = _at(_source(name), steps)
            if steps[-1] in ("required", "anyOf"):
                yield from ((name, (*steps, index)) for index in range(len(value)))
            elif steps[-1] not in NEUTRAL:
                yield name, steps


def _at(node: Any, steps: Steps) -> Any:
    for step in steps:
        node = node[step]
    return node


def _complaints(name: str, value: Any) -> Counter[tuple[Any, ...]]:
    """Return which keywords reject a value and where, and what they ask for."""
    errors = list(validator(name).iter_errors(value))
    for error in errors:
        errors.extend(error.context or ())
    return Counter(
        (error.validator, str(error.validator_value), error.message, error.json_path)
        for error in errors
    )


def _forget() -> None:
    validator.cache_clear()  # the tests change what it was made of


@cache
def _complaints_today() -> list[Counter[tuple[Any, ...]]]:
    return [_complaints(entry["schema"], entry["value"]) for entry in REJECTED]


@cache
def _schemas_with(name: str) -> frozenset[str]:
    """Return the schemas that a file is a part of."""
    uses = {one: set(_references(_source(one), one)) for one in schema_names()}
    found = {name}
    while more := {one for one in uses if uses[one] & found} - found:
        found |= more
    return frozenset(found)


def _references(node: Any, home: str) -> Iterator[str]:
    for steps in _keywords(node):
        if steps[-1] == "$ref":
            yield _at(node, steps).partition("#")[0] or home


def test_every_keyword_is_known() -> None:
    """A misspelt keyword, which would be ignored in silence, is in no file."""
    known = NEUTRAL | Draft202012Validator.VALIDATORS.keys()
    for name in schema_names():
        assert {steps[-1] for steps in _keywords(_source(name))} <= known, name


@pytest.mark.parametrize(("name", "steps"), list(_constraints()))
def test_without_a_constraint_a_stored_value_is_judged_differently(name: str, steps: Steps) -> None:
    """Each constraint, and each part of a condition, is one that a stored value depends on."""
    changed = deepcopy(_source(name))
    del _at(changed, steps[:-1])[steps[-1]]
    read = files.read_json

    def changed_files(path: str) -> Any:
        return changed if path.endswith(f"/{name}.json") else read(path)

    before = _complaints_today()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "read_json", changed_files)
        _forget()
        try:
            assert any(
                _complaints(entry["schema"], entry["value"]) != complaints
                or _complaints(entry["schema"], entry["valid"])
                for entry, complaints in zip(REJECTED, before, strict=True)
                if entry["schema"] in _schemas_with(name)
            )
        finally:
            _forget()


@pytest.mark.parametrize("entry", REJECTED)
def test_stored_values_are_rejected_and_their_twins_are_not(entry: dict[str, Any]) -> None:
    """In both profiles, and by both validators."""
    for profile in ("core", "strict"):
        for is_valid in (
            validator(entry["schema"], profile).is_valid,
            compiled(entry["schema"], profile).is_valid,
        ):
            assert not is_valid(entry["value"])
            assert is_valid(entry["valid"])
