"""The documented members of a response, read from the schemas.

And what two sights of one webhook request must have in common.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

import orjson

from crmcom_kit.contract_tests.client.exchanges import encoded
from crmcom_kit.schemas.loader import load_schema
from crmcom_kit.schemas.methods import response_fields

#: The objects inside a webhook request, which are named as their schemas are.
OBJECTS = ("log_information", "webhook_definition", "workflow_rule")
USERS = ("created_by_user", "updated_by_user")
DATES = ("created_date", "updated_date")
IDENTIFIER_FIELDS = ("id", "name", "alternative_code")  # of a definition and of a rule


@cache
def members(schema: str, release: str) -> tuple[str, ...]:
    """Return the members that the object ``schema`` has in ``release``."""
    return tuple(load_schema(schema, release)["properties"])


#: The first release, and one in which units have other names.
_ALL_RELEASES = "R9", "R18"


@cache
def required_fields(release: str) -> frozenset[str]:
    """Return the fields that every webhook request has a value in."""
    return frozenset(load_schema("webhook_request", release)["required"])


@cache
def units(release: str) -> tuple[str, ...]:
    """Return the names of the units of log_information in ``release``."""
    return tuple(name for name in members("log_information", release) if name.endswith("unit"))


@cache
def units_of_others(release: str) -> tuple[str, ...]:
    """Return the names, in the same order, that the units have in other releases only."""
    every = (name for other in _ALL_RELEASES for name in units(other))
    return tuple(name for name in every if name not in units(release))


#: What sending again keeps beside the date of creation (statement resend.identity_kept).
_LASTING = ("id", "number", "webhook_definition", "workflow_rule", "entity", "entity_id")

#: What is not compared: a reference may be made anew for each response.
_FLEETING = ("request", "response")

_WHOLE = "webhook_request"


@cache
def _known(schema: str) -> Mapping[str, str]:
    """Return the members of an object in any release; of those that are objects, their schema."""
    if schema == _WHOLE:
        return {name: name if name in OBJECTS else "" for name in response_fields()}
    names = dict.fromkeys(each for release in _ALL_RELEASES for each in members(schema, release))
    if schema != "log_information":
        return dict.fromkeys(names, "")
    ends = ("user", "unit")
    return {name: next((end for end in ends if name.endswith(end)), "") for name in names}


def typed(record: dict[str, Any], schema: str = _WHOLE) -> dict[str, Any]:
    """Return a webhook request without members of a JSON type that no page shows.

    A server may show anything anywhere: requests are made from this, and what is learned. It is
    the very same object if there are none.
    """
    found: dict[str, Any] = {}
    known = _known(schema)
    for name, value in record.items():
        inner = known.get(name)
        is_free = value is None or inner is None or name in _FLEETING
        if is_free or (inner == "" and isinstance(value, str)):
            found[name] = value
        elif inner and isinstance(value, dict):
            found[name] = typed(value, inner)
    is_same = len(found) == len(record) and all(found[name] is record[name] for name in found)
    return record if is_same else found


class Digest(bytes):
    """Stands for a long value, of which only a change will matter."""

    __slots__ = ()


#: So many characters a text has at most that is kept as it is: one that filters or requests use,
#: and any other one.
MAX_USED, MAX_OTHER = 2_000, 40
#: The members that filters or requests use, at whatever place they are.
_USED = frozenset((
    "id", "number", "entity", "entity_id", "url", "life_cycle_state", "error_code",
    *IDENTIFIER_FIELDS, *DATES, "username",
))  # fmt: skip


def kept(record: Mapping[str, Any], schema: str = _WHOLE) -> dict[str, Any]:
    """Return what is kept of a webhook request: members that a page knows, digests of long ones."""
    known = _known(schema)
    return {
        name: kept(value, known[name])
        if known[name] and isinstance(value, dict)
        else _kept(value, MAX_USED if name in _USED else MAX_OTHER)
        for name, value in record.items()
        if name in known
    }


def _kept(value: Any, most: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= most else digest(value)
    if value is None or isinstance(value, bool | float | Digest):
        return value
    return value if len(encoded(value)) <= MAX_OTHER else digest(value)


def digest(value: Any) -> Digest:
    """Return what stands for a value."""
    text = encoded(value, orjson.OPT_SORT_KEYS)
    return Digest(blake2b(text, digest_size=12).digest())


def _is_same(before: Any, after: Any) -> bool:
    """Whether two values are equal, of which one may be a digest."""
    if isinstance(before, Digest) and not isinstance(after, Digest):
        return before == digest(after)
    if isinstance(after, Digest) and not isinstance(before, Digest):
        return after == digest(before)
    return bool(before == after)


def _changed(before: Any, after: Any, schema: str, path: str) -> Iterator[str]:
    if _is_same(before, after):
        return
    if schema and isinstance(before, dict) and isinstance(after, dict):
        for name, inner in _known(schema).items():
            if name in before and name in after:
                inside = f"{path}.{name}" if path else name
                yield from _changed(before[name], after[name], inner, inside)
    else:
        yield path


def merged(known: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two sights of one webhook request show together, if no member differs."""
    found: dict[str, Any] = {**known, **seen}
    log, now = known.get("log_information"), seen.get("log_information")
    if isinstance(log, Mapping) and isinstance(now, Mapping):
        found["log_information"] = {**log, **now}
    return found


def lost_members(known: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[str]:
    """Yield the members with a value that a later sight leaves out, as dotted names.

    Of the objects inside only log_information counts: users, units, definitions and rules have
    short forms.
    """
    for name in response_fields():
        if known.get(name) is not None and name not in seen:
            yield name
    log, now = known.get("log_information"), seen.get("log_information")
    if isinstance(log, Mapping) and isinstance(now, Mapping):
        for name in _known("log_information"):
            if log.get(name) is not None and name not in now:
                yield f"log_information.{name}"


def value_at(record: Any, path: str) -> Any:
    """Return the member of ``record`` that a dotted name leads to, or None."""
    for name in path.split("."):
        record = record.get(name) if isinstance(record, Mapping) else None
    return record


def lasting(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what sending again must keep of a webhook request, however the delivery goes."""
    log = record.get("log_information")
    kept: dict[str, Any] = {name: record[name] for name in _LASTING if name in record}
    if isinstance(log, dict) and "created_date" in log:
        kept["log_information"] = {"created_date": log["created_date"]}
    return kept


def differing(known: Mapping[str, Any], seen: Mapping[str, Any]) -> list[str]:
    """Return the members in which two sights of one webhook request differ, as dotted names.

    Only members that both have count: whether one is null or left out, and whether an object is
    shown in its long form or in its short one, is for other statements to say. Members that no
    page knows may be anything.
    """
    if seen.items() <= known.items():
        return []
    paths = _changed(known, seen, _WHOLE, "")
    return [path for path in paths if path.partition(".")[0] not in _FLEETING]
