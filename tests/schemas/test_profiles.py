"""The two profiles: core allows unknown members, strict refuses them, and both know the rest."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from crmcom_kit.schemas.loader import load_schema, quick_validator, schema_names, validator

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
    "error_answer": [{"status": {**OK, "code": "X"}, "data": None}],
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
        {"webhook_request": {"record": RECORD, "recorded": True}},
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
WHOLE_VALUES = [(name, value) for name, values in WHOLE.items() for value in values]


def _members(schema: Any) -> Iterator[str]:
    """Yield the names of members in ``schema`` and inside it, except in named pieces."""
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        schema = [piece for keyword, piece in schema.items() if keyword != "$defs"]
    for piece in schema if isinstance(schema, list) else ():
        yield from _members(piece)


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


def _with_one_more(value: Any, path: Steps) -> Any:
    """Return a copy of ``value`` whose object at ``path`` has one more member."""
    changed = json.loads(json.dumps(value))  # unlike deepcopy it copies what is there twice twice
    _at(changed, path)["odd"] = 0
    return changed


def test_every_schema_has_whole_values_here() -> None:
    """The values of this test have every member of every schema; common describes no object."""
    assert WHOLE.keys() | {"common"} == set(schema_names())
    for name, values in WHOLE.items():
        inside = {k for v in values for path in _objects(v) for k in _at(v, path)}
        assert set(_members(load_schema(name))) <= inside, name


@pytest.mark.parametrize(("name", "value"), WHOLE_VALUES)
def test_a_whole_value_is_valid(name: str, value: Any) -> None:
    """A value with every known member passes both profiles."""
    validator(name, "core").validate(value)
    validator(name, "strict").validate(value)


@pytest.mark.parametrize(("name", "value"), WHOLE_VALUES)
def test_core_allows_and_strict_refuses_unknown_members(name: str, value: Any) -> None:
    """In whatever object of a value it is, an unknown member passes core and fails strict."""
    for path in _objects(value):
        odd = _with_one_more(value, path)
        verdicts = validator(name).is_valid(odd), validator(name, "strict").is_valid(odd)
        free = ALIKE.get((name, path)) == "is whatever was sent"
        assert verdicts == ((free, free) if (name, path) in ALIKE else (True, False)), path
        assert verdicts == (quick_validator(name)(odd), quick_validator(name, "strict")(odd)), path


@pytest.mark.parametrize(("name", "value"), WHOLE_VALUES)
def test_one_unknown_member_is_one_error_and_says_where(name: str, value: Any) -> None:
    """Where the profiles differ, the strict one reports the unknown member itself."""
    for path in _objects(value):
        if (name, path) not in ALIKE:
            errors = list(validator(name, "strict").iter_errors(_with_one_more(value, path)))
            while errors[0].context:
                errors = [one for one in errors[0].context if one.validator != "type"]
            (error,) = errors
            assert tuple(error.absolute_path) == (*path, "odd")
            assert error.message == "'odd' is not a known member here"


def test_every_unknown_member_is_an_error_of_its_own() -> None:
    """Several unknown members of one object are several errors."""
    errors = validator("unit", "strict").iter_errors({**UNIT, "a": 0, "b": 1})
    assert [list(error.absolute_path) for error in errors] == [["a"], ["b"]]
