"""The OpenAPI document: complete for its release, and in plain keywords."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from crmcom_kit.schemas import methods, resolve
from crmcom_kit.schemas.openapi import openapi_document

FORBIDDEN = {"$dynamicRef", "$dynamicAnchor", "unevaluatedProperties", "$id", "$schema", "$defs"}
FORBIDDEN |= {"format", "allOf", "x-since", "x-until", "x-enum-since", "x-need", "x-method"}
#: Below these stand values, no keywords.
VALUES = {"example", "examples", "const", "enum", "x-at-least-one-of"}
#: Below these stand names that somebody chose, and only below those keywords again.
NAMES = {"properties", "paths", "schemas", "responses", "content", "securitySchemes"}


def keywords(node: Any, *, named: bool = False) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from keywords(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if not named:
                yield key
            if named or key not in VALUES:
                yield from keywords(value, named=not named and key in NAMES)


@pytest.mark.parametrize(
    ("release", "dialect"), [("R9", "default"), ("R9", "http"), ("R18", "default")]
)
def test_the_document_is_valid(release: str, dialect: str, read: Any) -> None:
    """openapi-spec-validator accepts it; what releases and dialects change is in other tests."""
    assert not read(release, dialect).faults()


def test_documents_do_not_share_their_parts() -> None:
    first, second = openapi_document(), openapi_document()
    for part in [first, *first["components"]["schemas"].values(), *first["paths"].values()]:
        part.clear()

    assert openapi_document() == second


def test_keywords_are_plain(documents: Any) -> None:
    """No keyword that many tools ignore, no format of our own, no note of the source's."""
    for document in documents:
        used = set(keywords(document.whole))
        plain = {"properties", "additionalProperties", "pattern", "anyOf", "const"}
        assert plain <= used, document.release
        assert not used & FORBIDDEN, document.release
        own = {key for key in used if key.startswith("x-")}
        assert own <= {"x-evidence", "x-at-least-one-of"}, document.release


def test_references_stay_inside_and_nothing_is_left_over(documents: Any) -> None:
    for document in documents:
        components = {
            f"#/components/{kind}/{name}"
            for kind in ("schemas", "examples")
            for name in document.whole["components"][kind]
        }
        written = json.dumps(document.whole)
        assert set(re.findall(r'"\$ref": "([^"]*)"', written)) == components, document.release


def test_objects_are_closed_and_name_what_they_need(documents: Any) -> None:
    for document in documents:
        for name, schema in document.schemas.items():
            if "properties" in schema:
                assert schema["additionalProperties"] is False, (name, document.release)
                required = set(schema.get("required", ()))
                assert required <= schema["properties"].keys(), (name, document.release)


def test_every_method_of_the_release_is_there_and_no_other(documents: Any) -> None:
    for document in documents:
        found = [
            (path, verb.upper(), operation.get("deprecated", False))
            for path, verb, operation in document.operations()
        ]
        assert sorted(found) == sorted(
            (method.path, method.verb, method.deprecated)
            for method in methods(resolve(document.release)).values()
        ), document.release


def test_operations_are_named_and_grouped(documents: Any) -> None:
    for document in documents:
        ids = [operation["operationId"] for _, _, operation in document.operations()]
        assert len(set(ids)) == len(ids), document.release
        assert "webhook_requests_resend" in ids, document.release
        for path, _, operation in document.operations():
            assert operation["summary"], (path, document.release)
            assert operation["tags"] == [path.split("/")[0]], (path, document.release)
        tags = {tag["name"] for tag in document.whole["tags"]}
        assert tags == {"webhook_requests", "authentication"}, document.release


def test_every_parameter_of_the_release_is_there_and_no_other(documents: Any) -> None:
    """Query parameters and members of bodies are the release's, mandatory where they are."""
    for document in documents:
        for method in methods(resolve(document.release)).values():
            needs = {name: parameter.need for name, parameter in method.parameters.items()}
            if method.verb == "GET":
                needs.pop("token")  # it is the security scheme
                query = document.query(method.path)
                found = {name: parameter["required"] for name, parameter in query.items()}
            else:
                body = document.body(method.path)
                found = {name: name in body.get("required", ()) for name in body["properties"]}
            mandatory = {name: need in {"mandatory", "token"} for name, need in needs.items()}
            assert found == mandatory, (method.path, document.release)


def test_entities_are_those_of_the_release(documents: Any) -> None:
    for document in documents:
        filtered = document.query("webhook_requests/list")["entity"]["schema"]
        in_records = document.schemas["WebhookRequest"]["properties"]["entity"]
        entities = document.resolved(filtered)
        assert entities == document.resolved(in_records), document.release
        assert entities["enum"] == list(resolve(document.release).entities), document.release


def test_a_token_is_a_scheme_in_a_query_and_a_member_in_a_body(documents: Any) -> None:
    """GET takes the token by its scheme, POST as a required member; an API key comes by Basic."""
    for document in documents:
        for path, verb, operation in document.operations():
            if path == "authentication/web_api_key/token":
                assert operation["security"] == [{"web_api_key": []}], document.release
            elif verb == "get":
                assert operation["security"] == [{"token": []}], (path, document.release)
            else:
                assert operation["security"] == [], (path, document.release)
                body = document.body(path)
                needs_token = path != "authentication/token"
                assert ("token" in body["required"]) == needs_token, (path, document.release)


def test_list_needs_one_of_its_filters(read: Any) -> None:
    """What OpenAPI can't express stands in an extension and in the text."""
    found = read().operation("webhook_requests/list")
    names = found["x-at-least-one-of"]

    assert set(names) > {"workflow_rule_identifier", "entity", "entity_id"}
    assert f"At least one of {', '.join(names)} is mandatory" in found["description"]


@pytest.mark.parametrize(
    ("path", "parameter", "right", "wrong"),
    [
        (
            "show",
            "webhook_request_identifier",
            ["number=7", "id=0C3B5CB6", "number=7=7"],
            ["name=x", "number=", "number", "xnumber=7", ""],
        ),
        ("show", "fields_set", ["id", "id,number"], ["id,nonsense", "id,", ""]),
        (
            "list",
            "webhook_definition_identifier",
            ["alternative_code=A B", "name=x", "id=1"],
            ["number=7", "x"],
        ),
        ("list", "workflow_rule_identifier", ["name=x"], ["code=x", "name="]),
        ("list", "entity", ["JOBS"], ["jobs", "LEADS", ""]),
        ("list", "entity_id", ["1"], [""]),
        ("list", "life_cycle_state", ["REJECTED", "SUCCESSFUL"], ["PENDING"]),
        ("list", "created_date", ["2015-11-02", "2015-11-02T16:03:33"], ["02.11.2015", "2015"]),
    ],
)
def test_query_parameters_have_a_schema(
    path: str, parameter: str, right: list[str], wrong: list[str], read: Any
) -> None:
    document = read("R9")
    schema = document.query(f"webhook_requests/{path}")[parameter]["schema"]

    assert [value for value in right if not document.fits(schema, value)] == []
    assert [value for value in wrong if document.fits(schema, value)] == []
