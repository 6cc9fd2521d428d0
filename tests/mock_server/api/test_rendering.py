"""Rendering: what the dials and the release make of a record, which stays valid."""

import json
from itertools import cycle
from typing import Any

import pytest

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.schemas import (
    Dialect,
    dials,
    load_dialect,
    resolve,
    response_fields,
    validator,
)
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
DEFINITION = {
    "id": "D1",
    "name": "Jobs",
    "alternative_code": "J",
    "description": "All of them",
    "life_cycle_state": "NOT EFFECTIVE",
    "secret_key_id": "K1",
    "url": "http://receiver/in",
}
ALL_MEMBERS = ["id", "name", "alternative_code", "description", "life_cycle_state"]
RECORD = {
    "id": "1",
    "number": "7",
    "life_cycle_state": "REJECTED",
    "entity": "JOBS",
    "entity_id": "J1",
    "url": "http://receiver/in",
    "authentication_code": None,
    "request": None,
    "response": None,
    "error_code": None,
    "error_description": None,
    "fields_set": None,
    "webhook_definition": DEFINITION,
    "workflow_rule": {"id": "R1", "name": "Rule"},
    "log_information": {},
}


def renderer(release: str = "R9", **dialed: Any) -> Renderer:
    """Make a renderer; dials are named without their topic record."""
    changes = {f"record.{name}": value for name, value in dialed.items()}
    return Renderer(load_dialect().changed(changes), resolve(release))


@pytest.mark.parametrize(("release", "name"), [("R17", "unit"), ("R18", "business_unit")])
@pytest.mark.parametrize("written", ["unit", "business_unit"])
def test_units_are_business_units_from_r18_on(release: str, name: str, written: str) -> None:
    """The members' names are the release's, whichever of the two a world was written with."""
    log = {f"created_by_{written}": UNIT, f"updated_by_{written}": None}
    shown = renderer(release).log_information(log)

    assert shown[f"created_by_{name}"] == UNIT
    assert shown[f"updated_by_{name}"] is None
    assert set(shown) == {
        *("created_date", "updated_date", "created_by_user", "updated_by_user"),
        *(f"created_by_{name}", f"updated_by_{name}"),
    }


@pytest.mark.parametrize("definition", [{}, {"name": None, "life_cycle_state": None}])
def test_unknown_members_are_null_where_they_may_be(definition: dict[str, Any]) -> None:
    """Code and description are null where unknown; name and state cannot be null, and go."""
    made = renderer(definition_members=ALL_MEMBERS).definition({"id": "D1", **definition})

    assert made == {"id": "D1", "alternative_code": None, "description": None}


def test_members_that_no_order_names_follow_by_name() -> None:
    """What an order does not name comes behind, sorted, so that the bytes are always the same."""
    made = renderer().ordered("user", {"z": 1, "id": "1", "a": 2, "username": "u"})

    assert list(made) == ["username", "id", "a", "z"]


def assert_valid(dialect: Dialect, release: str, *, every: int = 1) -> None:
    """Fail for a record of the sample world that the release's strict schema refuses."""
    world = make_world(release=release, dialect=dialect)
    judge = validator("webhook_request", "strict", release)
    bodies = world.store.query(Query(indexed=()))[::every]

    assert bodies
    for body in bodies:
        record = json.loads(body)
        assert not [error.message for error in judge.iter_errors(record)]
        if dialect["record.unset_members"] == "null":
            assert set(record) == set(response_fields())


def alternatives() -> list[tuple[str, Any]]:
    """Every value other than the default of every dial that decides how a record looks."""
    found: list[tuple[str, Any]] = []
    for key, dial in dials().items():
        if not key.startswith(("record.", "envelope.key_order")):
            continue
        if dial.type == "members":
            found += [(key, [name]) for name in dial.choices] + [(key, dial.choices), (key, [])]
        else:
            found += [(key, choice) for choice in dial.choices if choice != dial.default]
    return found


def test_every_alternative_is_valid() -> None:
    """With any one dial at any other value, records fit the strict schema just as well."""
    releases = cycle(["R14.1", "R18", "R9"])
    for (key, value), release in zip(alternatives(), releases, strict=False):
        assert_valid(load_dialect().changed({key: value}), release, every=15)


@pytest.mark.parametrize("release", ["R9", "R18"])
@pytest.mark.parametrize("changed", [{}, dict(a for a in alternatives() if a[1] != [])])
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
    record = {k: v for k, v in RECORD.items() if v is not None} | {
        "webhook_definition": {"id": "D"}
    }
    entry = {"webhook_request": {"record": {**record, **changes}, "data": data}}
    world = make_world(release=release, dialect=load_dialect().changed(changed), data=[entry])
    (body,) = world.store.query(Query(indexed=()))

    errors = validator("webhook_request", "strict", release).iter_errors(json.loads(body))
    assert not [error.message for error in errors]
