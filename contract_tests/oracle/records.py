"""Check one webhook request: the type and value of every field, by the schemas.

What a schema says is not said again here; an error of the schema is put to the statement that
tells of its field. The rest is what a schema cannot say.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from crmcom_kit.contract_tests.belief.knowledge import (
    DATES,
    IDENTIFIER_FIELDS,
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
from crmcom_kit.schemas.methods import response_fields
from crmcom_kit.schemas.releases import Release

_SCHEMA = "webhook_request_selection"
_LOG = "response.log_information"
_REFERENCES = ("webhook_definition", "workflow_rule")
_ENUMERATED = {
    "life_cycle_state": "response.life_cycle_state.values",
    "entity": "response.entity.supported_values",
}


def problems(record: Mapping[str, Any], release: Release) -> list[Flaw]:
    """Return what is wrong with the fields that a record has, each statement once."""
    found: dict[str, Flaw] = {}
    for problem in (*_by_schema(record, release), *_beyond(record, release)):
        found.setdefault(problem.statement, problem)
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
    for field in _REFERENCES:
        if isinstance(record.get(field), dict):
            yield f"response.{field}.identifier_fields"
    log = record.get("log_information")
    if isinstance(log, dict):
        yield from _promises_of_log(log, release)


def _promises_of_log(log: Mapping[str, Any], release: Release) -> Iterator[str]:
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
    """Return the statement that says that a webhook request has a field, or a member inside."""
    if field in _REFERENCES and name:
        return f"response.{field}.identifier_fields"
    kinds = {"dates": DATES, "users": USERS, "units": units(release.name)}
    kind = next((kind for kind, names in kinds.items() if name in names), None)
    if field != "log_information" or kind is None:
        return f"response.{field}"
    if inside:
        return f"{_LOG}.{kind.removesuffix('s')}_members"
    return f"{_LOG}.{'business_units' if name.endswith('business_unit') else kind}"


def _by_schema(record: Mapping[str, Any], release: Release) -> Iterator[Flaw]:
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
        if path[0] in _REFERENCES and len(path) > 1 and path[1] not in IDENTIFIER_FIELDS:
            continue
        expected = f"{'.'.join(path)}: {_wanted(leaf)}"
        seen = shortened(repr(leaf.instance), 80)
        yield Flaw(_statement(path, leaf, release), expected, seen)


def _surely_fits(record: Mapping[str, Any], release: Release) -> bool:
    """Whether a record needs no slower look; the quick one refuses to read some values at all."""
    try:
        return bool(compiled(_SCHEMA, "core", release.name).is_valid(record))
    except (ValueError, TypeError, OverflowError):  # half a character, a number too large
        return False


def _deepest(error: Any) -> Any:
    """Return the cause of an error that lies deepest: the others are the null that it might be."""
    if not error.context:
        return error
    causes = map(_deepest, error.context)
    return max(causes, key=lambda each: (len(each.absolute_path), each.validator != "type"))


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
    found = log if isinstance(log, dict) else {}
    return [found[name] for name in DATES if found.get(name) is not None]


def _beyond(record: Mapping[str, Any], release: Release) -> Iterator[Flaw]:
    """Yield what no schema says: order of dates, identifier fields, names of the release."""
    log = record.get("log_information")
    dates = _dates(log)
    begun, ended = map(moment, dates) if len(dates) == 2 else (None, None)
    if begun and ended and ended.is_before(begun):
        expected = f"an updated_date of {dates[0]} or later"
        yield Flaw(f"{_LOG}.dates_in_order", expected, dates[1])
    for path, found, known in _objects(record, release):
        home = ".".join(path)
        if home in _REFERENCES and not any(found.get(name) for name in IDENTIFIER_FIELDS):
            expected = f"{home} with {', '.join(IDENTIFIER_FIELDS[:2])} or {IDENTIFIER_FIELDS[2]}"
            yield Flaw(statement_of(release, home, "id"), expected, _only(found))
        for name in ("username", "name"):  # which the short form of a user or unit has, too
            if len(path) == 2 and name in known and name not in found:
                statement = statement_of(release, *[*path, name])
                yield Flaw(statement, f"{home} with {name}", _only(found))
    found = log if isinstance(log, dict) else {}
    for name, other in zip(units(release.name), units_of_others(release.name), strict=True):
        if other in found and name not in found:
            yield Flaw(statement_of(release, "log_information", name), name, other)


def _objects(
    record: Mapping[str, Any], release: Release
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], tuple[str, ...]]]:
    """Yield each object in a record: where it is, the object, and the members it may have."""
    yield (), record, response_fields()
    for field in OBJECTS:
        found = record.get(field)
        if not isinstance(found, dict):
            continue
        yield (field,), found, members(field, release.name)
        for name in (*USERS, *units(release.name)) if field == "log_information" else ():
            if isinstance(found.get(name), dict):
                known = members("user" if name in USERS else "unit", release.name)
                yield (field, name), found[name], known


def _only(found: Mapping[str, Any]) -> str:
    return shortened(f"only {', '.join(found)}") if found else "an empty object"
