"""What comes in, held to the control API's document: path, query and body of each operation."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from crmcom_kit.mock_server.control.document import document, operations
from crmcom_kit.mock_server.errors import shown
from crmcom_kit.mock_server.misuse import Misuse
from crmcom_kit.mock_server.reading import json_type

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

_TYPES = {"integer": int, "number": float}
_TRUTH = {"true": True, "false": False}


def checked_query(operation: str, given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the query's values as the document types them, defaults included. Raises Misuse."""
    known = {p["name"]: p["schema"] for p in _parameters(operation) if p["in"] == "query"}
    values = {name: s["default"] for name, s in known.items() if "default" in s}
    seen: set[str] = set()
    for name, text in given:
        if name not in known:
            allowed = f"one of {', '.join(known)}" if known else "no parameter at all"
            raise Misuse(shown(name).strip('"'), seen="in the query", allowed=allowed)
        if name in seen:
            raise Misuse(name, seen="more than one", allowed="one")
        seen.add(name)
        values[name] = _typed(name, text, known[name])
    return values


def checked_path(operation: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the path's values as the document types them. Raises Misuse."""
    known = {p["name"]: p["schema"] for p in _parameters(operation) if p["in"] == "path"}
    return {name: _typed(name, text, known[name]) for name, text in given.items()}


def _parameters(operation: str) -> list[dict[str, Any]]:
    _, path, described = operations()[operation]
    shared = document()["paths"][path].get("parameters", [])
    return [*shared, *described.get("parameters", [])]


def _typed(name: str, text: str, schema: dict[str, Any]) -> Any:
    value: Any = text
    kind = schema.get("type")
    try:
        if kind in _TYPES:
            value = _TYPES[kind](text)
        elif kind == "boolean":
            value = _TRUTH[text]
    except (ValueError, KeyError):
        raise Misuse(name, seen=shown(text), allowed=_described(schema)) from None
    for error in _validator(json.dumps(schema)).iter_errors(value):
        raise Misuse(name, seen=shown(text), allowed=_allowed(error)) from None
    return value


def checked_body(operation: str, raw: bytes) -> Any:
    """Return the JSON body of a call, None where there is none. Raises Misuse."""
    described = operations()[operation][2].get("requestBody")
    if described is None:
        if raw.strip():
            raise Misuse("body", seen="one", allowed="none")
        return None
    if not raw.strip():
        if described.get("required"):
            raise Misuse("body", seen="nothing", allowed="a JSON value")
        return None
    value = _parsed(raw)
    schema = described["content"]["application/json"]["schema"]
    for error in _validator(json.dumps(schema)).iter_errors(value):
        raise explained(error)
    return value


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw, parse_constant=_no_number)
    except RecursionError:
        seen = "too deep nesting"
    except UnicodeDecodeError:
        seen = "bytes that are not UTF-8"
    except json.JSONDecodeError as error:
        seen = f"a text that is no JSON from line {error.lineno}, column {error.colno} on"
    except ValueError as error:
        seen = str(error)
    raise Misuse("body", seen=seen, allowed="a JSON value") from None


def _no_number(text: str) -> NoReturn:
    msg = f"{text}, which JSON does not have"
    raise ValueError(msg)


@cache
def _validator(schema: str) -> "Draft202012Validator":
    """Return a validator of a schema of the document, given as JSON."""
    from jsonschema import Draft202012Validator, FormatChecker

    whole = {**json.loads(schema), "components": document()["components"]}
    return Draft202012Validator(whole, format_checker=FormatChecker())


def explained(error: "ValidationError") -> Misuse:
    """Return what a violation of a schema says to the caller: the deepest, where there are many."""
    from jsonschema.exceptions import best_match

    found: Any = best_match([error]) or error
    where = found.json_path.removeprefix("$").removeprefix(".") or "body"
    if found.validator in ("additionalProperties", "unevaluatedProperties"):
        known = found.schema.get("properties", {})
        extra = next(name for name in found.instance if name not in known)
        name = extra if where == "body" else f"{where}.{extra}"
        allowed = f"one of {', '.join(known)}" if known else "no member at all"
        return Misuse(shown(name).strip('"'), seen="in the body", allowed=allowed)
    if found.validator == "required":
        lacking = next(name for name in found.validator_value if name not in found.instance)
        name = lacking if where == "body" else f"{where}.{lacking}"
        schema = found.schema.get("properties", {}).get(lacking, {})
        return Misuse(name, seen="nothing", allowed=_described(schema))
    value = found.instance
    seen = json_type(value) if isinstance(value, dict | list) else shown(value)
    return Misuse(where, seen=seen, allowed=_allowed(found))


def _allowed(error: Any) -> str:
    """Say what a schema allows in the place of what broke one of its keywords."""
    limit = error.validator_value
    match error.validator:
        case "enum":
            return f"one of {', '.join(map(str, limit))}"
        case "type":
            return f"a value of type {limit}" if isinstance(limit, str) else " or ".join(limit)
        case "minimum" | "exclusiveMinimum":
            least = "at least" if error.validator == "minimum" else "more than"
            return f"{least} {limit:,}"
        case "maximum":
            return f"at most {limit:,}"
        case "maxLength" | "minLength":
            sense = "at most" if error.validator == "maxLength" else "at least"
            return f"{sense} {limit} characters"
        case "maxItems" | "minItems":
            sense = "at most" if error.validator == "maxItems" else "at least"
            return f"{sense} {limit} items"
        case "pattern":
            return str(error.schema.get("x-allowed", f"a text that fits {limit}"))
        case "format":
            return f"a {limit}"
        case _:
            return _described(error.schema)


def _described(schema: Any) -> str:
    """Say what a schema as a whole allows."""
    if not isinstance(schema, dict):
        return "nothing"
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = document()["components"]["schemas"].get(name, {})
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if "oneOf" in schema or "anyOf" in schema:
        options = schema.get("oneOf") or schema.get("anyOf")
        return " or ".join(dict.fromkeys(_described(option) for option in options))
    if "required" in schema:
        return f"an object with {', '.join(schema['required'])}"
    kind = schema.get("type", "value")
    return f"a value of type {kind if isinstance(kind, str) else ' or '.join(kind)}"
