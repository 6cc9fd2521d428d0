"""Check path, query and body of a call against the control API's OpenAPI document."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.admin.document import document, operations, resolved
from crmcom_kit.mock_server.admin.values import parse_body, read_moment
from crmcom_kit.mock_server.protocol.schema_errors import (
    allowed_by,
    described,
    explained,
    strict_validator,
)
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import UsageError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_NUMBERS = {
    "integer": (re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII), int),
    "number": (re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?", re.ASCII), float),
}
_BOOLEANS = {"true": True, "false": False}


def checked_query(operation: str, given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the parameters in a query, typed and with defaults. Raises UsageError."""
    parameters = [p for p in _parameters(operation) if p["in"] == "query"]
    known = {p["name"]: resolved(p["schema"]) for p in parameters}
    values = {name: s["default"] for name, s in known.items() if "default" in s}
    seen: set[str] = set()
    for name, text in given:
        if name not in known:
            allowed = f"one of {', '.join(known)}" if known else "no parameter"
            raise UsageError(quoted(name).strip('"'), seen="in the query", allowed=allowed)
        if name in seen:
            raise UsageError(name, seen="more than once", allowed="once")
        seen.add(name)
        values[name] = _typed(name, text, known[name])
    for one in parameters:
        if one.get("required") and one["name"] not in seen:
            raise UsageError(
                one["name"], seen="nothing", allowed=described(known[one["name"]], resolved)
            )
    return values


def checked_path(operation: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters in a path, typed. Raises UsageError."""
    known = {p["name"]: resolved(p["schema"]) for p in _parameters(operation) if p["in"] == "path"}
    return {name: _typed(name, text, known[name]) for name, text in given.items()}


def _parameters(operation: str) -> list[dict[str, Any]]:
    _, path, about = operations()[operation]
    shared = document()["paths"][path].get("parameters", [])
    return [resolved(one) for one in (*shared, *about.get("parameters", []))]


def _typed(name: str, text: str, schema: dict[str, Any]) -> Any:
    value: Any = text
    kind = schema.get("type")
    if kind in _NUMBERS:
        pattern, read = _NUMBERS[kind]
        value = read(text) if pattern.fullmatch(text) else None
    elif kind == "boolean":
        value = _BOOLEANS.get(text)
    if value is None:
        raise UsageError(name, seen=quoted(text), allowed=described(schema, resolved))
    for error in _validator(json.dumps(schema)).iter_errors(value):
        raise UsageError(name, seen=quoted(text), allowed=allowed_by(error, resolved))
    return value


def is_streamed(operation: str) -> bool:
    """Return True if an operation reads its body itself, as a stream."""
    return bool(operations()[operation][2].get("requestBody", {}).get("x-streamed"))


def max_body_bytes(operation: str) -> int | None:
    """Return an operation's own limit for its body in bytes; None if the default applies."""
    limit: int | None = operations()[operation][2].get("requestBody", {}).get("x-most-bytes")
    return limit


def checked_body(operation: str, raw: bytes, content_type: str = "") -> Any:
    """Return the JSON body of a call, None if there is none. Raises UsageError."""
    about = operations()[operation][2].get("requestBody")
    if about is None:
        if raw.strip():
            raise UsageError("body", seen="a body", allowed="no body")
        return None
    value = parse_body(raw, content_type)
    if value is None and not raw.strip():
        if about.get("required"):
            raise UsageError("body", seen="nothing", allowed="a JSON value")
        return None
    schema = about["content"]["application/json"]["schema"]
    for error in _validator(json.dumps(schema)).iter_errors(value):
        raise explained(error, resolved)
    return value


@cache
def _validator(schema: str) -> "Draft202012Validator":
    """Return a validator of a schema of the document, given as JSON."""
    whole = {**json.loads(schema), "components": document()["components"]}
    return strict_validator(whole, {"date-time": _is_moment})


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(read_moment(value))
