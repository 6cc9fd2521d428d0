"""The quick judge agrees with the validator."""

import json
from pathlib import Path
from typing import Any

from crmcom_kit.fixtures import world
from crmcom_kit.schemas import schema_names, validator
from crmcom_kit.schemas.quick import quick_judge

REJECTED = json.loads((Path(__file__).parent / "rejected.json").read_text("utf-8"))
#: Schemas that judge by nothing but the days that dates have.
CALENDAR = "format"


def _cases() -> list[dict[str, Any]]:
    found = [case for case in REJECTED if not case["constraint"].endswith(CALENDAR)]
    assert len(found) > 250
    return found


def test_it_rejects_what_the_validator_rejects() -> None:
    """Every stored value that breaks a constraint is refused, and its valid twin is not."""
    for case in _cases():
        judge = quick_judge(case["schema"], case["profile"])

        assert not judge(case["value"]), case
        assert judge(case["valid"]), case


def test_it_accepts_generated_worlds() -> None:
    """Entries that are valid are accepted."""
    strict = validator("world_entry", "strict")
    for entry in world(seed=3, count=20):
        assert strict.is_valid(entry)
        assert quick_judge("world_entry", "strict")(entry)


def test_every_schema_has_a_judge() -> None:
    """Each schema can be judged quickly."""
    assert all(quick_judge(name) for name in schema_names())
