"""Members of a record by dotted names, and texts with such names in braces.

A name such as ``webhook_definition.id`` or ``response.0`` leads into objects and arrays.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

ABSENT: Any = object()  # the value of a missing member
_PLACEHOLDER = re.compile(r"\{([\w.]+)\}")
_MAX_LEVELS, _MAX_MEMBERS = 4, 200


def member_at(record: Any, path: str) -> Any:
    """Return the member that a dotted name leads to, or ``ABSENT``."""
    for name in path.split("."):
        if isinstance(record, Mapping):
            record = record.get(name, ABSENT)
        elif isinstance(record, list) and name.isdecimal() and int(name) < len(record):
            record = record[int(name)]
        else:
            return ABSENT
    return record


def value_at(record: Any, path: str) -> Any:
    """Return the member that a dotted name leads to, or None."""
    value = member_at(record, path)
    return None if value is ABSENT else value


def members_of(record: Any) -> list[tuple[str, Any]]:
    """Return members of a record by dotted names: at most 200, of at most four levels."""
    return [*islice(_members(record, ""), _MAX_MEMBERS)]


def _members(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if path:
        yield path, value
    if path.count(".") + 1 < _MAX_LEVELS and isinstance(value, Mapping | list):
        names = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, inner in names:
            yield from _members(inner, f"{path}.{name}" if path else str(name))


def fact_of(record: Any, path: str) -> str:
    """Return a member as a text to compare records by; for a name with ``:form``, its form."""
    name, _, is_form = path.partition(":")
    value = member_at(record, name)
    return value if isinstance(value, str) and not is_form else _form(value, is_form=bool(is_form))


def _form(value: Any, *, is_form: bool) -> str:
    if value is None or value is ABSENT:
        return "null" if value is None else "absent"
    forms = {str: "a text", list: "an array", dict: "an object", bool: "a boolean"}
    is_short = isinstance(value, bool | int | float) and not is_form
    return str(value) if is_short else forms.get(type(value), "a number")


def filled(text: str, values: Any) -> str:
    """Return a text with the members of ``values`` in place of its placeholders.

    A placeholder without a value stays as it is.
    """

    def value(match: re.Match[str]) -> str:
        member = member_at(values, match[1])
        return match[0] if member is ABSENT else str(member)

    return _PLACEHOLDER.sub(value, text)


def has_placeholder(text: str) -> bool:
    """Return True if a text has a name in braces."""
    return _PLACEHOLDER.search(text) is not None
