"""Schemas in plain keywords: they say what their sources say."""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from crmcom_kit.schemas import UnknownSchema, release_names, resolve, schema_names, validator
from crmcom_kit.schemas.examples import examples
from crmcom_kit.schemas.loader import Profile
from crmcom_kit.schemas.plain import merged, plain_schema

PROFILES: tuple[Profile, ...] = ("core", "strict")
ANSWERS = [name for name in schema_names() if name.endswith("_answer")]
SPOILERS: list[Any] = [None, "", "OK", "SUCCESSFUL", 1, True, [], {}]


def places(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place inside a value."""
    items = value.items() if isinstance(value, dict) else ()
    for key, item in enumerate(value) if isinstance(value, list) else items:
        yield (*way, key)
        yield from places(item, (*way, key))


@cache
def plain_validator(name: str, profile: Profile, release: str) -> Draft202012Validator:
    """The validator of a schema in plain keywords, made once."""
    return Draft202012Validator(plain_schema(name, profile, release))


@st.composite
def spoilt_answers(draw: st.DrawFn) -> tuple[str, str, Any]:
    """An answer's schema, a release, and an example that may have been changed at one place."""
    release = draw(st.sampled_from(release_names()))
    name = draw(st.sampled_from(ANSWERS))
    (example, *_) = examples(name, resolve(release)).values()
    value = deepcopy(example["value"])
    *way, last = draw(st.sampled_from(list(places(value))))
    inner: Any = value
    for part in way:
        inner = inner[part]
    change = draw(st.sampled_from(["keep", "drop", "set", "add"]))
    if change == "drop":
        del inner[last]
    elif change == "set":
        inner[last] = draw(st.sampled_from(SPOILERS))
    elif change == "add" and isinstance(inner[last], dict):
        inner[last]["unheard_of"] = 1
    return name, release, value


@settings(deadline=None)  # the first use of each schema and release makes its validators
@given(spoilt_answers())
def test_plain_schemas_judge_like_their_sources(spoilt: tuple[str, str, Any]) -> None:
    """A schema in plain keywords accepts and refuses the same values, in both profiles."""
    name, release, value = spoilt
    for profile in PROFILES:
        plain = plain_validator(name, profile, release)
        assert plain.is_valid(value) == validator(name, profile, release).is_valid(value)


@pytest.mark.parametrize("release", [None, "R9", "R18"])
@pytest.mark.parametrize("name", schema_names())
def test_every_schema_can_be_plain(name: str, release: str | None) -> None:
    """Each schema becomes one valid schema with its title, which holds all that it refers to."""
    for profile in PROFILES:
        plain = plain_schema(name, profile, release)
        text = json.dumps(plain)

        Draft202012Validator.check_schema(plain)
        assert plain["title"]
        assert not any(word in text for word in ("$dynamic", "unevaluated", '"$id"', '"format"'))
        assert text.count('"$ref": "#/$defs/') == text.count('"$ref"')
        Draft202012Validator(plain).is_valid({key: {} for key in plain.get("properties", {})})


def test_the_profiles_differ_in_unknown_members() -> None:
    """The core profile takes a member that no document knows, the strict one doesn't."""
    value = {"id": "1", "unheard_of": 1}

    assert Draft202012Validator(plain_schema("unit", "core")).is_valid(value)
    assert not Draft202012Validator(plain_schema("unit", "strict")).is_valid(value)


def test_releases_are_noted_only_where_they_are_mixed() -> None:
    """A schema of all releases says which release brought what; one of a single release needn't."""
    assert "x-since" in plain_schema("list_parameters")["properties"]["offset"]
    assert "x-since" not in plain_schema("list_parameters", release="R13")["properties"]["offset"]
    assert "offset" not in plain_schema("list_parameters", release="R12")["properties"]


def test_an_unknown_schema_is_refused() -> None:
    """A name that no schema has is answered with the names there are."""
    with pytest.raises(UnknownSchema, match="'nonsense'; allowed is one of common, "):
        plain_schema("nonsense")


def test_parts_are_merged() -> None:
    """Members and requirements add up, and the last remark counts."""
    parts = [
        {"title": "A", "properties": {"a": {"type": "string"}, "b": True}, "required": ["a"]},
        {"title": "B", "properties": {"a": {"const": "x"}, "c": True}, "required": ["c", "a"]},
    ]

    assert merged(parts) == {
        "title": "B",
        "properties": {"a": {"type": "string", "const": "x"}, "b": True, "c": True},
        "required": ["a", "c"],
    }


def test_parts_that_contradict_each_other_are_not_merged() -> None:
    """Two parts that give a keyword two meanings have no single schema."""
    with pytest.raises(ValueError, match="minLength is both 1 and 2"):
        merged([{"minLength": 1}, {"minLength": 2}])
