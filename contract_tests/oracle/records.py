"""Check one webhook request: the type and value of every field, by the schemas.

What a schema says is not said again here; an error of the schema is put to the statement that
tells of its field. The rest is what a schema cannot say.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crmcom_kit.contract_tests.belief.knowledge import (
    DATES,
    IDENTIFIERS,
    USERS,
    alike,
    strangers,
    units,
)
from crmcom_kit.contract_tests.belief.moments import moment
from crmcom_kit.contract_tests.findings import shortened
from crmcom_kit.schemas.loader import quick_validator, validator
from crmcom_kit.schemas.methods import response_fields
from crmcom_kit.schemas.releases import Release

Problem = tuple[str, str, str]  # statement, expected, seen
_SCHEMA = "webhook_request_selection"
_LOG = "response.log_information"
_ENUMERATED = {
    "life_cycle_state": "response.life_cycle_state.values",
    "entity": "response.entity.supported_values",
}


def problems(record: Mapping[str, Any], release: Release) -> list[Problem]:
    """Return what is wrong with the fields that a record has, each statement once."""
    found: dict[str, Problem] = {}
    for problem in (*_by_schema(record, release), *_beyond(record, release)):
        found.setdefault(problem[0], problem)
    for type_of in ("error_code", "error_description"):  # a value of no right type says no more
        if f"response.{type_of}" in found:
            found.pop(f"response.{type_of}.only_rejected", None)
    return list(found.values())


def promises(record: Mapping[str, Any], release: Release) -> Iterator[str]:
    """Yield every statement that the fields of a record tell of, whether kept or not."""
    for field in response_fields():
        if field in record:
            yield f"response.{field}"
    for field, statement in _ENUMERATED.items():
        if field in record:
            yield statement
    if "life_cycle_state" in record:
        for field in ("error_code", "error_description"):
            yield f"response.{field}.only_rejected"
    for field in ("webhook_definition", "workflow_rule"):
        if isinstance(record.get(field), dict):
            yield f"response.{field}.identifier_fields"
    log = record.get("log_information")
    if isinstance(log, dict):
        yield from _promises_of_log(log, release)


def _promises_of_log(log: Mapping[str, Any], release: Release) -> Iterator[str]:
    dates = [log[name] for name in DATES if log.get(name) is not None]
    if dates:
        yield f"{_LOG}.date_form"
    if len(dates) == 2:
        yield from (f"{_LOG}.dates", f"{_LOG}.dates_in_order")
    for names, whole, part in (
        (USERS, "users", "user_members"),
        (units(release.name), _units_statement(release), "unit_members"),
    ):
        if all(name in log for name in names):
            yield f"{_LOG}.{whole}"
        if any(isinstance(log.get(name), dict) for name in names):
            yield f"{_LOG}.{part}"


def _units_statement(release: Release) -> str:
    return "business_units" if "created_by_business_unit" in units(release.name) else "units"


def _by_schema(record: Mapping[str, Any], release: Release) -> Iterator[Problem]:
    """Yield what the schema of a webhook request finds wrong, by statement."""
    if _surely_fits(record, release):
        return
    for error in validator(_SCHEMA, "core", release.name).iter_errors(record):
        leaf = _deepest(error)
        path = [str(step) for step in leaf.absolute_path]
        if leaf.validator == "format" and moment(leaf.instance):
            continue  # with a zone, which no page rules out
        if path == ["workflow_rule"] and leaf.instance is None:
            continue  # a value that is not set is null; whether there is always a rule is open
        if path == ["entity"] and leaf.instance in release.disputed_entities:
            continue
        statement = _statement(path, leaf, release)
        if statement:
            yield statement, f"{'.'.join(path)}: {_wanted(leaf)}", _quoted(leaf.instance)


def _surely_fits(record: Mapping[str, Any], release: Release) -> bool:
    """Whether a record needs no slower look; the quick one refuses to read some values at all."""
    try:
        return quick_validator(_SCHEMA, "core", release.name)(record)
    except (ValueError, TypeError, OverflowError):  # half a character, a number too large
        return False


def _deepest(error: Any) -> Any:
    """Return the cause of an error that lies deepest: the others are the null that it might be."""
    if not error.context:
        return error
    causes = map(_deepest, error.context)
    return max(causes, key=lambda each: (len(each.absolute_path), each.validator != "type"))


def _statement(path: Sequence[str], error: Any, release: Release) -> str | None:
    field, deeper = path[0] if path else "", path[1:]
    if field == "log_information" and deeper:
        return _log_statement(deeper, error, release)
    if field in ("webhook_definition", "workflow_rule") and deeper:
        return f"response.{field}.identifier_fields" if deeper[0] in IDENTIFIERS else None
    if field in _ENUMERATED and error.validator == "enum" and isinstance(error.instance, str):
        return _ENUMERATED[field]
    if "then" in error.absolute_schema_path:
        return f"response.{field}.only_rejected"
    return f"response.{field}" if field in response_fields() else None


def _log_statement(deeper: Sequence[str], error: Any, release: Release) -> str | None:
    name, inside = deeper[0], len(deeper) > 1 or error.validator == "required"
    if name in DATES:
        return f"{_LOG}.date_form"
    if name in USERS:
        return f"{_LOG}.{'user_members' if inside else 'users'}"
    if name in units(release.name):
        return f"{_LOG}.{'unit_members' if inside else _units_statement(release)}"
    return None


def _wanted(error: Any) -> str:
    if error.validator == "format":
        return "yyyy-MM-ddTHH:mm:ss"
    value = error.validator_value
    text = ", ".join(map(str, value)) if isinstance(value, list) else value
    return f"{error.validator} {text}"


def _quoted(value: Any) -> str:
    return shortened(repr(value), 80)


def _dates(record: Mapping[str, Any]) -> list[Any]:
    log = record.get("log_information")
    if not isinstance(log, dict):
        return []
    return [log[name] for name in DATES if log.get(name) is not None]


def _beyond(record: Mapping[str, Any], release: Release) -> Iterator[Problem]:
    """Yield what no schema says: order of dates, identifier fields, members under other names."""
    dates = _dates(record)
    begun, ended = map(moment, dates) if len(dates) == 2 else (None, None)
    if begun and ended and ended.is_before(begun):
        expected = f"an updated_date of {dates[0]} or later"
        yield f"{_LOG}.dates_in_order", expected, dates[1]
    for field in ("webhook_definition", "workflow_rule"):
        value = record.get(field)
        if isinstance(value, dict) and not any(value.get(name) for name in IDENTIFIERS):
            expected = f"{field} with {', '.join(IDENTIFIERS[:2])} or {IDENTIFIERS[2]}"
            yield f"response.{field}.identifier_fields", expected, _only(value)
    for home, unknown, missing in strangers(record, release.name):
        if home.startswith("log_information."):
            yield from _incomplete(home, record["log_information"][home.split(".")[1]], missing)
        for name in missing if unknown else ():
            other = alike(unknown, name)
            if other is not None:
                at = f"{home}.{name}".lstrip(".")
                yield _renamed(home, name, release), at, f"{home}.{other}".lstrip(".")


def _only(found: Mapping[str, Any]) -> str:
    return shortened(f"only {', '.join(found)}") if found else "an empty object"


def _incomplete(home: str, value: Mapping[str, Any], missing: Sequence[str]) -> Iterator[Problem]:
    """Yield what a user or unit lacks of the members that its short form, too, has."""
    kind, name = ("user", "username") if home.endswith("user") else ("unit", "name")
    if name in missing:
        yield f"{_LOG}.{kind}_members", f"{home} with {name}", _only(value)


def _renamed(home: str, name: str, release: Release) -> str:
    """Return the statement that a member under another name breaks."""
    if not home:
        return f"response.{name}"
    if home == "log_information":
        if name in DATES:
            return f"{_LOG}.dates"
        return f"{_LOG}.{'users' if name in USERS else _units_statement(release)}"
    if home.startswith("log_information"):
        return f"{_LOG}.{'user' if home.endswith('user') else 'unit'}_members"
    return f"response.{home}.identifier_fields"
