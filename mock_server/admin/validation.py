"""Check the path, query and body of a call against the declaration of its operation."""

import json
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from crmcom_kit.mock_server.admin.contract import Operation
from crmcom_kit.mock_server.admin.document import document, view_of
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.request import body_text, json_problem
from crmcom_kit.mock_server.schema_errors import check, strict_validator
from crmcom_kit.usage_errors import UsageError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

MAX_DEPTH = 64  # values are written as JSON later, which has its own limit


def typed_parameters(
    operation: Operation, place: str, pairs: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Return the parameters of the path or the query, with their types. Raises UsageError."""
    parameters = [
        parameter for parameter in view_of(operation)["parameters"] if parameter["in"] == place
    ]
    schemas = {parameter["name"]: parameter["schema"] for parameter in parameters}
    values: dict[str, Any] = {}
    for name, text in pairs:
        if name in values:
            raise UsageError(name, seen="more than once", allowed="once")
        values[name] = _value_of(text, schemas.get(name, {}))
    schema = {"properties": schemas, "additionalProperties": False}
    check(_validator(json.dumps(schema)), values, root=place)
    return values


def _value_of(text: str, schema: dict[str, Any]) -> Any:
    """Return the JSON value of a text; the text itself if it is not JSON, or for a string."""
    if schema.get("type", "string") != "string":
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    return text


def read_json_body(operation: Operation, raw: bytes) -> Any:
    """Return the JSON body of a call, or None for a call without a body. Raises UsageError."""
    declaration = view_of(operation).get("requestBody")
    if declaration is None:
        if raw.strip():
            allowed = f"none: {operation.verb} {operation.path} takes no body"
            raise UsageError("body", seen="a body", allowed=allowed)
        return None
    if not raw.strip():
        if declaration["required"]:
            raise UsageError("body", seen="nothing", allowed="a JSON value")
        return None
    value = _parse(raw)
    schema = declaration["content"]["application/json"]["schema"]
    check(_validator(json.dumps(schema)), value, root="body")
    return value


def _parse(raw: bytes) -> Any:
    """Return the JSON value of a body. Raises UsageError."""
    try:
        value = orjson.loads(body_text(raw))
        if _depth(value) <= MAX_DEPTH:
            return value
        problem = "nesting that is too deep"
    except VendorError as error:
        raise UsageError(error.parameter, seen=error.seen, allowed=error.allowed) from None
    except RecursionError:
        problem = "nesting that is too deep"
    except ValueError as error:
        problem = json_problem(error)
    raise UsageError("body", seen=problem, allowed="a JSON value")


def _depth(value: Any) -> int:
    items = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, items), default=0) if isinstance(value, dict | list) else 0


@cache
def _validator(schema: str) -> "Draft202012Validator":
    """Return a validator for a schema of the document, written as JSON."""
    document_ = {**json.loads(schema), "components": document()["components"]}
    return strict_validator(document_)
