"""Loading schemas: self-contained, a copy for each caller, narrowed to a release."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing.exceptions import Unresolvable

from crmcom_kit.schemas import files
from crmcom_kit.schemas.loader import UnknownSchema, compiled, load_schema, schema_names, validator
from crmcom_kit.schemas.releases import UnknownRelease, resolve

R9 = ["ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"]
R15 = [
    *(*R9, "LEADS", "ACCOUNTSRECEIVABLE", "CONTACTINFORMATION", "CREDITNOTES", "INVOICES"),
    *("INVOICECANCELLATIONS", "PAYMENTS", "PAYMENTCANCELLATIONS", "REFUNDS", "REWARDOFFERS"),
    *("WALLETS", "WALLETTRANSACTIONS", "WRITEOFFS"),
]
BY_NUMBER = {"webhook_request_identifier": {"number": "7"}}


def _inside(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for piece in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(piece, dict | list):
            yield from _inside(piece)


def test_the_names_are_those_of_the_files() -> None:
    names = [*files.names_in("objects"), *files.names_in("parameters")]
    assert list(schema_names()) == sorted(set(names))
    assert len(names) == len(set(names)) > 25


@pytest.mark.parametrize("release", [None, "R9", "R13", "R18"])
def test_a_schema_stands_alone(release: str | None) -> None:
    """Each is a titled schema of 2020-12 that refers to nothing outside of itself."""
    for name in schema_names():
        if release is None:
            Draft202012Validator.check_schema(load_schema(name, profile="strict", patterns=True))
        schema = load_schema(name, release, profile="strict", patterns=True)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["title"], name
        pieces = {f"#/$defs/{piece}" for piece in schema.get("$defs", ())}
        used = {piece["$ref"] for piece in _inside(schema) if "$ref" in piece}
        assert used == pieces or name == "common", name
        assert used <= pieces
        assert not any("format" in piece for piece in _inside(schema))


def test_strict_closes_every_object_that_names_its_members() -> None:
    """Core adds nothing, strict closes each object; neither closes the parts of a condition."""
    for name in schema_names():
        core, strict = load_schema(name), load_schema(name, profile="strict")
        for piece in _inside(strict):
            if {"properties", "type"} <= piece.keys():  # not a part of a condition
                assert piece["additionalProperties"] is False, name
            for part in ("if", "then"):
                assert "additionalProperties" not in piece.get(part, {}), name
        opened = [piece for piece in _inside(core) if "additionalProperties" in piece]
        assert all(piece.get("maxProperties") == 1 for piece in opened), name  # identifiers


def test_a_loaded_schema_is_a_copy() -> None:
    mine, kept = load_schema("delete_parameters"), load_schema("delete_parameters")
    mine["required"].append("token")
    for piece in list(_inside(mine)):
        piece.clear()
    assert load_schema("delete_parameters") == kept
    assert validator("delete_parameters").is_valid(BY_NUMBER)


def test_an_object_that_extends_another_has_its_members() -> None:
    """What a file takes over it can add to and describe anew, and closing sees all of it."""
    request = load_schema("webhook_request", profile="strict")
    selection = load_schema("webhook_request_selection", profile="strict")
    assert request["properties"] == selection["properties"]
    assert request["title"] != selection["title"]
    assert "required" not in selection
    definition = load_schema("world_entry", profile="strict")["properties"]["webhook_definition"]
    assert list(definition["properties"])[-4:] == ["url", "entity", "fields_set", "secret_key_id"]
    assert definition["required"] == ["id", "name"]
    assert definition["additionalProperties"] is False


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"name": ""}, UnknownSchema, "schema: there is no ''; allowed is one of common, "),
        ({"name": "../data/releases"}, UnknownSchema, "schema: there is no '../data/releases'; "),
        ({"name": "unit", "release": "R8"}, UnknownRelease, "release: R8 is not known"),
        ({"name": "unit", "release": "9"}, UnknownRelease, "release: '9' is not a release"),
        ({"name": "unit", "profile": "loose"}, ValueError, "profile: 'loose' is not allowed; "),
    ],
)
def test_what_is_unknown_is_refused(arguments: Any, error: type[Exception], text: str) -> None:
    for load in (load_schema, validator, compiled):
        with pytest.raises(error) as caught:
            load(**arguments)
        assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("release", "entities"),
    [("R9", R9), ("R13", R9), ("R14", R15[:5]), ("R14.1.0", R15[:5]), ("R15", R15), (None, R15)],
)
def test_a_release_has_the_entities_documented_for_it(
    release: str | None, entities: list[str]
) -> None:
    """R9 has four entities, R14 adds LEADS, R15 twelve more; field and filter agree."""
    assert load_schema("common", release)["$defs"]["entity"]["enum"] == entities
    assert release is None or list(resolve(release).entities) == entities
    for name in ("webhook_request_selection", "list_parameters"):
        known = validator(name, "core", release)
        assert [entity for entity in R15 if known.is_valid({"entity": entity})] == entities


@pytest.mark.parametrize(
    ("name", "member", "since", "before", "base"),
    [
        ("list_parameters", "offset", "R13", "R12", {"entity": "JOBS"}),
        ("resend_parameters", "fields_set", "R10", "R9", BY_NUMBER),
        ("log_information", "created_by_business_unit", "R18", "R17", {}),
    ],
)
def test_a_member_is_known_from_its_release_on(
    name: str, member: str, since: str, before: str, base: dict[str, Any]
) -> None:
    """Before its release a member is an unknown one: core passes over it, strict refuses it."""
    good: Any = {"fields_set": "id", "offset": 0}.get(member, {"id": "1"})
    for release, known in ((before, False), (since, True), (None, True)):
        assert (member in load_schema(name, release)["properties"]) is known
        assert validator(name, "strict", release).is_valid({**base, member: good}) is known
        assert validator(name, "core", release).is_valid({**base, member: good})
        assert validator(name, "core", release).is_valid({**base, member: 7.5}) is not known


def test_narrowing_touches_nothing_else() -> None:
    """In the newest release a schema lacks only what that release gave up, and the dates."""
    dates = {"x-since", "x-until", "x-enum-since", "x-enum-disputed"}
    for name in schema_names():
        whole = load_schema(name)
        for piece in list(_inside(whole)):
            for key in dates & piece.keys():
                del piece[key]
            if "created_by_unit" in piece:
                del piece["created_by_unit"], piece["updated_by_unit"]
        assert load_schema(name, "R18") == json.loads(json.dumps(whole))


@pytest.mark.parametrize(
    "address", ["http://localhost:9/schema.json", "file:///schema.json", "unit", "#/$defs/no"]
)
def test_an_unknown_address_is_never_fetched(address: str) -> None:
    """A reference to what is not in the schema raises; validators look nowhere else."""
    with pytest.raises(Unresolvable):
        validator("unit").evolve(schema={"$ref": address}).is_valid({})
