"""Mends of identifiers, and of calls of records that are not there or not in the right state."""

import re
from typing import Any

from crmcom_kit.mock_server.store.records import Indexed, Key, Query
from crmcom_kit.mock_server.suggestions.suggestion import (
    Change,
    RefusedCall,
    Suggestion,
    left_out,
    renamed,
    set_to,
    unknown_names,
)
from crmcom_kit.mock_server.world.reference_data import Directory

_REQUEST = "webhook_request_identifier"
_FIELD = re.compile(
    r"(?<!\w)(id|number|name|alternative_code)[\"'\s\]]*[=:][\"'\s]*([^,;&\s\"'}]+)"
)
# In a text within the record these quotation marks would stand behind a backslash.
_NUMBER = re.compile(rb'"number":"([^"\\]+)"')
_ENTITY = re.compile(rb'"entity":"([^"\\]+)"')
_REJECTED = frozenset({"REJECTED"})
_MAX_ENTITIES = 40
_MAX_DEFINITIONS = 50
_AROUND = (-1, 1)
_MAX_NUMBER = 15
_MAX_LENGTH = 100


def some_record(case: RefusedCall, *, rejected: bool, entity: str | None = None) -> str | None:
    """Return the number of a webhook request that there is, of that entity where there is one."""
    store = case.epoch.store
    states = _REJECTED if rejected else None
    entities = (*(() if entity is None else (entity,)), *case.epoch.entities[:_MAX_ENTITIES])
    for one in entities:
        found = store.query(Query((("entity", frozenset((one,))),), states=states, limit=1))
        if found:
            return _member(_NUMBER, found[0])
    return None


def _member(member: re.Pattern[bytes], body: bytes) -> str | None:
    """Return a plain member of a record's bytes; reading all of them takes five times as long."""
    found = member.search(body)
    return None if found is None else found[1].decode()


def _fits(case: RefusedCall, name: str, field: str, value: str) -> bool:
    """Whether an identifier names something that the call could be about."""
    if name != _REQUEST:
        return _directory(case, name).find(field, value) is not None
    key: Key = "number" if field == "number" else "id"
    if case.method is not None and case.method.name == "resend":
        record = case.epoch.store.get(key, value)
        return record is not None and record.state == "REJECTED"
    return case.epoch.store.body(key, value) is not None


def _directory(case: RefusedCall, name: str) -> Directory:
    reference_data = case.epoch.reference_data
    return (
        reference_data.rules if name == "workflow_rule_identifier" else reference_data.definitions
    )


def _readings(case: RefusedCall, name: str, text: Any) -> dict[str, str] | None:
    """Return how a text names something that there is: by another field, or written otherwise."""
    if not isinstance(text, str | int) or isinstance(text, bool):
        return None
    plain = str(text)[:_MAX_LENGTH].strip(" \"'#")
    parameter = case.method.parameters.get(name) if case.method else None
    fields = parameter.fields if parameter else ("number", "id")
    for field in reversed(fields):
        spellings = (plain, plain.lstrip("0")) if field == "number" else (plain, plain.upper())
        for spelling in dict.fromkeys(spellings):
            if spelling and _fits(case, name, field, spelling):
                return {field: spelling}
    return None


def _example(case: RefusedCall, name: str) -> dict[str, str] | None:
    """Return an identifier of something that there is and the call could be about."""
    if name != _REQUEST:
        found = _directory(case, name).first()
        return None if found is None else {"id": str(found["id"])}
    resends = case.method is not None and case.method.name == "resend"
    number = some_record(case, rejected=resends)
    return None if number is None else {"number": number}


def _set(
    case: RefusedCall, name: str, value: dict[str, str] | None, instead: object = None
) -> Suggestion:
    if value is not None:
        suggestion = set_to(case, name, value, instead)
        rejected = name == _REQUEST and case.method and case.method.name == "resend"
        return (
            Suggestion(f"{suggestion.text} (REJECTED)", suggestion.changes)
            if rejected
            else suggestion
        )
    if _can_do_without(case, name):
        return left_out(name)
    return Suggestion("make a record first: there is none that this call could be about")


def _can_do_without(case: RefusedCall, name: str) -> bool:
    others = case.given.values.keys() - {name} if case.given else frozenset()
    return name != _REQUEST and bool(others & set(case.epoch.config.semi_optional))


def identifier(case: RefusedCall) -> Suggestion:
    """Return the suggestion of a value that no identifier has: read otherwise, or another one."""
    name, given = case.base, case.value(case.base)
    text = given
    if isinstance(given, dict):
        text = next(iter(given.values()), None)
    elif isinstance(given, str):
        text = given.partition("=")[2] or given
    if isinstance(text, str):
        text = "".join(c for c in text[:_MAX_LENGTH] if c.isprintable())
    return _set(case, name, _readings(case, name, text) or _example(case, name))


def _no_identifier(case: RefusedCall) -> Suggestion:
    name = case.base
    if case.given is not None and name not in case.given.values:
        for wrong in unknown_names(case):
            value = case.value(wrong)
            if wrong in ("id", "number"):
                read = _readings(case, name, value)
                if read is not None:
                    return _moved(case, wrong, name, read)
            elif "identifier" in wrong.casefold():
                inner = next(iter(value.values()), None) if isinstance(value, dict) else value
                text = inner.partition("=")[2] or inner if isinstance(inner, str) else inner
                read = _readings(case, name, text)
                if read is not None:
                    return renamed(wrong, name, read)
    return identifier(case)


def _moved(case: RefusedCall, wrong: str, name: str, value: dict[str, str]) -> Suggestion:
    changes = (Change("leave out", wrong), Change("set", name, value))
    return Suggestion(f"{case.written(name, value)} instead of {wrong}", changes)


def _several_identifiers(case: RefusedCall) -> Suggestion:
    name, given = case.base, case.value(case.base)
    beside = [one for one in unknown_names(case) if one in ("id", "number")]
    if beside:
        return _without(case, name, beside)
    if isinstance(given, dict):
        fields = case.parameter.fields if case.parameter else ()
        known = {key: str(part) for key, part in given.items() if key in fields}
        fitting = [k for k in reversed(fields) if k in known and _fits(case, name, k, known[k])]
        if len(known) == 2 and fitting:
            (other,) = known.keys() - {fitting[0]}
            changes = (Change("set", name, {fitting[0]: known[fitting[0]]}),)
            return Suggestion(f"leave out {name}.{other}", changes)
    elif isinstance(given, str) and case.given is not None and name not in case.given.repeated:
        for field, text in _FIELD.findall(given[:_MAX_LENGTH]):
            if _fits(case, name, field, text):
                return set_to(case, name, {field: text})
    return _once(case, name, identifier(case))


def _without(case: RefusedCall, name: str, beside: list[str]) -> Suggestion:
    """Return the suggestion of a field that stands beside the identifier: without it."""
    less = tuple(Change("leave out", one) for one in beside)
    text = f"leave out {' and '.join(beside)}"
    field, value = _field_of(case.value(name))
    if field in ("id", "number") and _fits(case, name, field, value):
        return Suggestion(text, less)
    better = identifier(case)
    return Suggestion(f"{text}; {better.text}", (*less, *better.changes))


def _once(case: RefusedCall, name: str, suggestion: Suggestion) -> Suggestion:
    """Say that one is enough, and which, where it was given more than once."""
    repeated = case.given is not None and name in case.given.repeated
    return Suggestion(f"once: {suggestion.text}", suggestion.changes) if repeated else suggestion


def _unknown_identifier_field(case: RefusedCall) -> Suggestion:
    name, given = case.base, case.value(case.base)
    if isinstance(given, dict) and case.parameter is not None:
        known = {key: part for key, part in given.items() if key in case.parameter.fields}
        if len(known) == 1:
            extra = next(key for key in given if key not in known)
            suggestion = left_out(f"{name}.{extra}")
            return Suggestion(suggestion.text, (Change("set", name, known),))
    return identifier(case)


def _unknown_webhook_request(case: RefusedCall) -> Suggestion:
    name = _REQUEST
    given = case.value(name)
    field, text = _field_of(given)
    if (
        field != "number"
        or not text.isdecimal()
        or len(text) > _MAX_NUMBER
        or text[0] == "0" != text
    ):
        return _set(case, name, _readings(case, name, text) or _example(case, name))
    for step in _AROUND:
        if _fits(case, name, "number", near := str(int(text) + step)):
            return _set(case, name, {"number": near})
    return _set(case, name, _example(case, name))


def _field_of(given: Any) -> tuple[str, str]:
    if isinstance(given, dict):
        return next(((str(key), str(part)) for key, part in given.items()), ("", ""))
    field, _, text = str(given).partition("=")
    return field, text


def _not_rejected(case: RefusedCall) -> Suggestion:
    entity = None
    if case.error.record is not None:
        entity = _member(_ENTITY, case.error.record)
    number = some_record(case, rejected=True, entity=entity)
    if number is None:
        return Suggestion("nothing is REJECTED: let a delivery fail first (--deliveries)")
    return _set(case, _REQUEST, {"number": number})


def _resend_under_way(case: RefusedCall) -> Suggestion:
    del case
    return Suggestion("wait until the other resend of it has ended")


def _definition_not_effective(case: RefusedCall) -> Suggestion:
    reference_data, store = case.epoch.reference_data, case.epoch.store
    for _, definition in zip(range(_MAX_DEFINITIONS), reference_data.definitions, strict=False):
        if reference_data.is_effective(definition["id"]):
            wanted: Indexed = ("definition", frozenset((definition["id"],)))
            found = store.query(Query((wanted,), states=_REJECTED, limit=1))
            if found:
                number = _member(_NUMBER, found[0])
                suggestion = _set(case, _REQUEST, {"number": number} if number else None)
                return Suggestion(
                    f"{suggestion.text}, whose definition is effective", suggestion.changes
                )
    return Suggestion('start the mock with the dial resend.definition_not_effective = "send"')


def _delivery_failed(case: RefusedCall) -> Suggestion:
    del case
    return Suggestion(
        "resend it again once the receiver takes it (in the mock: --deliveries success)"
    )


MENDS = {
    "no_identifier": _no_identifier,
    "several_identifiers": _several_identifiers,
    "unknown_identifier_field": _unknown_identifier_field,
    "unknown_webhook_request": _unknown_webhook_request,
    "unknown_webhook_definition": identifier,
    "unknown_workflow_rule": identifier,
    "not_rejected": _not_rejected,
    "resend_under_way": _resend_under_way,
    "definition_not_effective": _definition_not_effective,
    "delivery_failed": _delivery_failed,
}
