"""Check path, query and body of a call against what its operation declares."""

import json
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from crmcom_kit.mock_server.admin.contract import Operation
from crmcom_kit.mock_server.admin.document import described, document
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.request import body_text, why
from crmcom_kit.mock_server.schema_errors import check, strict_validator
from crmcom_kit.usage_errors import UsageError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

MAX_DEPTH = 64  # values are written again, which has a limit of its own


def checked_parameters(
    operation: Operation, place: str, sent: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Return the parameters in the path or the query, typed. Raises UsageError."""
    declared = [part for part in described(operation)["parameters"] if part["in"] == place]
    schemas = {parameter["name"]: parameter["schema"] for parameter in declared}
    values: dict[str, Any] = {}
    for name, text in sent:
        if name in values:
            raise UsageError(name, seen="more than once", allowed="once")
        values[name] = _typed(text, schemas.get(name, {}))
    schema = {"properties": schemas, "additionalProperties": False}
    check(_validator(json.dumps(schema)), values, whole=place)
    return values


def _typed(text: str, schema: dict[str, Any]) -> Any:
    """Return the value that a text stands for where its type is not a string; else the text."""
    if schema.get("type", "string") != "string":
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    return text


def checked_body(operation: Operation, raw: bytes) -> Any:
    """Return the JSON body of a call, or None for a call without a body. Raises UsageError."""
    about = described(operation).get("requestBody")
    if about is None:
        if raw.strip():
            raise UsageError("body", seen="a body", allowed="no body")
        return None
    if not raw.strip():
        if about["required"]:
            raise UsageError("body", seen="nothing", allowed="a JSON value")
        return None
    value = _parsed(raw)
    schema = about["content"]["application/json"]["schema"]
    check(_validator(json.dumps(schema)), value, whole="body")
    return value


def _parsed(raw: bytes) -> Any:
    """Return the JSON value of a body. Raises UsageError."""
    try:
        value = orjson.loads(body_text(raw))
        if _depth(value) <= MAX_DEPTH:
            return value
        seen = "nesting that is too deep"
    except VendorError as error:
        raise UsageError(error.parameter, seen=error.seen, allowed=error.allowed) from None
    except RecursionError:
        seen = "nesting that is too deep"
    except ValueError as error:
        seen = why(error)
    raise UsageError("body", seen=seen, allowed="a JSON value")


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, inner), default=0) if isinstance(value, dict | list) else 0


@cache
def _validator(schema: str) -> "Draft202012Validator":
    """Return a validator of a schema of the document, given as JSON."""
    whole = {**json.loads(schema), "components": document()["components"]}
    return strict_validator(whole)
