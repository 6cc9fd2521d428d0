"""The documented members of a webhook request, and how two sights of one are compared.

The members are read from the schemas.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

import orjson

from crmcom_kit.contract_tests.client.exchanges import encoded
from crmcom_kit.schemas.loader import load_schema
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS, REFERENCE_KINDS, response_fields

#: The objects inside a webhook request; their schemas have the same names.
OBJECTS = ("log_information", *REFERENCE_KINDS)
USERS = ("created_by_user", "updated_by_user")
DATES = ("created_date", "updated_date")


@cache
def members(schema: str, release: str) -> tuple[str, ...]:
    """Return the members that the object ``schema`` has in ``release``."""
    return tuple(load_schema(schema, release)["properties"])


#: Releases that together have all members: the first one, and one in which units have other names.
_ALL_RELEASES = "R9", "R18"


@cache
def required_fields(release: str) -> frozenset[str]:
    """Return the fields in which every webhook request has a value."""
    return frozenset(load_schema("webhook_request", release)["required"])


@cache
def units(release: str) -> tuple[str, ...]:
    """Return the names of the units of log_information in ``release``."""
    return tuple(name for name in members("log_information", release) if name.endswith("unit"))


@cache
def units_of_others(release: str) -> tuple[str, ...]:
    """Return the names that the units have in other releases only, in the same order."""
    names = (name for other_release in _ALL_RELEASES for name in units(other_release))
    return tuple(name for name in names if name not in units(release))


#: The members that a resend keeps beside the date of creation (statement resend.identity_kept).
_LASTING = ("id", "number", "webhook_definition", "workflow_rule", "entity", "entity_id")

#: The members that are not compared: a server may make a new reference for each response.
_FLEETING = ("request", "response")

_WHOLE = "webhook_request"


@cache
def _members_of(schema: str) -> Mapping[str, str]:
    """Return the members of an object in any release, each with its schema if it is an object."""
    if schema == _WHOLE:
        return {name: name if name in OBJECTS else "" for name in response_fields()}
    names = dict.fromkeys(name for release in _ALL_RELEASES for name in members(schema, release))
    if schema != "log_information":
        return dict.fromkeys(names, "")
    ends = ("user", "unit")
    return {name: next((end for end in ends if name.endswith(end)), "") for name in names}


def typed(record: dict[str, Any], schema: str = _WHOLE) -> dict[str, Any]:
    """Return a webhook request without members of a JSON type that no page shows.

    A server may show anything anywhere, so requests are made from what this returns. It is the
    same object if every member has a documented type.
    """
    well_typed: dict[str, Any] = {}
    schemas = _members_of(schema)
    for name, value in record.items():
        inner = schemas.get(name)
        is_free = value is None or inner is None or name in _FLEETING
        if is_free or (inner == "" and isinstance(value, str)):
            well_typed[name] = value
        elif inner and isinstance(value, dict):
            well_typed[name] = typed(value, inner)
    is_same = len(well_typed) == len(record) and all(
        well_typed[name] is record[name] for name in well_typed
    )
    return record if is_same else well_typed


class Digest(bytes):
    """Stands for a long value that is only compared."""

    __slots__ = ()


#: The maximum number of characters of a text that is kept as it is: of one that filters or requests
#: use, and of any other.
MAX_USED, MAX_OTHER = 2_000, 40
#: The members that filters or requests use, wherever they are.
_USED = frozenset((
    "id", "number", "entity", "entity_id", "url", "life_cycle_state", "error_code",
    *IDENTIFIER_FIELDS, *DATES, "username",
))  # fmt: skip


def condensed(record: Mapping[str, Any], schema: str = _WHOLE) -> dict[str, Any]:
    """Return the documented members of a webhook request, with digests of long values."""
    schemas = _members_of(schema)
    return {
        name: condensed(value, schemas[name])
        if schemas[name] and isinstance(value, dict)
        else _condensed(value, MAX_USED if name in _USED else MAX_OTHER)
        for name, value in record.items()
        if name in schemas
    }


def _condensed(value: Any, max_length: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= max_length else digest(value)
    if value is None or isinstance(value, bool | float | Digest):
        return value
    return value if len(encoded(value)) <= MAX_OTHER else digest(value)


def digest(value: Any) -> Digest:
    """Return the digest of a value, whatever the order of its members."""
    text = encoded(value, orjson.OPT_SORT_KEYS)
    return Digest(blake2b(text, digest_size=12).digest())


def _is_same(before: Any, after: Any) -> bool:
    """Return whether two values are equal; either may be a digest."""
    if isinstance(before, Digest) and not isinstance(after, Digest):
        return before == digest(after)
    if isinstance(after, Digest) and not isinstance(before, Digest):
        return after == digest(before)
    return bool(before == after)


def _changed(before: Any, after: Any, schema: str, path: str) -> Iterator[str]:
    if _is_same(before, after):
        return
    if schema and isinstance(before, dict) and isinstance(after, dict):
        for name, member_schema in _members_of(schema).items():
            if name in before and name in after:
                member_path = f"{path}.{name}" if path else name
                yield from _changed(before[name], after[name], member_schema, member_path)
    else:
        yield path


def merged(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two sights of one webhook request show together."""
    record: dict[str, Any] = {**earlier, **later}
    log, later_log = earlier.get("log_information"), later.get("log_information")
    if isinstance(log, Mapping) and isinstance(later_log, Mapping):
        record["log_information"] = {**log, **later_log}
    return record


def lost_members(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> Iterator[str]:
    """Yield the members with a value that a later sight leaves out, as dotted names.

    Inside objects only those of log_information count: users, units, definitions and rules have
    short forms.
    """
    for name in response_fields():
        if earlier.get(name) is not None and name not in later:
            yield name
    log, later_log = earlier.get("log_information"), later.get("log_information")
    if isinstance(log, Mapping) and isinstance(later_log, Mapping):
        for name in _members_of("log_information"):
            if log.get(name) is not None and name not in later_log:
                yield f"log_information.{name}"


def id_of(record: Mapping[str, Any]) -> str | None:
    """Return the id of a webhook request, or None if it is no text."""
    key = record.get("id")
    return key if isinstance(key, str) else None


def lasting(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a resend must keep of a webhook request, whether or not the delivery succeeds."""
    log = record.get("log_information")
    lasting_members: dict[str, Any] = {name: record[name] for name in _LASTING if name in record}
    if isinstance(log, dict) and "created_date" in log:
        lasting_members["log_information"] = {"created_date": log["created_date"]}
    return lasting_members


def differing(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> list[str]:
    """Return the members in which two sights of one webhook request differ, as dotted names.

    Only documented members that both have count. Other statements say whether one may be null or
    left out, and whether an object may have its long form or its short one.
    """
    if later.items() <= earlier.items():
        return []
    paths = _changed(earlier, later, _WHOLE, "")
    return [path for path in paths if path.partition(".")[0] not in _FLEETING]
