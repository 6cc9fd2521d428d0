"""Rendering stays valid: in every release, with every dial, of every odd record."""

import json
from typing import Any

from helpers.tables import looped

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.schemas import (
    Dialect,
    dials,
    load_dialect,
    release_names,
    response_fields,
    validator,
)

DEFINITION = {
    "id": "D1",
    "name": "Jobs",
    "alternative_code": "J",
    "description": "All of them",
    "life_cycle_state": "NOT EFFECTIVE",
    "secret_key_id": "K1",
    "url": "http://receiver/in",
}
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


def assert_valid(dialect: Dialect, release: str, *, every: int = 1) -> None:
    """Fail for a record of the sample world that the release's strict schema refuses."""
    world = make_world(release=release, dialect=dialect)
    judge = validator("webhook_request", "strict", release)
    bodies = world.store.query(Query(indexed=()))[::every]

    assert bodies
    for body in bodies:
        record = json.loads(body)
        assert not [error.message for error in judge.iter_errors(record)]
        assert set(record) == set(response_fields())


@looped("release", release_names())
def test_every_sample_record_is_valid_in_every_release(release: str) -> None:
    """In the default dialect each record of the sample world fits its release's strict schema."""
    assert_valid(load_dialect(), release, every=1 if release in ("R9.0.0", "R18.0.0") else 4)


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


@looped("release", ["R9", "R14.1", "R18"])
@looped(("key", "value"), alternatives())
def test_every_alternative_is_valid(key: str, value: Any, release: str) -> None:
    """With any one dial at any other value, records fit the strict schema just as well."""
    assert_valid(load_dialect().changed({key: value}), release, every=15)


@looped("release", ["R9", "R14.1", "R18"])
def test_all_alternatives_together_are_valid(release: str) -> None:
    """With every dial at its last alternative, records fit the strict schema."""
    changes = {key: value for key, value in alternatives() if value != []}

    assert_valid(load_dialect().changed(changes), release, every=4)


ODD_LOG = {"created_by_unit": {"id": "9"}, "created_by_user": {"id": "5"}, "updated_date": None}


@looped("release", ["R9", "R14.1", "R18"])
@looped("changed", [{}, dict(a for a in alternatives() if a[1] != [])])
@looped(
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
