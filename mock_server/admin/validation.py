"""Check path, query and body of a call against what its operation declares."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.admin.document import document, operations
from crmcom_kit.mock_server.admin.values import parse_body, read_moment
from crmcom_kit.mock_server.protocol.schema_errors import (
    allowed_by,
    check,
    resolved,
    strict_validator,
)
from crmcom_kit.usage_errors import UsageError, quoted

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator


def checked_parameters(
    operation: str, path: Mapping[str, str], query: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Return the parameters in path and query, typed. Raises UsageError."""
    described = operations()[operation][2]["parameters"]
    schemas = {one["name"]: resolved(one["schema"], document()) for one in described}
    known = [one["name"] for one in described if one["in"] == "query"]
    values = {name: _typed(name, text, schemas[name]) for name, text in path.items()}
    for name, text in query:
        if name not in known:
            allowed = f"one of {', '.join(known)}" if known else "no parameter"
            raise UsageError(quoted(name).strip('"'), seen="in the query", allowed=allowed)
        if name in values:
            raise UsageError(name, seen="more than once", allowed="once")
        values[name] = _typed(name, text, schemas[name])
    return values


def _typed(name: str, text: str, schema: dict[str, Any]) -> Any:
    value: Any = text
    if schema.get("type", "string") != "string":
        with suppress(ValueError, RecursionError):
            value = json.loads(text)
    for error in _validator(json.dumps(schema)).iter_errors(value):
        raise UsageError(name, seen=quoted(text), allowed=allowed_by(error, document()))
    return value


def checked_body(operation: str, raw: bytes) -> Any:
    """Return the JSON body of a call, None if there is none. Raises UsageError."""
    about = operations()[operation][2].get("requestBody")
    if about is None:
        if raw.strip():
            raise UsageError("body", seen="a body", allowed="no body")
        return None
    value = parse_body(raw)
    if value is None and not raw.strip():
        if about["required"]:
            raise UsageError("body", seen="nothing", allowed="a JSON value")
        return None
    schema = about["content"]["application/json"]["schema"]
    check(_validator(json.dumps(schema)), value, whole="body")
    return value


@cache
def _validator(schema: str) -> "Draft202012Validator":
    """Return a validator of a schema of the document, given as JSON."""
    whole = {**json.loads(schema), "components": document()["components"]}
    return strict_validator(whole, {"date-time": _is_moment})


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(read_moment(value))
