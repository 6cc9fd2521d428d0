"""The parameter fields_set, which selects the fields of a webhook request in a response."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import orjson

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.request import find_duplicates
from crmcom_kit.schemas import Dialect, load_schema, response_fields
from crmcom_kit.schemas.methods import REFERENCE_KINDS
from crmcom_kit.usage_errors import json_type, quoted


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected fields, and the selected members of fields for dotted names."""

    fields: frozenset[str]
    members: tuple[tuple[str, frozenset[str]], ...]
    dials: tuple[str, ...] = ()  # of the choice of fields

    def of(self, body: bytes) -> bytes:
        """Return the selected part of the record ``body``, in the order of the record."""
        cut = _cut_once if len(body) <= _SHORT else _cut
        return cut(body, self.fields, self.members)


def _cut(
    body: bytes, fields: frozenset[str], members: tuple[tuple[str, frozenset[str]], ...]
) -> bytes:
    selection: dict[str, Any] = {}
    parts = dict(members)
    for name, value in orjson.loads(body).items():
        if name in fields:
            selection[name] = value
        elif name in parts and isinstance(value, dict):
            names = parts[name]
            selection[name] = {key: part for key, part in value.items() if key in names}
    return orjson.dumps(selection)


# Clients often select the same fields of the same records. Selections from records up to this
# length are cached; the cache has at most 16 MB.
_SHORT = 4 * 1024
_cut_once = lru_cache(maxsize=2048)(_cut)


@cache
def _member_names(field: str) -> frozenset[str]:
    """Return all members of the object in ``field``."""
    if field not in (*REFERENCE_KINDS, "log_information"):
        return frozenset()
    return frozenset(load_schema(field)["properties"])


def read_selection(value: object, dialect: Dialect, *, from_body: bool) -> Selection | None:
    """Read the value of fields_set; None selects every field.

    Source: webhook_requests/show R9.0.0, "A list of fields that should be included in the
    results". Everything else about it is a dial (``fields_set.*``).

    Raises:
        VendorError: it is not a string, nor an array of strings in a body (wrong_type), or a
            name is not a field and the dialect refuses it (bad_fields_set).
    """
    names = _names(value, dialect, from_body=from_body)
    if dialect["fields_set.spaces"] == "strip":
        names = [name.strip(" ") for name in names]
    if not names:
        if dialect["fields_set.empty"] == "error":
            raise _error(_allowed_fields(), "fields_set.empty", value="")
        if dialect["fields_set.empty"] == "none":
            always = ("id",) if dialect["fields_set.always_id"] else ()
            return Selection(frozenset(always), (), ("fields_set.empty",))
        return None
    return _select(names, dialect)


def _names(value: object, dialect: Dialect, *, from_body: bool) -> list[str]:
    arrays = "fields_set.array_in_body"
    if isinstance(value, str):
        return value.split(",") if value.strip() else []
    if not isinstance(value, list) or not from_body or not dialect[arrays]:
        allowed = "a string of comma-separated field names"
        dials = (arrays,) if isinstance(value, list) else ()
        types = json_type(value)
        raise VendorError("wrong_type", "fields_set", seen=types, allowed=allowed, dials=dials)
    wrong_types = [json_type(name) for name in value if not isinstance(name, str)]
    if wrong_types:
        types = f"{wrong_types[0]} in the array"
        raise VendorError("wrong_type", "fields_set", seen=types, allowed="a string there")
    return list(value)


def _select(names: list[str], dialect: Dialect) -> Selection:
    duplicates = find_duplicates(names) if dialect["fields_set.duplicates"] == "error" else ()
    if duplicates:
        problem = f"{quoted(min(duplicates))} more than once"
        allowed = "each field once"
        raise _error(allowed, "fields_set.duplicates", seen=problem)
    selection: set[str] = {"id"} if dialect["fields_set.always_id"] else set()
    members: dict[str, set[str]] = {}
    dials = [] if "id" in names else ["fields_set.always_id"]
    fields = frozenset(response_fields())
    for name in names:
        if name in fields:
            selection.add(name)
            continue
        field, dot, member = name.partition(".")
        if dot and dialect["fields_set.nested"] == "select" and member in _member_names(field):
            members.setdefault(field, set()).add(member)
        elif dot and dialect["fields_set.nested"] == "whole" and field in fields:
            selection.add(field)
            dials.append("fields_set.nested")
        elif dialect["fields_set.unknown_name"] == "error":
            nested_dials = ("fields_set.nested",) if dot else ()
            raise _error(_allowed_fields(), "fields_set.unknown_name", *nested_dials, value=name)
        else:
            dials.append("fields_set.unknown_name")
    if members:
        dials.append("fields_set.nested")
    parts = tuple((field, frozenset(member)) for field, member in members.items())
    return Selection(frozenset(selection), parts, tuple(dict.fromkeys(dials)))


def _allowed_fields() -> str:
    return f"some of {', '.join(response_fields())}"


def _error(allowed: str, *dials: str, seen: str = "", value: str | None = None) -> VendorError:
    kind = "bad_fields_set"
    return VendorError(kind, "fields_set", seen=seen, value=value, allowed=allowed, dials=dials)
