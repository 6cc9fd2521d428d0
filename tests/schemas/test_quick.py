"""The quick judge agrees with the validator, whichever library it has."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from crmcom_kit.fixtures import world
from crmcom_kit.schemas import schema_names, validator
from crmcom_kit.schemas.quick import quick_judge

REJECTED = json.loads((Path(__file__).parent / "rejected.json").read_text("utf-8"))
#: Schemas that judge by nothing but the days that dates have.
CALENDAR = "format"


@pytest.fixture(params=["jsonschema-rs", "jsonschema"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Judge with either library."""
    quick_judge.cache_clear()
    if request.param == "jsonschema":
        monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    yield request.param
    quick_judge.cache_clear()


def _cases() -> list[dict[str, Any]]:
    found = [case for case in REJECTED if not case["constraint"].endswith(CALENDAR)]
    assert len(found) > 250
    return found


@pytest.mark.usefixtures("library")
def test_it_rejects_what_the_validator_rejects() -> None:
    """Every stored value that breaks a constraint is refused, and its valid twin is not."""
    for case in _cases():
        judge = quick_judge(case["schema"], case["profile"])

        assert not judge(case["value"]), case
        assert judge(case["valid"]), case


@pytest.mark.usefixtures("library")
def test_it_accepts_generated_worlds() -> None:
    """Entries that are valid are accepted."""
    strict = validator("world_entry", "strict")
    for entry in world(seed=3, count=20):
        assert strict.is_valid(entry)
        assert quick_judge("world_entry", "strict")(entry)


def test_both_libraries_are_tried() -> None:
    """The extra is installed where these tests run, and every schema has a judge."""
    quick_judge.cache_clear()

    assert all(quick_judge(name) for name in schema_names())
    assert "jsonschema_rs" in sys.modules
