"""JSON Schema for what callers send, and its violations as usage errors.

The control API, faults and world files validate with the same rules and say the same of a
violation: which parameter, what was seen, what is allowed. A schema's ``x-allowed`` says it in its
own words, and ``x-beside`` of a member says which others each of its values may have beside it.
"""

import json
from collections.abc import Callable, Mapping
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any

from crmcom_kit.redaction import is_secret
from crmcom_kit.usage_errors import UsageError, hint, quoted

# jsonschema is imported with the first value that is validated: a start does not wait for it.
if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

_MAX_PLACE = 80
_MAX_COMPARED = 20  # unknown members; a body may have any number of them


def json_type(value: object) -> str:
    """Return the JSON name of a value's type."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def strict_validator(
    schema: Mapping[str, Any], formats: Mapping[str, Callable[[object], bool]] | None = None
) -> "Draft202012Validator":
    """Return a validator for which ``1.0`` is not an integer, and NaN not a number.

    Args:
        schema: the schema, with the components that it refers to.
        formats: how each format is checked; a check returns False or raises ValueError.
    """
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.validators import extend

    checker = FormatChecker(formats=())
    for name, check in (formats or {}).items():
        checker.checks(name, ValueError)(check)
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    )
    strict: Any = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]
    validator: Draft202012Validator = strict(schema, format_checker=checker)
    return validator


def _is_integer(_: object, value: object) -> bool:
    return type(value) is int


def _is_number(_: object, value: object) -> bool:
    return type(value) is int or (type(value) is float and isfinite(value))


def check(validator: "Draft202012Validator", value: object, whole: str) -> None:
    """Raise UsageError unless a value, which messages call ``whole``, fits a validator's schema."""
    document: Any = validator.schema
    for error in validator.iter_errors(value):
        raise _explained(_deepest(error, document), document, whole)


def _explained(violation: "ValidationError", document: Any, whole: str) -> UsageError:
    """Return a violation as a usage error."""
    schema: Any = violation.schema
    where = violation.json_path.removeprefix("$").removeprefix(".") or whole
    value: Any = violation.instance
    if violation.validator == "additionalProperties":
        members = _allowed_beside(value, schema.get("properties", {}))
        extra = next((name for name in value if name not in members), "member")
        allowed = (
            f"one of {', '.join(members)}{_where(extra, members, document)}" if members else "none"
        )
        return UsageError(_place(where, extra, whole), seen=f"in the {whole}", allowed=allowed)
    if violation.validator == "required":
        lacking = next(name for name in schema["required"] if name not in value)
        allowed = _described(schema.get("properties", {}).get(lacking, {}), document)
        return UsageError(_place(where, lacking, whole), seen="nothing", allowed=allowed)
    if isinstance(value, dict | list) or value is None:
        seen = json_type(value)
    elif isinstance(value, bool):
        seen = json.dumps(value)
    else:
        seen = quoted(value, secret=is_secret(where))
    if "x-allowed" in schema or violation.validator not in _WORDS:
        allowed = _described(schema, document)
    else:
        allowed = _WORDS[violation.validator](violation.validator_value)
        if violation.validator == "enum" and isinstance(value, str):
            allowed += hint(value, map(str, schema["enum"]))
    return UsageError(_shortened(where), seen=seen, allowed=allowed)


def _allowed_beside(value: Mapping[str, Any], members: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the known members that a value may have, as ``x-beside`` of one of them says."""
    for name, schema in members.items():
        for choice, beside in schema.get("x-beside", {}).items():
            if value.get(name) == choice:
                return {name: schema, **{neighbor: members[neighbor] for neighbor in beside}}
    return members


def _where(extra: str, members: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """Return a hint at the member that an unknown one belongs to, or that is meant."""
    for name, schema in members.items():
        if extra in _resolved(schema, document).get("properties", {}):
            return f" ({extra} belongs in {name})"
    return hint(extra, members)


def _deepest(error: "ValidationError", document: Mapping[str, Any]) -> "ValidationError":
    """Return the violation to report, of those behind one.

    A value that may be of several kinds counts as the kind that has its type, whose required
    members it has, and that explains most of its unknown members. An unknown member is reported
    before a missing one, which it may be, misspelled. A schema with ``x-allowed`` is reported as a
    whole.
    """
    from jsonschema.exceptions import best_match

    kinds: dict[Any, list[ValidationError]] = {}
    for violation in error.context:
        kinds.setdefault(violation.relative_schema_path[0], []).append(violation)
    ranked = sorted(kinds.values(), key=lambda violation: _distance(violation, document))
    best: Any = best_match([error])
    if len(ranked) > 1:
        unknown = [violation for violation in ranked[0] if _is_of_unknown_members(violation)]
        if unknown or _distance(ranked[0], document) < _distance(ranked[1], document):
            best = best_match(unknown or ranked[0])
    above = best
    while above is not None:
        if "x-allowed" in above.schema:
            best = above
        above = above.parent
    return best  # type: ignore[no-any-return]


def _is_of_unknown_members(violation: "ValidationError") -> bool:
    return violation.validator == "additionalProperties" and not violation.relative_path


def _distance(
    violations: list["ValidationError"], document: Mapping[str, Any]
) -> tuple[bool, bool, int]:
    """Return how far a value is from a kind.

    That is: whether it has another type, whether it lacks members, and how many unknown members it
    has that are neither misspelled nor misplaced.
    """
    broken = {violation.validator for violation in violations if not violation.relative_path}
    unknown: list[str] = []
    for violation in filter(_is_of_unknown_members, violations):
        schema: Any = violation.schema
        members: Any = violation.instance
        properties = schema.get("properties", {})
        extra = islice((name for name in members if name not in properties), _MAX_COMPARED)
        unknown += (name for name in extra if not _where(name, properties, document))
    return not broken.isdisjoint({"type", "enum"}), "required" in broken, len(unknown)


def _place(where: str, member: str, whole: str) -> str:
    return _shortened(member if where == whole else f"{where}.{member}")


def _shortened(place: str) -> str:
    safe = quoted(place).strip('"')
    return safe if len(safe) <= _MAX_PLACE else f"{safe[:_MAX_PLACE]}…"


#: Types whose name has another article than "a", or none.
_ARTICLES = {
    "object": "an object",
    "array": "an array",
    "integer": "a whole number",
    "null": "null",
}

#: Formats → what they are.
_FORMATS = {
    "crm-date-time": "a date and time, yyyy-MM-ddTHH:mm:ss",
    "crm-date": "a date, yyyy-MM-dd",
}


def _of_type(kinds: str | list[str]) -> str:
    """Name the types of a schema, each with its article."""
    listed = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(_ARTICLES.get(kind, f"a {kind}") for kind in listed)


#: Keywords → how to say what they allow. The first of them describe a schema as a whole.
_WORDS: dict[str, Callable[[Any], str]] = {
    "enum": lambda values: f"one of {', '.join(map(str, values))}",
    "const": str,
    "required": lambda names: f"an object with {', '.join(names)}",
    "type": _of_type,
    "minimum": "at least {:,}".format,
    "maximum": "at most {:,}".format,
    "minLength": "at least {} characters".format,
    "maxLength": "at most {} characters".format,
    "minItems": "at least {} items".format,
    "maxItems": "at most {} items".format,
    "minProperties": "at least {} members".format,
    "maxProperties": "at most {} members".format,
    "pattern": "a string that fits {}".format,
    "format": _FORMATS.__getitem__,
    "not": lambda _: "nothing here",
}


def _resolved(schema: Any, document: Mapping[str, Any]) -> Any:
    """Return the schema that one refers to, unless it says in its own words what is allowed."""
    while "$ref" in schema and "x-allowed" not in schema:
        meant: Any = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            meant = meant[name]
        schema = meant
    return schema


def _described(schema: dict[str, Any], document: Mapping[str, Any]) -> str:
    """Say what a schema as a whole allows."""
    schema = _resolved(schema, document)
    if "x-allowed" in schema:
        return str(schema["x-allowed"])
    if "anyOf" in schema:
        return " or ".join(
            dict.fromkeys(_described(option, document) for option in schema["anyOf"])
        )
    return next((say(schema[name]) for name, say in _WORDS.items() if name in schema), "a value")
