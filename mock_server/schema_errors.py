"""JSON Schema for the input of callers, and its violations as usage errors.

The control API, faults and world files use the same rules and the same words for a violation: the
parameter, the value, the allowed values. A schema's ``x-allowed`` has the words for the allowed
values, and ``x-beside`` of a member lists the other members that each of its values allows.
"""

import json
from collections.abc import Callable, Mapping
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any

from crmcom_kit.redaction import is_secret
from crmcom_kit.usage_errors import UsageError, escaped, hint, json_type, quoted

# jsonschema is imported with the first validation: a mock starts sooner without it.
if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

_MAX_PLACE = 80
_MAX_COMPARED = 20  # unknown members; a body may have any number of them


def strict_validator(
    schema: Mapping[str, Any], formats: Mapping[str, Callable[[object], bool]] | None = None
) -> "Draft202012Validator":
    """Return a validator for which ``1.0`` is not an integer, and NaN not a number.

    Args:
        schema: the schema, with the components that it refers to.
        formats: a check for each format, which returns False or raises ValueError.
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


def check(validator: "Draft202012Validator", value: object, root: str) -> None:
    """Raise UsageError unless a value, which messages call ``root``, fits a validator's schema."""
    document: Any = validator.schema
    for error in validator.iter_errors(value):
        raise _as_usage_error(_main_violation(error, document), document, root)


def _as_usage_error(violation: "ValidationError", document: Any, root: str) -> UsageError:
    """Return a violation as a usage error."""
    schema: Any = violation.schema
    path = violation.json_path.removeprefix("$").removeprefix(".") or root
    value: Any = violation.instance
    if violation.validator == "additionalProperties":
        members = _allowed_members(value, schema.get("properties", {}))
        name = next((name for name in value if name not in members), "member")
        allowed = (
            f"one of {', '.join(members)}{_hint(name, members, document)}" if members else "none"
        )
        return UsageError(_join(path, name, root), seen=f"in the {root}", allowed=allowed)
    if violation.validator == "required":
        name = next(name for name in schema["required"] if name not in value)
        allowed = _describe(schema.get("properties", {}).get(name, {}), document)
        return UsageError(_join(path, name, root), seen="nothing", allowed=allowed)
    if isinstance(value, dict | list) or value is None:
        quoted_value = json_type(value)
    elif isinstance(value, bool):
        quoted_value = json.dumps(value)
    else:
        quoted_value = quoted(value, secret=is_secret(path))
    if "x-allowed" in schema or violation.validator not in _WORDS:
        allowed = _describe(schema, document)
    else:
        allowed = _WORDS[violation.validator](violation.validator_value)
        if violation.validator == "enum" and isinstance(value, str):
            allowed += hint(value, map(str, schema["enum"]))
    return UsageError(_shorten(path), seen=quoted_value, allowed=allowed)


def _allowed_members(value: Mapping[str, Any], members: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the members that a value may have; ``x-beside`` of a member may limit them."""
    for name, schema in members.items():
        for choice, neighbors in schema.get("x-beside", {}).items():
            if value.get(name) == choice:
                return {name: schema, **{neighbor: members[neighbor] for neighbor in neighbors}}
    return members


def _hint(unknown_name: str, members: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """Return a hint at the place of an unknown member, or at a similar name."""
    for name, schema in members.items():
        if unknown_name in _resolve(schema, document).get("properties", {}):
            return f" ({unknown_name} belongs in {name})"
    return hint(unknown_name, members)


def _main_violation(error: "ValidationError", document: Mapping[str, Any]) -> "ValidationError":
    """Return the violation to report for ``error``.

    If a value may be of several kinds, it counts as the kind of its type whose required members it
    has and that knows most of its members. An unknown member is reported before a missing one,
    since it may be its misspelling. The violation of a schema with ``x-allowed`` covers those
    inside it.
    """
    from jsonschema.exceptions import best_match

    kinds: dict[Any, list[ValidationError]] = {}
    for violation in error.context:
        kinds.setdefault(violation.relative_schema_path[0], []).append(violation)
    groups = sorted(kinds.values(), key=lambda group: _distance(group, document))
    main: Any = best_match([error])
    if len(groups) > 1:
        unknown_members = [violation for violation in groups[0] if _has_unknown_members(violation)]
        if unknown_members or _distance(groups[0], document) < _distance(groups[1], document):
            main = best_match(unknown_members or groups[0])
    ancestor = main
    while ancestor is not None:
        if "x-allowed" in ancestor.schema:
            main = ancestor
        ancestor = ancestor.parent
    return main  # type: ignore[no-any-return]


def _has_unknown_members(violation: "ValidationError") -> bool:
    return violation.validator == "additionalProperties" and not violation.relative_path


def _distance(
    violations: list["ValidationError"], document: Mapping[str, Any]
) -> tuple[bool, bool, int]:
    """Return the distance of a value from a kind.

    It has three parts: another type, missing members, and the number of unknown members that are
    neither misspelled nor misplaced.
    """
    keywords = {violation.validator for violation in violations if not violation.relative_path}
    unknown_names: list[str] = []
    for violation in filter(_has_unknown_members, violations):
        schema: Any = violation.schema
        members: Any = violation.instance
        properties = schema.get("properties", {})
        names = islice((name for name in members if name not in properties), _MAX_COMPARED)
        unknown_names += (name for name in names if not _hint(name, properties, document))
    return not keywords.isdisjoint({"type", "enum"}), "required" in keywords, len(unknown_names)


def _join(path: str, member: str, root: str) -> str:
    return _shorten(member if path == root else f"{path}.{member}")


def _shorten(place: str) -> str:
    text = escaped(place)
    return text if len(text) <= _MAX_PLACE else f"{text[:_MAX_PLACE]}…"


#: Types whose article is not "a".
_ARTICLES = {
    "object": "an object",
    "array": "an array",
    "integer": "a whole number",
    "null": "null",
}

#: Formats → their descriptions.
_FORMATS = {
    "crm-date-time": "a date and time, yyyy-MM-ddTHH:mm:ss",
    "crm-date": "a date, yyyy-MM-dd",
}


def _of_type(kinds: str | list[str]) -> str:
    """Name the types of a schema, each with its article."""
    types = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(_ARTICLES.get(kind, f"a {kind}") for kind in types)


#: Keywords → words for what they allow. The first ones can describe a complete schema.
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


def _resolve(schema: Any, document: Mapping[str, Any]) -> Any:
    """Return the schema that a schema refers to, unless it has ``x-allowed``."""
    while "$ref" in schema and "x-allowed" not in schema:
        target: Any = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        schema = target
    return schema


def _describe(schema: dict[str, Any], document: Mapping[str, Any]) -> str:
    """Return the values that a schema allows, in words."""
    schema = _resolve(schema, document)
    if "x-allowed" in schema:
        return str(schema["x-allowed"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_describe(option, document) for option in schema["anyOf"]))
    return next((word(schema[name]) for name, word in _WORDS.items() if name in schema), "a value")
