"""Rendering: what the dials and the release make of a record, which stays valid."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.schemas import dials, load_dialect, resolve, validator
from crmcom_kit.schemas.rendering import Renderer

ODD_LOG = {"created_by_unit": {"id": "9"}, "created_by_user": {"id": "5"}, "updated_date": None}
UNIT = {
    "id": "9",
    "name": "Unit",
    "alternative_code": "U",
    "description": None,
    "group_name": "Group",
    "community_name": "Community",
}
RECORD = {
    "id": "1",
    "number": "7",
    "life_cycle_state": "REJECTED",
    "entity": "JOBS",
    "entity_id": "J1",
    "url": "http://receiver/in",
    "webhook_definition": {"id": "D"},
    "workflow_rule": {"id": "R1", "name": "Rule"},
    "log_information": {},
}
#: Another value than the default for each dial that decides how a record looks.
OTHERS = {
    key: dial.choices
    if dial.type == "members"
    else [choice for choice in dial.choices if choice != dial.default][-1]
    for key, dial in dials().items()
    if key.startswith("record.")
}


def renderer(release: str = "R9", changes: Mapping[str, Any] = MappingProxyType({})) -> Renderer:
    """Make a renderer in a dialect with these changes."""
    return Renderer(load_dialect().changed(changes), resolve(release))


@pytest.mark.parametrize(("release", "name"), [("R17", "unit"), ("R18", "business_unit")])
@pytest.mark.parametrize("written", ["unit", "business_unit"])
def test_units_are_business_units_from_r18_on(release: str, name: str, written: str) -> None:
    """The members' names are the release's, whichever of the two a world was written with."""
    log = {f"created_by_{written}": UNIT, f"updated_by_{written}": None}

    shown = renderer(release).log_information(log)

    units = {member: unit for member, unit in shown.items() if member.endswith("unit")}
    assert units == {f"created_by_{name}": UNIT, f"updated_by_{name}": None}


@pytest.mark.parametrize("definition", [{}, {"name": None, "life_cycle_state": None}])
def test_unknown_members_are_null_where_they_may_be(definition: dict[str, Any]) -> None:
    """Code and description are null where unknown; name and state cannot be null, and go."""
    made = renderer("R9", OTHERS).definition({"id": "D1", **definition})

    assert made == {"id": "D1", "alternative_code": None, "description": None}


def test_members_that_no_order_names_follow_by_name() -> None:
    """What an order does not name comes behind, sorted, so that the bytes are always the same."""
    made = renderer().ordered("user", {"z": 1, "id": "1", "a": 2, "username": "u"})

    assert list(made) == ["username", "id", "a", "z"]


@pytest.mark.parametrize("release", ["R9", "R18"])
@pytest.mark.parametrize("changed", [{}, OTHERS])
@pytest.mark.parametrize(
    ("changes", "data"),
    [
        ({}, None),
        ({}, {}),
        ({"log_information": {}}, {"a": 1}),
        ({"log_information": ODD_LOG}, {"a": 1}),
        ({"url": "", "entity_id": "", "number": "", "fields_set": ""}, {"": None}),
        ({"url": "Ω\u2028\0", "entity_id": "Σ" * 5000}, {"Ω": "\U0001f469\u200d\U0001f527"}),
        ({"authentication_code": "mine", "request": {"a": 1}, "response": "text"}, {"a": 1}),
        ({"life_cycle_state": "SUCCESSFUL", "error_code": None}, {"a": 1}),
        ({"webhook_definition": {"id": "D2"}, "workflow_rule": {"id": "R2"}}, {"a": 1}),
    ],
)
def test_odd_records_are_valid(
    release: str, changed: dict[str, Any], changes: dict[str, Any], data: dict[str, Any] | None
) -> None:
    """Records without dates, names, data or key, empty texts and any alphabet stay valid."""
    entry = {"webhook_request": {"record": {**RECORD, **changes}, "data": data}}
    world = make_world(release=release, dialect=load_dialect().changed(changed), data=[entry])
    (body,) = world.store.query(Query(indexed=()))

    errors = validator("webhook_request", "strict", release).iter_errors(json.loads(body))
    assert not [error.message for error in errors]
