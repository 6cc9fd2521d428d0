"""The dials that whole webhook requests show, all of them together: how new ones are written.

A dial is decided only if what was seen leaves one value.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from crmcom_kit.contract_tests.belief.knowledge import DATES, USERS, units
from crmcom_kit.schemas.dialect import delivery_outcomes, dials
from crmcom_kit.schemas.files import read_json
from crmcom_kit.schemas.methods import response_fields
from crmcom_kit.schemas.releases import Release

Records = Sequence[Mapping[str, Any]]


def record_forms(found: Iterable[Mapping[str, Any]], release: Release) -> Iterator[tuple[str, Any]]:
    """Yield the dials that whole webhook requests show, with their values."""
    records = [each for each in found if isinstance(each.get("log_information"), dict)]
    deciders: tuple[tuple[str, Callable[[Records, Release], Any]], ...] = (
        ("envelope.key_order", _key_order),
        ("record.exchange_form", _exchange_form),
        ("record.code_on_internal_failure", _code_on_internal_failure),
        ("record.no_fields_set", _no_fields_set),
        ("record.not_effective", _not_effective),
        ("record.unset_dates", _unset_dates),
        ("record.emptied_names", _emptied_names),
        ("record.unit_form", _unit_form),
        ("record.user_form", _user_form),
        ("delivery.description_limit", _description_limit),
    )
    for dial, decide in deciders:
        value = decide(records, release)
        if value is not None:
            yield dial, value
    for dial, field in (("definition", "webhook_definition"), ("rule", "workflow_rule")):
        seen = {name for record in records for name in _object(record, field)}
        known = [name for name in dials()[f"record.{dial}_members"].choices if name in seen]
        if known:
            yield f"record.{dial}_members", known


def _blank(value: Any) -> str | None:
    return "null" if value is None else "empty" if value == "" else None


def _only(found: Collection[str | None]) -> str | None:
    """Return the one thing that was found; None if there are none or several."""
    return next(iter(found)) if len(found) == 1 else None


def _object(record: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = record.get(field)
    return value if isinstance(value, dict) else {}


def _inside_log(records: Records, names: Sequence[str]) -> list[Mapping[str, Any]]:
    logs = [_object(record, "log_information") for record in records]
    return [log[name] for log in logs for name in names if isinstance(log.get(name), dict)]


def _key_order(records: Records, _release: Release) -> str | None:
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


def _exchange_form(records: Records, _release: Release) -> str | None:
    forms = {_form(record["request"]) for record in records if "request" in record}
    return _only(forms - {"null"} or forms)  # null: nothing was sent for some


def _form(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return "null" if value is None else "object"
    try:
        return "text" if isinstance(json.loads(value), dict) else "reference"
    except (TypeError, ValueError, RecursionError):
        return "reference"


def _code_on_internal_failure(records: Records, _release: Release) -> str | None:
    internal = delivery_outcomes()["internal"]["error_code"]
    codes = [
        record.get("authentication_code")
        for record in records
        if record.get("error_code") == internal
    ]
    if not codes:
        return None
    return "null" if all(code is None for code in codes) else "code"


def _no_fields_set(records: Records, _release: Release) -> str | None:
    found = {_blank(record["fields_set"]) for record in records if "fields_set" in record}
    return _only(found - {None})


def _not_effective(records: Records, _release: Release) -> str | None:
    states = [
        _object(record, field).get("life_cycle_state")
        for record in records
        for field in ("webhook_definition", "workflow_rule")
    ]
    return _only([each for each in dials()["record.not_effective"].choices if each in states])


def _unset_dates(records: Records, _release: Release) -> str | None:
    logs = [_object(record, "log_information") for record in records]
    null = any(name in log and log[name] is None for log in logs for name in DATES)
    absent = any(name not in log for log in logs for name in DATES)
    return None if null == absent else "null" if null else "absent"


def _emptied_names(records: Records, release: Release) -> str | None:
    if not release.at_least("R14.1.0"):
        return None
    users = _inside_log(records, USERS)
    forms = {_blank(user["person_name"]) if "person_name" in user else "absent" for user in users}
    return "keep" if None in forms else _only(forms)


def _unit_form(records: Records, release: Release) -> str | None:
    found = _inside_log(records, units(release.name))
    if any("group_name" in unit or "community_name" in unit for unit in found):
        return "long"
    hidden = _emptied_names(records, release) == "absent"  # then the long form lacks them, too
    return "short" if found and not hidden else None


def _user_form(records: Records, release: Release) -> str | None:
    found = _inside_log(records, USERS)
    if any("email" in user for user in found):
        return "long"
    hidden = _emptied_names(records, release) == "absent"
    return "short" if found and not hidden else None


def _description_limit(records: Records, _release: Release) -> int | None:
    """Return the length at which several descriptions end that have nothing else in common."""
    described = (record.get("error_description") for record in records)
    lengths = sorted(map(len, {text for text in described if isinstance(text, str)}))
    longest = lengths[-3:]
    return longest[0] if len(longest) == 3 and len(set(longest)) == 1 and longest[0] > 63 else None
