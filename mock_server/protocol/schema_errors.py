"""JSON Schema for what callers send, and its violations as usage errors.

The control API and the faults validate with the same rules and say the same of a violation: which
parameter, what was seen, what is allowed. A schema's ``x-allowed`` says it in its own words.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.protocol.request import json_type
from crmcom_kit.redaction import is_secret
from crmcom_kit.usage_errors import UsageError, quoted

# jsonschema is imported with the first value that is validated: a start does not wait for it.
if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

_MAX_PLACE = 80


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
    found: Draft202012Validator = strict(schema, format_checker=checker)
    return found


def _is_integer(checker: object, value: object) -> bool:
    del checker
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker: object, value: object) -> bool:
    del checker
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and (isinstance(value, int) or isfinite(value))  # type: ignore[arg-type]


def resolved(part: dict[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``part`` refers to in a document, or ``part`` if it is not a reference."""
    while "$ref" in part:
        found: Any = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def check(validator: "Draft202012Validator", value: object, whole: str) -> None:
    """Raise UsageError unless a value, which messages call ``whole``, fits a validator's schema."""
    document: Any = validator.schema
    for error in validator.iter_errors(value):
        raise _explained(error, document, whole)


def _explained(error: "ValidationError", document: Mapping[str, Any], whole: str) -> UsageError:
    """Return a violation as a usage error: the deepest one if there are several."""
    from jsonschema.exceptions import best_match

    meant = _of_intended_option(error)
    found: Any = meant if "x-allowed" in meant.schema else best_match([meant]) or error  # type: ignore[operator]
    where = found.json_path.removeprefix("$").removeprefix(".") or whole
    if found.validator == "additionalProperties":
        known = found.schema.get("properties", {})
        extra = next((name for name in found.instance if name not in known), "member")
        allowed = f"one of {', '.join(known)}" if known else "no member at all"
        return UsageError(_place(where, extra, whole), seen=f"in the {whole}", allowed=allowed)
    if found.validator == "required":
        lacking = next(name for name in found.validator_value if name not in found.instance)
        schema = found.schema.get("properties", {}).get(lacking, {})
        allowed = _described(schema, document)
        return UsageError(_place(where, lacking, whole), seen="nothing", allowed=allowed)
    value = found.instance
    if isinstance(value, dict | list) or value is None:
        seen = json_type(value)
    else:
        seen = quoted(value, secret=is_secret(where))
    return UsageError(_shortened(where), seen=seen, allowed=allowed_by(found, document))


def _of_intended_option(error: "ValidationError") -> "ValidationError":
    """Return the violation of the one option of ``anyOf`` that a value was meant to be, if any.

    That is the option of the value's type, or failing that the one with all members that it
    requires.
    """
    from jsonschema.exceptions import best_match

    if error.validator != "anyOf":
        return error
    options: dict[Any, list[ValidationError]] = {}
    for one in error.context or ():
        options.setdefault(one.relative_schema_path[0], []).append(one)
    for excluding in (("type", "enum"), ("type", "required", "enum")):
        meant = [
            found
            for found in options.values()
            if not any(one.validator in excluding and not one.relative_path for one in found)
        ]
        if len(meant) == 1:
            best: ValidationError = best_match(meant[0]) or error
            return best
    return error


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
    "date-time": "a date and time with a time zone, such as 2026-01-31T12:00:00Z",
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


def allowed_by(error: Any, document: Mapping[str, Any]) -> str:
    """Say what a schema allows instead of the value that broke one of its keywords."""
    if "x-allowed" in error.schema or error.validator not in _WORDS:
        return _described(error.schema, document)
    return _WORDS[error.validator](error.validator_value)


def _described(schema: dict[str, Any], document: Mapping[str, Any]) -> str:
    """Say what a schema as a whole allows."""
    if "x-allowed" not in schema:
        schema = resolved(schema, document)
    if "x-allowed" in schema:
        return str(schema["x-allowed"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_described(one, document) for one in schema["anyOf"]))
    return next((say(schema[name]) for name, say in _WORDS.items() if name in schema), "a value")
