"""Check one webhook request: the type and value of every field.

The schemas say most of it. An error of a schema belongs to the statement about its field. The rest
is what a schema cannot say.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.belief.knowledge import (
    DATES,
    OBJECTS,
    USERS,
    members,
    units,
    units_of_others,
)
from crmcom_kit.contract_tests.belief.moments import moment
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.oracle.suspicions import Flaw
from crmcom_kit.schemas.loader import compiled, validator
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS, REFERENCE_KINDS, response_fields
from crmcom_kit.schemas.releases import Release

_SCHEMA = "webhook_request_selection"
_LOG = "response.log_information"
_ENUMERATED = {
    "life_cycle_state": "response.life_cycle_state.values",
    "entity": "response.entity.supported_values",
}


def problems(record: Mapping[str, Any], release: Release) -> list[Flaw]:
    """Return what is wrong with the fields of a record, once for each statement."""
    flaws: dict[str, Flaw] = {}
    for flaw in (*_by_schema(record, release), *_beyond(record, release)):
        flaws.setdefault(flaw.statement, flaw)
    for field in ("error_code", "error_description"):  # a value of a wrong type says nothing else
        if f"response.{field}" in flaws:
            flaws.pop(f"response.{field}.only_rejected", None)
    return list(flaws.values())


def statements_about(record: Mapping[str, Any], release: Release) -> Iterator[str]:
    """Yield every statement about the fields of a record, whether it is kept or not."""
    for field in response_fields():
        if field in record:
            yield f"response.{field}"
    for field, statement in _ENUMERATED.items():
        if field in record:
            yield statement
    if "life_cycle_state" in record:
        for field in ("error_code", "error_description"):
            yield f"response.{field}.only_rejected"
    for field in REFERENCE_KINDS:
        if isinstance(record.get(field), dict):
            yield f"response.{field}.identifier_fields"
    log = record.get("log_information")
    if isinstance(log, dict):
        yield from _statements_about_log(log, release)


def _statements_about_log(log: Mapping[str, Any], release: Release) -> Iterator[str]:
    dates = _dates(log)
    if dates:
        yield f"{_LOG}.date_form"
    if len(dates) == 2:
        yield from (f"{_LOG}.dates", f"{_LOG}.dates_in_order")
    for names in (USERS, units(release.name)):
        if all(name in log for name in names):
            yield statement_of(release, "log_information", names[0])
        if any(isinstance(log.get(name), dict) for name in names):
            yield statement_of(release, "log_information", names[0], "id")


def statement_of(release: Release, field: str, name: str = "", inside: str = "") -> str:
    """Return the statement about a field of a webhook request, or about a member inside it."""
    if field in REFERENCE_KINDS and name:
        return f"response.{field}.identifier_fields"
    kinds = {"dates": DATES, "users": USERS, "units": units(release.name)}
    kind = next((kind for kind, names in kinds.items() if name in names), None)
    if field != "log_information" or kind is None:
        return f"response.{field}"
    if inside:
        return f"{_LOG}.{kind.removesuffix('s')}_members"
    return f"{_LOG}.{'business_units' if name.endswith('business_unit') else kind}"


def _by_schema(record: Mapping[str, Any], release: Release) -> Iterator[Flaw]:
    """Yield what the schema of a webhook request finds wrong."""
    if _certainly_fits(record, release):
        return
    for error in validator(_SCHEMA, "core", release.name).iter_errors(record):
        leaf = _deepest(error)
        path = [str(step) for step in leaf.absolute_path]
        if leaf.validator == "format" and moment(leaf.instance):
            continue  # with a zone, which no page rules out
        if path == ["workflow_rule"] and leaf.instance is None:
            continue  # whether there is always a rule is open
        if path == ["entity"] and leaf.instance in release.disputed_entities:
            continue
        if path[0] in REFERENCE_KINDS and len(path) > 1 and path[1] not in IDENTIFIER_FIELDS:
            continue
        expected = f"{'.'.join(path)}: {_wanted(leaf)}"
        seen = shortened(repr(leaf.instance), 80)
        yield Flaw(_statement(path, leaf, release), expected, seen)


def _certainly_fits(record: Mapping[str, Any], release: Release) -> bool:
    """Whether the compiled schema accepts a record; False also if it cannot read a value."""
    try:
        return bool(compiled(_SCHEMA, "core", release.name).is_valid(record))
    except (ValueError, TypeError, OverflowError):  # a lone surrogate, a number too large
        return False


def _deepest(error: Any) -> Any:
    """Return the deepest cause of an error: other causes only say that null is allowed."""
    if not error.context:
        return error
    causes = map(_deepest, error.context)
    return max(causes, key=lambda cause: (len(cause.absolute_path), cause.validator != "type"))


def _statement(path: list[str], error: Any, release: Release) -> str:
    if path[0] in _ENUMERATED and error.validator == "enum" and isinstance(error.instance, str):
        return _ENUMERATED[path[0]]
    if "then" in error.absolute_schema_path:
        return f"response.{path[0]}.only_rejected"
    if path[-1] in DATES:
        return f"{_LOG}.date_form"
    inside = error.validator_value if error.validator == "required" else []
    return statement_of(release, *[*path, *inside][:3])


def _wanted(error: Any) -> str:
    if error.validator == "format":
        return "yyyy-MM-ddTHH:mm:ss"
    value = error.validator_value
    text = ", ".join(map(str, value)) if isinstance(value, list) else value
    return f"{error.validator} {text}"


def _dates(log: Any) -> list[Any]:
    members = log if isinstance(log, dict) else {}
    return [members[name] for name in DATES if members.get(name) is not None]


def _beyond(record: Mapping[str, Any], release: Release) -> Iterator[Flaw]:
    """Yield what a schema cannot find: order of dates, identifier fields, names of a release."""
    log = record.get("log_information")
    dates = _dates(log)
    begun, ended = map(moment, dates) if len(dates) == 2 else (None, None)
    if begun and ended and ended.is_before(begun):
        expected = f"an updated_date of {dates[0]} or later"
        yield Flaw(f"{_LOG}.dates_in_order", expected, dates[1])
    for path, value, documented in _objects(record, release):
        place = ".".join(path)
        if place in REFERENCE_KINDS and not any(value.get(name) for name in IDENTIFIER_FIELDS):
            expected = f"{place} with {', '.join(IDENTIFIER_FIELDS[:2])} or {IDENTIFIER_FIELDS[2]}"
            yield Flaw(statement_of(release, place, "id"), expected, _only(value))
        for name in ("username", "name"):  # in the short form of a user or unit, too
            if len(path) == 2 and name in documented and name not in value:
                statement = statement_of(release, *[*path, name])
                yield Flaw(statement, f"{place} with {name}", _only(value))
    log_members = log if isinstance(log, dict) else {}
    for name, other_name in zip(units(release.name), units_of_others(release.name), strict=True):
        if other_name in log_members and name not in log_members:
            yield Flaw(statement_of(release, "log_information", name), name, other_name)


def _objects(
    record: Mapping[str, Any], release: Release
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], tuple[str, ...]]]:
    """Yield each object in a record: its path, the object, and the members it may have."""
    yield (), record, response_fields()
    for field in OBJECTS:
        value = record.get(field)
        if not isinstance(value, dict):
            continue
        yield (field,), value, members(field, release.name)
        for name in (*USERS, *units(release.name)) if field == "log_information" else ():
            if isinstance(value.get(name), dict):
                documented = members("user" if name in USERS else "unit", release.name)
                yield (field, name), value[name], documented


def _only(members: Mapping[str, Any]) -> str:
    return shortened(f"only {', '.join(members)}") if members else "an empty object"
