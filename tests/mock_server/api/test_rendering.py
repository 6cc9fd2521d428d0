"""Rendering: what the dials and the release make of a record, which stays valid."""

import json
from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import Any

import pytest

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.protocol.response import compact_json
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.schemas import (
    Dialect,
    dials,
    load_dialect,
    release_names,
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
USER = {"id": "1", "username": "user", "person_name": "Person", "email": "user@example.com"}
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


# Units and users.


def test_units_and_users_are_long_unless_dialed_short() -> None:
    """Long forms have every member; the short ones lack group, community and email."""
    long, short = renderer(), renderer(unit_form="short", user_form="short")

    assert long.unit(UNIT) == UNIT
    assert long.user(USER) == USER
    assert short.unit(UNIT) == {
        k: UNIT[k] for k in ("id", "name", "alternative_code", "description")
    }
    assert short.user(USER) == {k: USER[k] for k in ("id", "username", "person_name")}


@pytest.mark.parametrize("release", ["R9", "R14", "R14.0.9"])
@pytest.mark.parametrize("emptied", ["null", "empty", "absent"])
def test_names_are_kept_before_r14_1(release: str, emptied: str) -> None:
    """No dial empties the names of releases that knew no such setting."""
    kept = renderer(release, emptied_names=emptied)

    assert (kept.unit(UNIT), kept.user(USER)) == (UNIT, USER)


@pytest.mark.parametrize("release", ["R14.1", "R15", "R18"])
@pytest.mark.parametrize(
    ("emptied", "changes"),
    [("keep", {}), ("null", None), ("empty", ""), ("absent", ...)],
)
def test_names_are_emptied_from_r14_1_on(release: str, emptied: str, changes: Any) -> None:
    """Names of groups, communities and people, and emails, are kept, null, empty or left out."""
    made = renderer(release, emptied_names=emptied)

    def expected(value: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        if changes == {}:
            return dict(value)
        return {
            key: changes if key in names else part
            for key, part in value.items()
            if key not in names or changes is not ...
        }

    assert made.unit(UNIT) == expected(UNIT, ("group_name", "community_name"))
    assert made.user(USER) == expected(USER, ("person_name", "email"))


def test_a_short_form_stays_short_when_names_are_emptied() -> None:
    """Emptying brings no member back that a short form or the object itself lacks."""
    short = renderer("R15", unit_form="short", user_form="short", emptied_names="null")

    assert short.unit(UNIT) == {
        k: UNIT[k] for k in ("id", "name", "alternative_code", "description")
    }
    assert short.user({"id": "1"}) == {"id": "1"}
    assert renderer("R15", emptied_names="null").user({"id": "1"}) == {"id": "1"}


def test_nobody_stays_nobody() -> None:
    """A missing unit or user is null, in every release and dialect."""
    made = renderer("R15", emptied_names="empty", unit_form="short")

    assert made.unit(None) is None
    assert made.user(None) is None


# Log information.


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


# Definitions and rules.


def test_definitions_and_rules_show_the_members_that_a_dial_names() -> None:
    """Never a key or another member of the management screen; each kind has its own dial."""
    made = renderer(definition_members=ALL_MEMBERS, rule_members=["id"])

    assert made.definition(DEFINITION) == {name: DEFINITION[name] for name in ALL_MEMBERS}
    assert made.rule(DEFINITION) == {"id": "D1"}
    assert renderer().definition(DEFINITION) == {
        "id": "D1",
        "name": "Jobs",
        "alternative_code": "J",
    }


def test_unknown_members_are_null_where_they_may_be() -> None:
    """Code and description are null where unknown; name and state cannot be null, and go."""
    made = renderer(definition_members=ALL_MEMBERS)
    expected = {"id": "D1", "alternative_code": None, "description": None}

    assert made.definition({"id": "D1"}) == expected
    assert made.definition({"id": "D1", "name": None, "life_cycle_state": None}) == expected


@pytest.mark.parametrize("written", ["NOT EFFECTIVE", "NOT_EFFECTIVE"])
@pytest.mark.parametrize("spelling", ["NOT EFFECTIVE", "NOT_EFFECTIVE"])
def test_not_effective_has_the_dialects_spelling(written: str, spelling: str) -> None:
    """However the world spells that state, answers spell it as the dial says."""
    made = renderer(definition_members=ALL_MEMBERS, not_effective=spelling)

    for state, shown in ((written, spelling), ("EFFECTIVE", "EFFECTIVE")):
        definition = {**DEFINITION, "life_cycle_state": state}
        assert made.definition(definition)["life_cycle_state"] == shown


# The whole record.


def test_rendering_leaves_its_argument_alone() -> None:
    """What is rendered is a copy, all the way down."""
    before = json.dumps(RECORD)
    renderer(not_effective="NOT_EFFECTIVE", definition_members=ALL_MEMBERS).record(RECORD)

    assert json.dumps(RECORD) == before


ORDERS = {
    "older": "response entity error_code error_description number url request log_information "
    "authentication_code life_cycle_state entity_id id webhook_definition fields_set workflow_rule",
    "newer": "request log_information life_cycle_state webhook_definition entity_id workflow_rule "
    "url fields_set authentication_code number response error_description error_code id entity",
    "documented": " ".join(response_fields()),
}


@pytest.mark.parametrize("order", ORDERS)
def test_members_come_in_the_dialects_order(order: str) -> None:
    """A record has the order of the examples before or from R12, or that of the documents."""
    made = Renderer(load_dialect().changed({"envelope.key_order": order}), resolve("R9"))
    shuffled = dict(sorted(RECORD.items(), key=lambda item: item[0][::-1]))

    assert list(made.record(RECORD)) == list(made.record(shuffled)) == ORDERS[order].split()


@pytest.mark.parametrize(
    ("order", "unit", "user", "log"),
    [
        (
            "older",
            "community_name id name group_name description alternative_code",
            "person_name username id email",
            "updated_date created_date created_by_unit updated_by_unit created_by_user "
            "updated_by_user",
        ),
        (
            "newer",
            "alternative_code group_name community_name name description id",
            "person_name id email username",
            "created_by_unit updated_by_unit created_date updated_date updated_by_user "
            "created_by_user",
        ),
        (
            "documented",
            "id name alternative_code description group_name community_name",
            "id username person_name email",
            "created_date updated_date created_by_unit updated_by_unit created_by_user "
            "updated_by_user",
        ),
    ],
)
def test_inner_members_come_in_order_too(order: str, unit: str, user: str, log: str) -> None:
    """Units, users and log information have their own order in each dialect."""
    made = Renderer(load_dialect().changed({"envelope.key_order": order}), resolve("R9"))
    shown = made.record(
        {**RECORD, "log_information": {"created_by_unit": UNIT, "created_by_user": USER}}
    )["log_information"]

    assert list(shown) == log.split()
    assert list(shown["created_by_unit"]) == unit.split()
    assert list(shown["created_by_user"]) == user.split()


def test_members_that_no_order_names_follow_by_name() -> None:
    """What an order does not name comes behind, sorted, so that the bytes are always the same."""
    made = renderer().ordered("user", {"z": 1, "id": "1", "a": 2, "username": "u"})

    assert list(made) == ["username", "id", "a", "z"]
    assert list(renderer().ordered("unknown kind", {"b": 1, "a": 2})) == ["a", "b"]


# Bytes.


def test_compact_json_is_json() -> None:
    """Any JSON value comes back."""
    values: list[object] = [{"a": ["Ω", None, 1.5, True]}, [], "text", None, 2**64 - 1]
    for value in values:
        assert json.loads(compact_json(value)) == value


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


@pytest.mark.parametrize("release", release_names())
def test_every_sample_record_is_valid_in_every_release(release: str) -> None:
    """In the default dialect each record of the sample world fits its release's strict schema."""
    assert_valid(load_dialect(), release, every=1 if release == "R18.0.0" else 5)


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


@pytest.mark.parametrize("release", ["R9", "R14.1", "R18"])
def test_all_alternatives_together_are_valid(release: str) -> None:
    """With every dial at its last alternative, records fit the strict schema."""
    changes = {key: value for key, value in alternatives() if value != []}

    assert_valid(load_dialect().changed(changes), release, every=4)


@pytest.mark.parametrize("release", ["R9", "R14.1", "R18"])
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
