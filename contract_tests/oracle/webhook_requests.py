"""Check the webhook requests in a response: which fields they have, their values, their names.

The schemas say most of the values. An error of a schema belongs to the statement about its field.
The rest is what a schema cannot say.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from crmcom_kit.contract_tests.belief.belief import Belief
from crmcom_kit.contract_tests.belief.interpretations import Identifier
from crmcom_kit.contract_tests.belief.knowledge import (
    DATES,
    USERS,
    required_fields,
    units,
    units_of_others,
)
from crmcom_kit.contract_tests.belief.moments import moment
from crmcom_kit.contract_tests.belief.records import MAX_NAME, Record
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.wording import shortened
from crmcom_kit.contract_tests.oracle.confirmations import Again
from crmcom_kit.contract_tests.oracle.parsing import FIELDS, RECORD_METHODS, Request
from crmcom_kit.contract_tests.oracle.suspicions import Finding, Flaw, Held, Suspicion, held
from crmcom_kit.schemas.loader import compiled, validator
from crmcom_kit.schemas.methods import IDENTIFIER_FIELDS, REFERENCE_KINDS
from crmcom_kit.schemas.releases import Release

ERROR_FIELDS = ("error_code", "error_description")
_SCHEMA = "webhook_request_selection"
_LOG = "response.log_information"
_ENUMERATED = {
    "life_cycle_state": "response.life_cycle_state.values",
    "entity": "response.entity.supported_values",
}


class ExpectedFields(NamedTuple):
    """Which fields the webhook requests of a response must have."""

    names: frozenset[str]
    statement: str  # that requires them


#: The maximum number of webhook requests, of different JSON, that are not checked again.
MAX_SOUND = 40_000


#: The statements that flawless webhook requests have kept, by a hash of their JSON and of what was
#: asked for: those of the same JSON need no further check.
SoundRecords = dict[int, frozenset[str]]


@lru_cache(maxsize=1024)
def _same(statements: frozenset[str]) -> frozenset[str]:
    """Return one of all equal sets."""
    return statements


def check(
    exchange: Exchange, request: Request, belief: Belief, sound: SoundRecords
) -> Iterator[Finding]:
    """Check the webhook requests of a response of show, list, resend or delete."""
    method = request.name
    if not exchange.ok or method not in (*RECORD_METHODS, "list"):
        return
    if not isinstance(exchange.data, list if method == "list" else dict):
        return
    yield from held("methods.available", "methods.path", "methods.verb", "parameters.place")
    yield from _spelling(request)
    fields = _expected_fields(request)
    all_statements: set[str] = set()
    first_flaws: dict[str, Flaw] = {}  # by statement
    for record, json_hash in zip(exchange.records, exchange.record_hashes, strict=True):
        key = hash((json_hash, fields))
        if (statements := sound.get(key)) is not None:
            all_statements |= statements
            continue
        statements = frozenset(statements_about(record, belief.release))
        all_statements |= statements
        flaws = _problems(record, fields, belief.release)
        for flaw in flaws:
            first_flaws.setdefault(flaw.statement, flaw._replace(record_id=_name(record, "id")))
        if not flaws:
            if len(sound) >= MAX_SOUND:
                sound.clear()
            sound[key] = _same(statements)
    if fields is not None and exchange.records:
        all_statements.add(fields.statement)
    yield from held(*sorted(all_statements - first_flaws.keys()))
    yield from first_flaws.values()
    yield from _one_name_each(exchange, method, belief)


def _expected_fields(request: Request) -> ExpectedFields | None:
    """Return which fields a response must have; None if the documents do not say."""
    if request.method is None or request.is_unreadable or "fields_set" in request.unclear:
        return None
    if request.fields is not None:
        return ExpectedFields(frozenset(request.fields), "fields_set.selects")
    has_parameter = "fields_set" in request.method.parameters
    statement = "fields_set.default_all" if has_parameter else f"{request.name}.returns_record"
    return ExpectedFields(frozenset(FIELDS), statement)


def _problems(record: Record, fields: ExpectedFields | None, release: Release) -> list[Flaw]:
    """Return what is wrong with a webhook request, once for each statement."""
    flaws: dict[str, Flaw] = {}
    for flaw in (*_by_schema(record, release), *_beyond(record, release)):
        flaws.setdefault(flaw.statement, flaw)
    for field in ERROR_FIELDS:  # a value of a wrong type says nothing else
        if f"response.{field}" in flaws:
            flaws.pop(f"response.{field}.only_rejected", None)
    if fields is None:  # an odd fields_set may give fields odd names
        return [flaw for name, flaw in flaws.items() if name.split(".")[1] in record]
    fields_flaw = _fields_flaw(record, fields, release)
    return [*flaws.values(), *([] if fields_flaw is None else [fields_flaw])]


def _one_name_each(exchange: Exchange, method: str, belief: Belief) -> Iterator[Finding]:
    """Check that no two webhook requests share an id or a number."""
    numbers, ids = defaultdict[str, dict[str, None]](dict), defaultdict[str, dict[str, None]](dict)
    for sight in exchange.records:
        key, number = _name(sight, "id"), _name(sight, "number")
        if key is None or number is None:
            continue
        record = belief.records.find(Identifier("id", key))
        before = None if record is None else _name(record.condensed, "number")
        numbers[key] |= dict.fromkeys((before or number, number))
        ids[number][key] = None
    for name, others, table in (("id", "numbers", numbers), ("number", "ids", ids)):
        duplicate = next((value for value, values in table.items() if len(values) > 1), None)
        if duplicate is not None:
            seen = f"the {name} {duplicate} with the {others} {' and '.join(table[duplicate])}"
            yield Flaw(f"response.{name}.names_one", f"each {name} with one webhook request", seen)
        elif table:
            yield Held(f"response.{name}.names_one")
    for number, keys in ids.items():
        record = belief.records.find(Identifier("number", number))
        # Somebody else may have deleted the other one. Delete may return a record that was deleted
        # long ago, and whose number another one has by now.
        if record is not None and record.id not in keys and method != "delete":
            hypotheses = (Again("response.number.names_one", (record.id,)),)
            expected = "each number with one webhook request"
            seen = f"the number {number} with the ids {record.id} and {' and '.join(keys)}"
            yield Suspicion(exchange, expected, seen, hypotheses, record.id)


def _spelling(request: Request) -> Iterator[Held]:
    """Yield the statements on how to write a request that a served request keeps."""
    has_identifier = request.identifier is not None
    if request.fields is not None and "fields_set" not in request.unclear:
        yield Held("fields_set.names")
    if request.verb == "GET" and has_identifier:
        yield Held("parameters.identifier_in_query")
    if request.verb == "POST" and request.parameters:
        yield Held("parameters.body")
        if has_identifier:
            yield Held("parameters.identifier_in_body")


def _fields_flaw(record: Record, fields: ExpectedFields, release: Release) -> Flaw | None:
    """Return the flaw that a record has too few or too many fields, or None.

    A field without a value may be left out, and id may be there unasked.
    """
    required_names = fields.names & required_fields(release.name)
    missing_names = [name for name in FIELDS if name in required_names and name not in record]
    if missing_names:
        has_all = fields.names == frozenset(FIELDS)
        expected = "every field" if has_all else f"the fields {','.join(sorted(fields.names))}"
        return Flaw(fields.statement, expected, f"no {', '.join(missing_names)}")
    extra_names = [name for name in FIELDS if name in record and name not in fields.names | {"id"}]
    if extra_names:
        expected = f"only the fields {','.join(sorted(fields.names))}"
        return Flaw(fields.statement, expected, f"also {', '.join(extra_names)}")
    return None


def _name(record: Record, field: str) -> str | None:
    """Return the id or number of a webhook request, if it is a text that is not too long."""
    value = record.get(field)
    return value if isinstance(value, str) and len(value) <= MAX_NAME else None


# The values of fields.


def statements_about(record: Mapping[str, Any], release: Release) -> Iterator[str]:
    """Yield every statement about the fields of a record, whether it is kept or not."""
    for field in FIELDS:
        if field in record:
            yield f"response.{field}"
    for field, statement in _ENUMERATED.items():
        if field in record:
            yield statement
    if "life_cycle_state" in record:
        for field in ERROR_FIELDS:
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
        expected = f"{'.'.join(path)}: {_constraint(leaf)}"
        seen = shortened(repr(leaf.instance), 80)
        yield Flaw(_statement(path, leaf, release), expected, seen)


def _certainly_fits(record: Mapping[str, Any], release: Release) -> bool:
    """Return whether the compiled schema accepts a record; False also if it cannot read a value."""
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


def _constraint(error: Any) -> str:
    """Return what the schema asks of a value, in words."""
    if error.validator == "format":
        return "yyyy-MM-ddTHH:mm:ss"
    value = error.validator_value
    text = ", ".join(map(str, value)) if isinstance(value, list) else value
    return f"{error.validator} {text}"


def _dates(log: Mapping[str, Any]) -> list[Any]:
    return [log[name] for name in DATES if log.get(name) is not None]


def _beyond(record: Mapping[str, Any], release: Release) -> Iterator[Flaw]:
    """Yield what a schema cannot find: order of dates, identifier fields, names of a release."""
    log = record.get("log_information")
    log = log if isinstance(log, dict) else {}
    dates = _dates(log)
    created, updated = map(moment, dates) if len(dates) == 2 else (None, None)
    if created and updated and updated.is_before(created):
        expected = f"an updated_date of {dates[0]} or later"
        yield Flaw(f"{_LOG}.dates_in_order", expected, dates[1])
    for kind in REFERENCE_KINDS:
        reference = record.get(kind)
        if isinstance(reference, dict) and not any(map(reference.get, IDENTIFIER_FIELDS)):
            expected = f"{kind} with {', '.join(IDENTIFIER_FIELDS[:2])} or {IDENTIFIER_FIELDS[2]}"
            yield Flaw(statement_of(release, kind, "id"), expected, _only(reference))
    for member in (*USERS, *units(release.name)):
        name = "username" if member in USERS else "name"  # in the short form, too
        value = log.get(member)
        if isinstance(value, dict) and name not in value:
            statement = statement_of(release, "log_information", member, name)
            yield Flaw(statement, f"log_information.{member} with {name}", _only(value))
    for name, other_name in zip(units(release.name), units_of_others(release.name), strict=True):
        if other_name in log and name not in log:
            yield Flaw(statement_of(release, "log_information", name), name, other_name)


def _only(members: Mapping[str, Any]) -> str:
    return shortened(f"only {', '.join(members)}") if members else "an empty object"
