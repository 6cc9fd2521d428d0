"""What a violation of a schema says to the caller: which parameter, what was seen, what may be."""

from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.admin.document import resolved
from crmcom_kit.mock_server.protocol.request import json_type
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.redaction import is_secret

if TYPE_CHECKING:
    from jsonschema import ValidationError

_MAX_PLACE = 80


def explained(error: "ValidationError") -> UsageError:
    """Return what is said of a violation: of the deepest one, where there are many."""
    from jsonschema.exceptions import best_match

    found: Any = best_match([_meant(error)]) or error
    where = found.json_path.removeprefix("$").removeprefix(".") or "body"
    if found.validator in ("additionalProperties", "unevaluatedProperties"):
        known = found.schema.get("properties", {})
        extra = next((name for name in found.instance if name not in known), "member")
        allowed = f"one of {', '.join(known)}" if known else "no member at all"
        return UsageError(_place(where, extra), seen="in the body", allowed=allowed)
    if found.validator == "required":
        lacking = next(name for name in found.validator_value if name not in found.instance)
        schema = found.schema.get("properties", {}).get(lacking, {})
        return UsageError(_place(where, lacking), seen="nothing", allowed=described(schema))
    value = found.instance
    if isinstance(value, dict | list):
        seen = json_type(value)
    else:
        seen = quoted(value, secret=is_secret(where) and isinstance(value, str))
    return UsageError(_shortened(where), seen=seen, allowed=allowed_by(found))


def _meant(error: "ValidationError") -> "ValidationError":
    """Return what is wrong with the one alternative that a value was meant to be, if there is one.

    That is an alternative of the value's type, with all members that it must have.
    """
    from jsonschema.exceptions import best_match

    if error.validator not in ("oneOf", "anyOf"):
        return error
    wrong: dict[Any, list[ValidationError]] = {}
    for one in error.context or ():
        wrong.setdefault(one.relative_schema_path[0], []).append(one)
    world_of = [found for found in wrong.values() if not any(map(_is_another, found))]
    best = best_match(world_of[0]) if len(world_of) == 1 else None
    return error if best is None else best


def _is_another(error: "ValidationError") -> bool:
    """Whether a violation shows that a value was not meant to be this alternative."""
    return not error.relative_path and error.validator in ("type", "required", "enum", "const")


def _place(where: str, member: str) -> str:
    return _shortened(member if where == "body" else f"{where}.{member}")


def _shortened(place: str) -> str:
    safe = quoted(place).strip('"')
    return safe if len(safe) <= _MAX_PLACE else f"{safe[:_MAX_PLACE]}…"


#: Keywords that set a limit → how it is said.
_LIMITS = {
    "minimum": "at least {:,}",
    "exclusiveMinimum": "more than {:,}",
    "maximum": "at most {:,}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} members",
    "maxProperties": "at most {} members",
}


def allowed_by(error: Any) -> str:
    """Say what a schema allows in the place of what broke one of its keywords."""
    limit = error.validator_value
    if error.validator in _LIMITS:
        return _LIMITS[error.validator].format(limit)
    match error.validator:
        case "enum":
            return f"one of {', '.join(map(str, limit))}"
        case "type":
            return f"a value of type {limit}" if isinstance(limit, str) else " or ".join(limit)
        case "pattern":
            return str(error.schema.get("x-allowed", f"a text that fits {limit}"))
        case "not":
            return str(error.schema.get("x-allowed", "nothing here"))
        case "format" if limit == "date-time":
            return "a date and time with a zone, such as 2026-01-31T12:00:00Z"
        case _:
            return described(error.schema)


def described(schema: Any) -> str:
    """Say what a schema as a whole allows."""
    if not isinstance(schema, dict):
        return "nothing"
    schema = resolved(schema)
    if "x-allowed" in schema:
        return str(schema["x-allowed"])
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    if "const" in schema:
        return str(schema["const"])
    if "oneOf" in schema or "anyOf" in schema:
        options = schema.get("oneOf") or schema.get("anyOf")
        return " or ".join(dict.fromkeys(described(option) for option in options))
    if "required" in schema:
        return f"an object with {', '.join(schema['required'])}"
    kind = schema.get("type", "value")
    return f"a value of type {kind if isinstance(kind, str) else ' or '.join(kind)}"
