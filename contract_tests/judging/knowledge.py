"""What the pages know of the members of an answer, read from the schemas.

And what two answers of one webhook request must have in common.
"""

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from crmcom_kit.schemas.loader import load_schema
from crmcom_kit.schemas.methods import response_fields

#: The objects inside a webhook request, and the schema of each.
OBJECTS = {
    "log_information": "log_information",
    "webhook_definition": "webhook_definition",
    "workflow_rule": "workflow_rule",
}
USERS = ("created_by_user", "updated_by_user")
DATES = ("created_date", "updated_date")
IDENTIFIERS = ("id", "name", "alternative_code")  # of a definition and of a rule


@cache
def members(schema: str, release: str) -> tuple[str, ...]:
    """Return the members that the object ``schema`` has in ``release``."""
    found = load_schema(schema, release)
    properties = found.get("properties") or found["$defs"]["members"]["properties"]
    return tuple(properties)


@cache
def required_fields(release: str) -> frozenset[str]:
    """Return the fields that every webhook request has a value in."""
    return frozenset(load_schema("webhook_request", release)["required"])


@cache
def units(release: str) -> tuple[str, ...]:
    """Return the names of the units of log_information in ``release``."""
    return tuple(name for name in members("log_information", release) if name.endswith("unit"))


def strangers(
    record: Mapping[str, Any], release: str
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Yield each object in a record with the names it should not have, and those it lacks."""
    yield "", *_strange(record, response_fields())
    for field, schema in OBJECTS.items():
        if isinstance(record.get(field), dict):
            yield field, *_strange(record[field], members(schema, release))
    log = record.get("log_information")
    if isinstance(log, dict):
        for names, schema in ((USERS, "user"), (units(release), "unit")):
            for name in names:
                if isinstance(log.get(name), dict):
                    found = _strange(log[name], members(schema, release))
                    yield f"log_information.{name}", *found


def _strange(
    found: Mapping[str, Any], known: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    unknown = tuple(name for name in found if name not in known)
    return unknown, tuple(name for name in known if name not in found)


def alike(unknown: tuple[str, ...], missing: str) -> str | None:
    """Return the unknown member that seems to stand for a missing one."""
    squeezed = {name.lower().replace("_", ""): name for name in unknown}
    near = difflib.get_close_matches(missing.replace("_", ""), squeezed, n=1, cutoff=0.75)
    return squeezed[near[0]] if near else None


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which two whole answers of one webhook request differ, with both values.

    A field that is null and one that is left out say the same; so do the long and the short form
    of an object, where they agree in what both have. Members that no page knows may differ.
    """
    found = {}
    for field in response_fields():
        a, b = one.get(field), other.get(field)
        if a != b and not (field in OBJECTS and _agree(a, b, OBJECTS[field])):
            found[field] = (a, b)
    return found


_ALL_RELEASES = "R9", "R18"  # the members of either name for units


def _agree(a: Any, b: Any, schema: str) -> bool:
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return bool(a == b)
    for name in {each for release in _ALL_RELEASES for each in members(schema, release)}:
        if name not in a or name not in b or a[name] == b[name]:
            if schema == "log_information" and (a.get(name) is None) != (b.get(name) is None):
                return False
            continue
        inner = "user" if name.endswith("user") else "unit" if name.endswith("unit") else ""
        if not inner or not _agree(a[name], b[name], inner):
            return False
    return True
