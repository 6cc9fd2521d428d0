"""What the schema files reject: the stored values of rejected.json.

An entry has a value that its schema rejects and, beside it, a valid one that differs from it in one
place only.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from crmcom_kit.schemas import files
from crmcom_kit.schemas.loader import compiled, schema_names, validator

REJECTED = json.loads(Path(__file__).with_name("rejected.json").read_text("utf-8"))

#: Keywords whose members are schemas by name.
NAMED = {"properties", "$defs"}
#: Keywords whose values are data.
VALUES = {"const", "enum", "required", "type"}


def _keywords(node: Any) -> Iterator[str]:
    """Yield each keyword of a schema, those of the schemas inside it included."""
    if isinstance(node, list):
        for piece in node:
            yield from _keywords(piece)
    for keyword, value in node.items() if isinstance(node, dict) else ():
        if keyword.startswith("x-"):
            continue
        yield keyword
        if keyword not in VALUES:
            yield from _keywords(list(value.values()) if keyword in NAMED else value)


def test_every_keyword_is_known() -> None:
    """A misspelt keyword, which would be ignored in silence, is in no file."""
    known = {"title", "description", "$defs", "then"} | Draft202012Validator.VALIDATORS.keys()
    for name in schema_names():
        folder = "parameters" if name.endswith("_parameters") else "objects"
        assert set(_keywords(files.read_json(f"{folder}/{name}.json"))) <= known, name


@pytest.mark.parametrize("profile", ["core", "strict"])
@pytest.mark.parametrize("load", [validator, compiled])
def test_stored_values_are_rejected_and_valid_ones_are_not(load: Any, profile: str) -> None:
    for entry in REJECTED:
        schema_validator = load(entry["schema"], profile)
        assert not schema_validator.is_valid(entry["value"]), entry
        assert schema_validator.is_valid(entry["valid"]), entry
