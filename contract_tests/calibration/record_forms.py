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


def record_forms(shown: Iterable[Mapping[str, Any]], release: Release) -> dict[str, Any]:
    """Return the dials that whole webhook requests show, with their values."""
    records = [record for record in shown if isinstance(record.get("log_information"), dict)]
    logs = [record["log_information"] for record in records]
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


def _inside(objects: Objects, names: Sequence[str]) -> Objects:
    """Return the objects in members of these names."""
    inner = (inner_object.get(name) for inner_object in objects for name in names)
    return [inner_object for inner_object in inner if isinstance(inner_object, dict)]


def _only(values: Collection[str]) -> str | None:
    """Return the only value; None if there are none or several."""
    return next(iter(values)) if len(values) == 1 else None


def _no_fields_set(records: Objects) -> str | None:
    values = [record["fields_set"] for record in records if "fields_set" in record]
    return _only({"null" if value is None else "empty" for value in values if not value})


def _members(dial: str, objects: Objects) -> list[str] | None:
    """Return the members that objects have, of those that the dial knows."""
    seen = {name for shown in objects for name in shown}
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


def _not_effective(objects: Objects) -> str | None:
    states = [shown.get("life_cycle_state") for shown in objects]
    return _only([state for state in dials()["record.not_effective"].choices if state in states])


def _unset_dates(logs: Objects) -> str | None:
    null = any(name in log and log[name] is None for log in logs for name in DATES)
    absent = any(name not in log for log in logs for name in DATES)
    return None if null == absent else "null" if null else "absent"


def _unset_members(records: Objects) -> str | None:
    """Return how a success has the members of an error, which it cannot have."""
    sent = [record for record in records if record.get("life_cycle_state") == "SUCCESSFUL"]
    null = any("error_code" in record and record["error_code"] is None for record in sent)
    absent = any("error_code" not in record for record in sent)
    return None if null == absent else "null" if null else "absent"


def _length(objects: Objects, long_has: str) -> str | None:
    """Return which form of units or users was seen."""
    if any(long_has in shown for shown in objects):
        return "long"
    return "short" if objects else None
