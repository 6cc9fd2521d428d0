"""The two profiles: core allows unknown members, strict refuses them, and both know the rest."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from crmcom_kit.schemas.loader import Profile, load_schema, schema_names, unknown_members, validator

OK = {"code": "OK", "message": "", "description": ""}
UNIT = {
    "id": "1",
    "name": "Admin Unit",
    "alternative_code": "MG",
    "description": None,
    "group_name": "Main Group",
    "community_name": "Internal Community",
}
USER = {"id": "1", "username": "admin", "person_name": "Admin", "email": None}
LOG = {
    "created_date": "2015-11-02T16:03:33",
    "updated_date": "2015-11-02T16:03:41",
    "created_by_unit": UNIT,
    "updated_by_unit": UNIT,
    "created_by_user": USER,
    "updated_by_user": USER,
}
LATE_LOG = {
    "created_by_business_unit": UNIT,
    "updated_by_business_unit": UNIT,
    "created_by_user": USER,
    "updated_by_user": None,
}
DEFINITION = {
    "id": "A",
    "name": "Tell the ERP",
    "alternative_code": "ERP",
    "description": None,
    "life_cycle_state": "EFFECTIVE",
}
RULE = {**DEFINITION, "life_cycle_state": "NOT_EFFECTIVE"}
RECORD = {
    "id": "B",
    "number": "7",
    "life_cycle_state": "REJECTED",
    "entity": "ACTIVITIES",
    "entity_id": "C",
    "url": "http://127.0.0.1:9080/crmapi/rest/v2/activities/create",
    "authentication_code": None,
    "fields_set": "id,number",
    "request": "4A63ECC0D78946F8BF23D73681D6DA66",
    "response": None,
    "error_code": "LazyInitializationException",
    "error_description": "could not initialize proxy",
    "webhook_definition": DEFINITION,
    "workflow_rule": RULE,
    "log_information": LOG,
}
KEY = {
    "id": "D",
    "name": "Key",
    "alternative_code": "KEY",
    "description": None,
    "type": "Webhook Key",
    "url_endpoint": "www.crm.com",
    "key": "S",
}
TOKEN = {"token": "4AD9C84FA60F9FE407140E20F707726A"}
NAMED = {"webhook_request_identifier": {"number": "7"}, "fields_set": "id", **TOKEN}
Steps = tuple[Any, ...]
#: A value with every member that a schema knows; several where one cannot have all.
WHOLE: dict[str, list[dict[str, Any]]] = {
    "status": [OK],
    "envelope": [{"status": OK, "data": []}],
    "error_answer": [{"status": {"code": "X"}, "data": None}],
    "release_answer": [{"status": OK, "data": {}}],
    "token": [TOKEN],
    "token_answer": [{"status": OK, "data": TOKEN}],
    "unit": [UNIT],
    "user": [USER],
    "log_information": [{**LOG, **LATE_LOG}],
    "secret_key": [KEY],
    "webhook_definition": [DEFINITION],
    "workflow_rule": [RULE],
    "webhook_request": [RECORD],
    "webhook_request_selection": [RECORD],
    "show_answer": [{"status": OK, "data": RECORD}],
    "resend_answer": [{"status": OK, "data": RECORD}],
    "delete_answer": [{"status": OK, "data": RECORD}],
    "list_answer": [{"status": OK, "data": [RECORD, RECORD]}],
    "third_party_message": [
        {"authentication_code": "C", "data": {"number": "AC1"}},
        {"access_key": "C", "data": {"number": "AC1"}},
    ],
    "show_parameters": [NAMED],
    "resend_parameters": [NAMED],
    "delete_parameters": [NAMED],
    "list_parameters": [
        {
            "webhook_definition_identifier": {"id": "A"},
            "workflow_rule_identifier": {"name": "R"},
            "entity": "JOBS",
            "entity_id": "C",
            "url": "http://127.0.0.1/",
            "life_cycle_state": "REJECTED",
            "created_date": "2015-11-02",
            "number_of_results": 10,
            "offset": 0,
            "fields_set": "id",
            **TOKEN,
        }
    ],
    "token_parameters": [{"username": "u", "password": "p", "organisation": "o", "unit": "1"}],
    "token_release_parameters": [TOKEN],
    "web_api_key_token_parameters": [{"unit": "1"}],
    "world_entry": [
        {"unit": UNIT},
        {"user": USER},
        {"secret_key": KEY},
        {
            "webhook_definition": {
                **DEFINITION,
                "url": "http://127.0.0.1/",
                "entity": "JOBS",
                "fields_set": None,
                "secret_key_id": "D",
            }
        },
        {"workflow_rule": {**RULE, "entity": "JOBS", "webhook_definition_ids": ["A"]}},
        {"webhook_request": {"record": RECORD, "data": {"number": "AC1"}}},
    ],
}
#: Objects that the two profiles treat alike, and why.
ALIKE: dict[tuple[str, Steps], str] = {
    ("release_answer", ("data",)): "has no members",
    ("world_entry", ()): "has one member",
    ("world_entry", ("webhook_request", "data")): "is whatever was sent",
    ("third_party_message", ("data",)): "is whatever was sent",
    ("show_parameters", ("webhook_request_identifier",)): "names one record",
    ("resend_parameters", ("webhook_request_identifier",)): "names one record",
    ("delete_parameters", ("webhook_request_identifier",)): "names one record",
    ("list_parameters", ("webhook_definition_identifier",)): "names one definition",
    ("list_parameters", ("workflow_rule_identifier",)): "names one rule",
}
EACH_WHOLE = pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name}-{number}")
        for name, values in WHOLE.items()
        for number, value in enumerate(values)
    ],
)


def _inside(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object in ``schema``."""
    if isinstance(schema, dict):
        yield schema
    for piece in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(piece, dict | list):
            yield from _inside(piece)


def _objects(value: Any, path: Steps = ()) -> Iterator[Steps]:
    """Yield the path of every JSON object in ``value``."""
    if isinstance(value, dict):
        yield path
    if isinstance(value, dict | list):
        for step, piece in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _objects(piece, (*path, step))


def _at(value: Any, path: Steps) -> Any:
    for step in path:
        value = value[step]
    return value


def _with_one_more(value: Any, path: Steps, name: str) -> Any:
    """Return a copy of ``value`` whose object at ``path`` has one more member."""
    changed = json.loads(json.dumps(value))  # unlike deepcopy it copies what is there twice twice
    _at(changed, path)[name] = 0
    return changed


def test_every_schema_has_whole_values_here() -> None:
    """The values of this test have every member of every schema; common describes no object."""
    assert WHOLE.keys() | {"common"} == set(schema_names())
    for name, values in WHOLE.items():
        known = {k for s in _inside(load_schema(name)) for k in s.get("properties", ())}
        inside = {k for v in values for path in _objects(v) for k in _at(v, path)}
        assert known <= inside, name


@pytest.mark.parametrize("profile", ["core", "strict"])
@EACH_WHOLE
def test_a_whole_value_is_valid(name: str, value: Any, profile: Profile) -> None:
    """A value with every known member passes both profiles, and has nothing unknown."""
    validator(name, profile).validate(value)
    assert list(unknown_members(name, value)) == []


@EACH_WHOLE
def test_core_allows_and_strict_refuses_unknown_members(name: str, value: Any) -> None:
    """Whatever object of a value it stands in, an unknown member passes core and fails strict."""
    for path in _objects(value):
        odd = _with_one_more(value, path, "odd")
        core, strict = validator(name).is_valid(odd), validator(name, "strict").is_valid(odd)
        if (name, path) in ALIKE:
            assert core is strict is (ALIKE[name, path] == "is whatever was sent"), path
        else:
            assert core, path
            assert not strict, path


@EACH_WHOLE
def test_one_unknown_member_is_told_once_and_where(name: str, value: Any) -> None:
    """Of one unknown member one place is told: the member's own, or that of the object it is in."""
    for path in _objects(value):
        if (name, path) not in ALIKE:
            found = list(unknown_members(name, _with_one_more(value, path, "odd")))
            parent = "".join(f"/{step}" for step in path)
            assert found in ([parent or "/"], [f"{parent}/odd"]), path


def test_an_unknown_member_is_told_by_its_own_pointer() -> None:
    """Every unknown member is told, as the JSON Pointer (RFC 6901) of the member itself."""
    log = {**LOG, "created_by_unit": {**UNIT, "a/b": 0, "c~d": 1, "": 2}}
    answer = {"status": {**OK, "odd": None}, "data": {**RECORD, "log_information": log}, "é'\"": 1}
    assert sorted(unknown_members("show_answer", answer)) == [
        "/data/log_information/created_by_unit/",
        "/data/log_information/created_by_unit/a~1b",
        "/data/log_information/created_by_unit/c~0d",
        "/status/odd",
        "/é'\"",
    ]


def test_a_member_of_a_later_release_is_unknown_before() -> None:
    """Which members are unknown depends on the release."""
    value = {"entity": "JOBS", "offset": 0}
    assert list(unknown_members("list_parameters", value, "R13")) == []
    assert len(list(unknown_members("list_parameters", value, "R12"))) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unit", {"id": 7, "name": None}),
        ("webhook_definition", {"id": 7}),
        ("webhook_request", {"entity": "NOSUCH", "log_information": {"created_date": 7}}),
        ("show_answer", {"status": {"code": "OK"}, "data": {"life_cycle_state": "X", "id": 7}}),
        (
            "list_answer",
            {"status": {"code": "OK"}, "data": [{"url": 7}, {"webhook_definition": 7}]},
        ),
        ("show_parameters", {"webhook_request_identifier": {"number": 7}}),
        ("unit", []),
        ("unit", None),
    ],
)
def test_a_known_member_of_a_wrong_value_is_not_unknown(name: str, value: object) -> None:
    """Values that break the contract are errors, never additions."""
    assert list(unknown_members(name, value)) == []
