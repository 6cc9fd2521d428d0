"""The dials for the form of new webhook requests, as all webhook requests of a server show them.

A dial is left out unless exactly one value fits.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crmcom_kit.contract_tests.belief.knowledge import DATES, USERS, units
from crmcom_kit.schemas.dialect import dials
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.methods import response_fields
from crmcom_kit.schemas.releases import Release

Objects = Sequence[Mapping[str, Any]]


def record_forms(objects: Iterable[Mapping[str, Any]], release: Release) -> dict[str, Any]:
    """Return the dials that whole webhook requests show, with their values."""
    records = [record for record in objects if isinstance(record.get("log_information"), dict)]
    logs = [record["log_information"] for record in records]
    sent_records = [record for record in records if record.get("life_cycle_state") == "SUCCESSFUL"]
    definitions, rules = (_inside(records, (n,)) for n in ("webhook_definition", "workflow_rule"))
    states = [reference.get("life_cycle_state") for reference in (*definitions, *rules)]
    fields_sets = [record["fields_set"] for record in records if not record.get("fields_set", "x")]
    exchange_forms = {_form(record["request"]) for record in records if "request" in record}
    forms = {
        "envelope.key_order": _only(_key_orders(records)),
        # null: nothing was sent for some
        "record.exchange_form": _only(exchange_forms - {"null"} or exchange_forms),
        "record.no_fields_set": _only("null" if f is None else "empty" for f in fields_sets),
        "record.not_effective": _only(
            state for state in dials()["record.not_effective"].choices if state in states
        ),
        "record.unset_dates": _unset(logs, DATES),
        "record.unset_members": _unset(sent_records, ("error_code",)),  # they have no error
        "record.unit_form": _length(_inside(logs, units(release.name)), "group_name"),
        "record.user_form": _length(_inside(logs, USERS), "email"),
        "record.definition_members": _members("record.definition_members", definitions),
        "record.rule_members": _members("record.rule_members", rules),
    }
    return {dial: value for dial, value in forms.items() if value is not None}


def _inside(objects: Objects, names: Sequence[str]) -> Objects:
    """Return the objects in members of these names."""
    inner = (inner_object.get(name) for inner_object in objects for name in names)
    return [inner_object for inner_object in inner if isinstance(inner_object, dict)]


def _only(values: Iterable[str]) -> str | None:
    """Return the only value; None if there are none or several."""
    unique_values = {*values}
    return unique_values.pop() if len(unique_values) == 1 else None


def _members(dial: str, objects: Objects) -> list[str] | None:
    """Return the members that objects have, of those that the dial knows."""
    names = {name for fields in objects for name in fields}
    return [name for name in dials()[dial].choices if name in names] or None


def _key_orders(records: Objects) -> list[str]:
    """Return the names of the orders in which all webhook requests have their members."""
    tables = read_json("data/key_orders.json")
    orders = {name: tables[name]["webhook_request"] for name in ("older", "newer")}
    orders["documented"] = list(response_fields())
    return [
        name for name, order in orders.items()
        if records and all(_has_order(record, order) for record in records)
    ]  # fmt: skip


def _has_order(record: Mapping[str, Any], order: Sequence[str]) -> bool:
    """Return whether the members of a record that an order names are in this order."""
    members = [member for member in record if member in order]
    return members == [member for member in order if member in record]


def _form(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return "null" if value is None else "object"
    try:
        return "text" if isinstance(json.loads(value), dict) else "reference"
    except (TypeError, ValueError, RecursionError):
        return "reference"


def _unset(objects: Objects, names: Sequence[str]) -> str | None:
    """Return how objects show members without a value."""
    values = [fields.get(name, "absent") for fields in objects for name in names]
    return _only(
        "null" if value is None else "absent" for value in values if value in (None, "absent")
    )


def _length(objects: Objects, long_member: str) -> str | None:
    """Return which form of units or users was seen."""
    if any(long_member in fields for fields in objects):
        return "long"
    return "short" if objects else None
