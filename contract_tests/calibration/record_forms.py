"""The dials that whole webhook requests show, all of them together: how new ones are written.

A dial is decided only if what was seen leaves one value.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from crmcom_kit.contract_tests.belief.knowledge import DATES, USERS, units
from crmcom_kit.schemas.dialect import dials
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.methods import response_fields
from crmcom_kit.schemas.releases import Release

Objects = Sequence[Mapping[str, Any]]


def record_forms(found: Iterable[Mapping[str, Any]], release: Release) -> dict[str, Any]:
    """Return the dials that whole webhook requests show, with their values."""
    records = [each for each in found if isinstance(each.get("log_information"), dict)]
    logs = [each["log_information"] for each in records]
    definitions, rules = (_inside(records, (n,)) for n in ("webhook_definition", "workflow_rule"))
    users = _inside(logs, USERS)
    forms = {
        "envelope.key_order": _key_order(records),
        "record.exchange_form": _exchange_form(records),
        "record.no_fields_set": _no_fields_set(records),
        "record.not_effective": _not_effective((*definitions, *rules)),
        "record.unset_dates": _unset_dates(logs),
        "record.unset_members": _unset_members(records),
        "record.unit_form": _length(_inside(logs, units(release.name)), "group_name"),
        "record.user_form": _length(users, "email"),
        "record.definition_members": _members("record.definition_members", definitions),
        "record.rule_members": _members("record.rule_members", rules),
    }
    return {dial: value for dial, value in forms.items() if value is not None}


def _inside(found: Objects, names: Sequence[str]) -> Objects:
    """Return the objects in members of these names."""
    inner = (each.get(name) for each in found for name in names)
    return [each for each in inner if isinstance(each, dict)]


def _only(found: Collection[str]) -> str | None:
    """Return the one thing that was found; None if there are none or several."""
    return next(iter(found)) if len(found) == 1 else None


def _no_fields_set(records: Objects) -> str | None:
    values = [each["fields_set"] for each in records if "fields_set" in each]
    return _only({"null" if value is None else "empty" for value in values if not value})


def _members(dial: str, found: Objects) -> list[str] | None:
    """Return the members that objects have, of those that the dial knows."""
    seen = {name for each in found for name in each}
    return [name for name in dials()[dial].choices if name in seen] or None


def _key_order(records: Objects) -> str | None:
    orders = read_json("data/key_orders.json")
    known = {name: orders[name]["webhook_request"] for name in ("older", "newer")}
    known["documented"] = list(response_fields())
    fitting = [
        name
        for name, order in known.items()
        if records and all(_in_order(record, order) for record in records)
    ]
    return _only(fitting)


def _in_order(record: Mapping[str, Any], order: Sequence[str]) -> bool:
    fields = [name for name in record if name in order]
    return fields == [name for name in order if name in record]


def _exchange_form(records: Objects) -> str | None:
    forms = {_form(record["request"]) for record in records if "request" in record}
    return _only(forms - {"null"} or forms)  # null: nothing was sent for some


def _form(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return "null" if value is None else "object"
    try:
        return "text" if isinstance(json.loads(value), dict) else "reference"
    except (TypeError, ValueError, RecursionError):
        return "reference"


def _not_effective(found: Objects) -> str | None:
    states = [each.get("life_cycle_state") for each in found]
    return _only([each for each in dials()["record.not_effective"].choices if each in states])


def _unset_dates(logs: Objects) -> str | None:
    null = any(name in log and log[name] is None for log in logs for name in DATES)
    absent = any(name not in log for log in logs for name in DATES)
    return None if null == absent else "null" if null else "absent"


def _unset_members(records: Objects) -> str | None:
    """Return how a success has the members of an error, which it cannot have."""
    sent = [each for each in records if each.get("life_cycle_state") == "SUCCESSFUL"]
    null = any("error_code" in each and each["error_code"] is None for each in sent)
    absent = any("error_code" not in each for each in sent)
    return None if null == absent else "null" if null else "absent"


def _length(found: Objects, long_has: str) -> str | None:
    """Return which form of units or users was seen."""
    if any(long_has in each for each in found):
        return "long"
    return "short" if found else None
