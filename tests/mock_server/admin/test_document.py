"""The control API's document: right by the standard's rules, and true of the mock."""

import json
from typing import Any

from crmcom_kit.mock_server.admin.contract import OPERATIONS
from crmcom_kit.mock_server.admin.validation import read_json_body
from crmcom_kit.mock_server.world.registry import CONTROL


def test_the_document_is_valid_openapi(admin: Any) -> None:
    from openapi_spec_validator import OpenAPIV31SpecValidator  # slow to import

    body = admin.ask("GET", "/openapi.json")

    assert [str(error) for error in OpenAPIV31SpecValidator(body).iter_errors()] == []


def test_the_document_names_the_server_that_was_asked(make_mock: Any, admin_of: Any) -> None:
    client = make_mock().client
    for root in ("", "/worlds/a"):
        body = admin_of(client, root).ask("GET", "/openapi.json", base_url="http://127.0.0.1:4711")
        assert body["servers"][0]["url"] == f"http://127.0.0.1:4711{root}{CONTROL}"


#: Verify or wait says that its condition is not met.
CONDITION_NOT_MET = (406, 408)


def test_examples_are_accepted(mock: Any, admin: Any) -> None:
    for name, operation in OPERATIONS.items():
        assert operation.examples or not operation.has_body, f"{name} has a body and no example"
        for value in operation.examples.values():
            raw = json.dumps(value).encode()
            if operation.stream is None:
                assert read_json_body(operation, raw) == value
            if "{" not in operation.path:
                mock.world.reset()
                response = admin.send(operation.verb, operation.path, raw)
                accepted = response.status_code in (200, 201, 202, 204, *CONDITION_NOT_MET)
                assert accepted, (name, response.text)
