"""Loading schemas, pruning them to a release, and the registry that never fetches."""

import socket
import urllib.request
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing.exceptions import Unresolvable

from crmcom_kit.schemas.files import ROOM, read_json
from crmcom_kit.schemas.loader import Profile, UnknownSchema, load_schema, schema_names, validator
from crmcom_kit.schemas.releases import UnknownRelease, release_names

EACH_SCHEMA = pytest.mark.parametrize("name", schema_names())
ADDRESSES = "https://crmcom-kit.invalid/schemas/"
R9 = ["ACTIVITIES", "JOBS", "SERVICEREQUESTS", "SUBSCRIPTIONS"]
R15 = [
    *(*R9, "LEADS", "ACCOUNTSRECEIVABLE", "CONTACTINFORMATION", "CREDITNOTES", "INVOICES"),
    *("INVOICECANCELLATIONS", "PAYMENTS", "PAYMENTCANCELLATIONS", "REFUNDS", "REWARDOFFERS"),
    *("WALLETS", "WALLETTRANSACTIONS", "WRITEOFFS"),
]
BY_NUMBER = {"webhook_request_identifier": {"number": "7"}}


def _inside(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object in ``schema``."""
    if isinstance(schema, dict):
        yield schema
    for piece in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(piece, dict | list):
            yield from _inside(piece)


def test_every_file_is_a_schema_with_its_name() -> None:
    """The names of the schemas are those of the files, sorted and each once."""
    files = [*ROOM.glob("objects/*.json"), *ROOM.glob("parameters/*.json")]
    assert list(schema_names()) == sorted(file.stem for file in files)
    assert len(set(schema_names())) == len(files)


@EACH_SCHEMA
def test_a_schema_is_valid_and_has_the_address_of_its_name(name: str) -> None:
    """Every file is a titled 2020-12 schema with an address that ends with the file's name."""
    schema = load_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"{ADDRESSES}{name}"
    assert schema["title"]


@pytest.mark.parametrize("release", [None, *release_names()])
def test_every_reference_resolves_in_every_release(release: str | None) -> None:
    """No schema refers to something that is not there, pruned or not."""
    judge = validator("common", "strict", release)
    for name in schema_names():
        schema = load_schema(name, release)
        Draft202012Validator.check_schema(schema)
        for piece in _inside(schema):
            if "$ref" in piece:
                home, _, pointer = piece["$ref"].partition("#")
                address = f"{ADDRESSES}{home or name}#{pointer}"
                judge.evolve(schema={"$ref": address}).is_valid({})


def test_every_dynamic_reference_has_a_target_in_its_own_file() -> None:
    """Whoever refers to the anchor ``unknown`` has one, so that core works alone."""
    for name in schema_names():
        schema = load_schema(name)
        if any("$dynamicRef" in piece for piece in _inside(schema)):
            assert {
                piece["$dynamicRef"] for piece in _inside(schema) if "$dynamicRef" in piece
            } == {"#unknown"}
            assert schema["$defs"]["unknown"] == {"$dynamicAnchor": "unknown"}


def test_a_loaded_schema_is_a_copy() -> None:
    """What a caller does to a schema changes it for nobody else."""
    kept = deepcopy(load_schema("unit"))
    mine = load_schema("unit")
    mine["properties"]["id"]["type"] = "integer"
    mine["required"].append("name")
    assert load_schema("unit") == read_json("objects/unit.json") == kept
    assert validator("unit").is_valid({"id": "1"})


@pytest.mark.parametrize("name", ["", "nosuch", "Unit", "unit.json", "../data/releases", "objects"])
def test_an_unknown_name_is_refused_with_the_names_allowed(name: str) -> None:
    """The error is a KeyError that reads as a sentence and lists every schema."""
    for load in (load_schema, validator):
        with pytest.raises(UnknownSchema) as caught:
            load(name)
        assert str(caught.value).startswith(f"schema: there is no {name!r}; allowed is one of ")
        assert str(caught.value).endswith(", ".join(schema_names()))
        assert isinstance(caught.value, KeyError)


@pytest.mark.parametrize("release", ["R8", "9", "latest"])
def test_an_unknown_release_is_refused(release: str) -> None:
    """A text that names no release from R9 on is an error that says so."""
    for load in (load_schema, validator):
        with pytest.raises(UnknownRelease, match=r"^release: "):
            load("unit", release=release)


def test_an_unknown_profile_is_refused() -> None:
    """Only core and strict are profiles."""
    loose: Any = "loose"
    with pytest.raises(ValueError, match="'loose' is not allowed; allowed is core or strict"):
        validator("unit", loose)


@pytest.mark.parametrize(
    ("release", "entities"),
    [
        ("R9", R9),
        ("R9.0.0", R9),
        ("R13", R9),
        ("R14", R15[:5]),
        ("R14.1.0", R15[:5]),
        ("R15", R15),
        ("R18", R15),
        ("R99.9", R15),
        (None, R15),
    ],
)
def test_a_release_has_the_entities_documented_for_it(
    release: str | None, entities: list[str]
) -> None:
    """R9 has four entities, R14 adds LEADS, R15 twelve more; field and filter agree."""
    assert load_schema("common", release)["$defs"]["entity"]["enum"] == entities
    for name in ("webhook_request_selection", "list_parameters"):
        judge = validator(name, "core", release)
        assert [entity for entity in R15 if judge.is_valid({"entity": entity})] == entities


@pytest.mark.parametrize(
    ("name", "member", "since", "before", "base"),
    [
        ("list_parameters", "number_of_results", "R13", "R12.9.9", {"entity": "JOBS"}),
        ("list_parameters", "offset", "R13", "R12.9.9", {"entity": "JOBS"}),
        ("resend_parameters", "fields_set", "R10", "R9", BY_NUMBER),
        ("delete_parameters", "fields_set", "R10", "R9", BY_NUMBER),
        ("log_information", "created_by_business_unit", "R18", "R17", {}),
        ("log_information", "updated_by_business_unit", "R18", "R17", {}),
    ],
)
def test_a_member_is_known_from_its_release_on(
    name: str, member: str, since: str, before: str, base: dict[str, Any]
) -> None:
    """Before its release a member is an unknown one: core passes over it, strict refuses it."""
    good: Any = {"fields_set": "id", "offset": 0, "number_of_results": 1}.get(member, {"id": "1"})
    for release, known in ((before, False), (since, True), (None, True)):
        assert (member in load_schema(name, release)["properties"]) is known
        assert validator(name, "strict", release).is_valid({**base, member: good}) is known
        assert validator(name, "core", release).is_valid({**base, member: good})
        assert validator(name, "core", release).is_valid({**base, member: 7.5}) is not known


@pytest.mark.parametrize("member", ["created_by_unit", "updated_by_unit"])
def test_units_give_way_to_business_units(member: str) -> None:
    """From R18 on log_information knows no unit any more."""
    value: Any = {member: {"id": "1"}}
    for release, known in (("R17.9", True), ("R18", False), (None, True)):
        assert (member in load_schema("log_information", release)["properties"]) is known
        assert validator("log_information", "strict", release).is_valid(value) is known
        assert validator("log_information", "core", release).is_valid(value)


def test_pruning_touches_nothing_else() -> None:
    """In the newest release a schema lacks only what that release gave up."""
    for name in schema_names():
        pruned, whole = load_schema(name, "R18"), load_schema(name)
        if name == "log_information":
            for member in ("created_by_unit", "updated_by_unit"):
                del whole["properties"][member]
        assert pruned == whole


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse every connection, and return what was tried."""
    tried: list[str] = []

    def refuse(*args: object, **_: object) -> None:
        tried.append(str(args))
        msg = "a test reached for the network"
        raise AssertionError(msg)

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    return tried


@pytest.mark.parametrize(
    "address",
    [
        f"{ADDRESSES}nosuch",
        f"{ADDRESSES}unit#/$defs/nosuch",
        f"{ADDRESSES}unit#nosuch",
        "http://localhost:9/schema.json",
        "file:///schema.json",
        "nosuch",
    ],
)
@pytest.mark.parametrize("profile", ["core", "strict"])
def test_an_unknown_address_is_never_fetched(
    address: str, profile: Profile, attempts: list[str]
) -> None:
    """A reference to what is not in the registry raises, and nothing is opened for it."""
    judge = validator("unit", profile).evolve(schema={"$ref": address})
    with pytest.raises(Unresolvable):
        judge.is_valid({})
    assert attempts == []


def test_building_and_using_a_validator_opens_nothing(attempts: list[str]) -> None:
    """A validator that nobody had before is built, and judges, without the network."""
    for name in schema_names():
        validator(name, "strict", "R16.0.1").is_valid({"status": {}, "data": {}})
    assert attempts == []


def test_validators_are_built_once() -> None:
    """The same name, profile and release give the same validator."""
    assert validator("unit", "strict", "R9") is validator("unit", "strict", "R9")
    assert validator("unit", "strict", "R9") is not validator("unit", "core", "R9")
