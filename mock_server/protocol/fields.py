"""fields_set: which fields of a webhook request an answer carries."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from crmcom_kit.mock_server.protocol.errors import BadFieldsSet, WrongType
from crmcom_kit.mock_server.protocol.request import json_type, repeated
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.schemas import Dialect, response_fields
from crmcom_kit.schemas.files import read_json


@dataclass(frozen=True, slots=True)
class Selection:
    """The fields to carry; for a dotted name the members of that field alone."""

    whole: frozenset[str]
    members: tuple[tuple[str, frozenset[str]], ...]

    def of(self, body: bytes) -> bytes:
        """Return the record ``body`` cut down to the selected fields, in its own order."""
        cut = _cut_once if len(body) <= _SHORT else _cut
        return cut(body, self.whole, self.members)


def _cut(
    body: bytes, whole: frozenset[str], members: tuple[tuple[str, frozenset[str]], ...]
) -> bytes:
    chosen: dict[str, Any] = {}
    parts = dict(members)
    for name, value in orjson.loads(body).items():
        if name in whole:
            chosen[name] = value
        elif name in parts and isinstance(value, dict):
            inner = parts[name]
            chosen[name] = {key: part for key, part in value.items() if key in inner}
    return orjson.dumps(chosen)


#: Clients ask for the same fields of the same webhook requests over and over; so records up to this
#: length are kept with what was cut from them, 16 MB at most.
_SHORT = 4 * 1024
_cut_once = lru_cache(maxsize=2048)(_cut)


def _inner_names(field: str) -> frozenset[str]:
    """Every member that the object in ``field`` may have."""
    if field not in ("webhook_definition", "workflow_rule", "log_information"):
        return frozenset()
    schema = read_json(f"objects/{field}.json")
    return frozenset(schema.get("properties") or schema["$defs"]["members"]["properties"])


def read_selection(value: object, dialect: Dialect, *, from_body: bool) -> Selection | None:
    """Read the value of fields_set; None selects every field.

    Source: webhook_requests/show R9.0.0, "A list of fields that should be included in the
    results". Everything else about it is a dial (``fields_set.*``).

    Raises:
        WrongType: neither a text nor, in a body, a list of texts.
        BadFieldsSet: a name that is no field, where the dialect refuses it.
    """
    if isinstance(value, list) and from_body and dialect["fields_set.array_in_body"]:
        wrong = [json_type(name) for name in value if not isinstance(name, str)]
        if wrong:
            raise WrongType("fields_set", seen=f"{wrong[0]} in the array", allowed="a string there")
        names = list(value)
    elif isinstance(value, str):
        names = value.split(",") if value.strip() else []
    else:
        allowed = "a string: field names with commas between them"
        raise WrongType("fields_set", seen=json_type(value), allowed=allowed)
    if dialect["fields_set.spaces"] == "strip":
        names = [name.strip(" ") for name in names]
    if not names:
        if dialect["fields_set.empty"] == "error":
            raise BadFieldsSet("fields_set", seen='""', allowed=_allowed())
        return None
    return _select(names, dialect)


def _select(names: list[str], dialect: Dialect) -> Selection:
    twice = repeated(names) if dialect["fields_set.duplicates"] == "error" else ()
    if twice:
        seen = f"{quoted(min(twice))} more than once"
        raise BadFieldsSet("fields_set", seen=seen, allowed="each field once")
    whole: set[str] = {"id"} if dialect["fields_set.always_id"] else set()
    members: dict[str, set[str]] = {}
    fields = frozenset(response_fields())
    for name in names:
        if name in fields:
            whole.add(name)
            continue
        field, dot, inner = name.partition(".")
        if dot and dialect["fields_set.nested"] == "select" and inner in _inner_names(field):
            members.setdefault(field, set()).add(inner)
        elif dialect["fields_set.unknown_name"] == "error":
            raise BadFieldsSet("fields_set", seen=quoted(name), allowed=_allowed())
    return Selection(
        frozenset(whole), tuple((field, frozenset(inner)) for field, inner in members.items())
    )


def _allowed() -> str:
    return f"some of {', '.join(response_fields())}"
