"""Suggestions for wrong identifiers, and for records that do not exist or are in a wrong state."""

import re
from typing import Any

from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER
from crmcom_kit.mock_server.protocol.response import Change, Suggestion
from crmcom_kit.mock_server.store.records import Indexed, Key, Query
from crmcom_kit.mock_server.suggestions.refused_call import RefusedCall, leave_out, rename, set_to
from crmcom_kit.mock_server.world.reference_data import Directory

_FIELD = re.compile(
    r"(?<!\w)(id|number|name|alternative_code)[\"'\s\]]*[=:][\"'\s]*([^,;&\s\"'}]+)"
)
# A search in the record's JSON takes a fifth of the time of decoding it. In a string within the
# record these quotation marks would have a backslash before them.
_NUMBER = re.compile(rb'"number":"([^"\\]+)"')
_ENTITY = re.compile(rb'"entity":"([^"\\]+)"')
_REJECTED = frozenset({"REJECTED"})
_MAX_ENTITIES = 40
_MAX_DEFINITIONS = 50
_MAX_NUMBER = 15
_MAX_LENGTH = 100


def identifier(call: RefusedCall) -> Suggestion:
    """Suggest a valid identifier in place of an invalid value: the value read otherwise, or any."""
    name, given = call.base, call.value(call.base)
    text = given
    if isinstance(given, dict):
        text = next(iter(given.values()), None)
    elif isinstance(given, str):
        text = given.partition("=")[2] or given
    if isinstance(text, str):
        text = "".join(c for c in text[:_MAX_LENGTH] if c.isprintable())
    return _set(call, name, _readable(call, name, text) or _example(call, name))


def missing_identifier(call: RefusedCall) -> Suggestion:
    """Suggest an identifier for a request without one; it may stand under another name."""
    name = call.base
    for wrong in call.unknown_names if call.lacks(name) else ():
        value = call.value(wrong)
        if wrong in ("id", "number"):
            read = _readable(call, name, value)
            if read is not None:
                changes = (Change("leave out", wrong), Change("set", name, read))
                return Suggestion(f"{call.written(name, read)} instead of {wrong}", changes)
        elif "identifier" in wrong.casefold():
            inner = next(iter(value.values()), None) if isinstance(value, dict) else value
            text = inner.partition("=")[2] or inner if isinstance(inner, str) else inner
            read = _readable(call, name, text)
            if read is not None:
                return rename(wrong, name, read)
    return identifier(call)


def _several_identifiers(call: RefusedCall) -> Suggestion:
    name, given = call.base, call.value(call.base)
    beside = [one for one in call.unknown_names if one in ("id", "number")]
    if beside:
        return _without(call, name, beside)
    if isinstance(given, dict):
        fields = call.parameter.fields if call.parameter else ()
        known = {key: str(part) for key, part in given.items() if key in fields}
        fitting = [k for k in reversed(fields) if k in known and _fits(call, name, k, known[k])]
        if len(known) == 2 and fitting:
            (other,) = known.keys() - {fitting[0]}
            changes = (Change("set", name, {fitting[0]: known[fitting[0]]}),)
            return Suggestion(f"leave out {name}.{other}", changes)
    is_repeated = call.given is not None and name in call.given.repeated
    if isinstance(given, str) and not is_repeated:
        for field, text in _FIELD.findall(given[:_MAX_LENGTH]):
            if _fits(call, name, field, text):
                return set_to(call, name, {field: text})
    suggestion = identifier(call)
    text = f"once: {suggestion.text}" if is_repeated else suggestion.text
    return Suggestion(text, suggestion.changes)


def _without(call: RefusedCall, name: str, beside: list[str]) -> Suggestion:
    """Suggest to leave out the fields that stand beside the identifier."""
    less = tuple(Change("leave out", one) for one in beside)
    text = f"leave out {' and '.join(beside)}"
    field, value = _field_and_value(call.value(name))
    if field in ("id", "number") and _fits(call, name, field, value):
        return Suggestion(text, less)
    better = identifier(call)
    return Suggestion(f"{text}; {better.text}", (*less, *better.changes))


def _unknown_identifier_field(call: RefusedCall) -> Suggestion:
    name, given = call.base, call.value(call.base)
    if isinstance(given, dict) and call.parameter is not None:
        known = {key: part for key, part in given.items() if key in call.parameter.fields}
        if len(known) == 1:
            extra = next(key for key in given if key not in known)
            text = leave_out(f"{name}.{extra}").text
            return Suggestion(text, (Change("set", name, known),))
    return identifier(call)


def _unknown_webhook_request(call: RefusedCall) -> Suggestion:
    name = REQUEST_IDENTIFIER
    field, text = _field_and_value(call.value(name))
    is_number = text.isdecimal() and len(text) <= _MAX_NUMBER and (text == "0" or text[0] != "0")
    if field != "number" or not is_number:
        return _set(call, name, _readable(call, name, text) or _example(call, name))
    for near in (str(int(text) - 1), str(int(text) + 1)):
        if _fits(call, name, "number", near):
            return _set(call, name, {"number": near})
    return _set(call, name, _example(call, name))


def _not_rejected(call: RefusedCall) -> Suggestion:
    record = call.error.record
    entity = None if record is None else _member(_ENTITY, record)
    number = _some_record(call, rejected=True, entity=entity)
    if number is None:
        return Suggestion("nothing is REJECTED: let a delivery fail first (--deliveries)")
    return _set(call, REQUEST_IDENTIFIER, {"number": number})


def _resend_under_way(call: RefusedCall) -> Suggestion:
    del call
    return Suggestion("wait until the other resend of it has ended")


def _definition_not_effective(call: RefusedCall) -> Suggestion:
    reference_data, store = call.epoch.reference_data, call.epoch.store
    for _, definition in zip(range(_MAX_DEFINITIONS), reference_data.definitions, strict=False):
        if not reference_data.is_effective(definition["id"]):
            continue
        wanted: Indexed = ("definition", frozenset((definition["id"],)))
        found = store.query(Query((wanted,), states=_REJECTED, limit=1))
        if found:
            number = _member(_NUMBER, found[0])
            text, changes = _set(call, REQUEST_IDENTIFIER, {"number": number} if number else None)
            return Suggestion(f"{text}, whose definition is effective", changes)
    return Suggestion('start the mock with the dial resend.definition_not_effective = "send"')


def _delivery_failed(call: RefusedCall) -> Suggestion:
    del call
    text = "resend it again once the receiver takes it (in the mock: --deliveries success)"
    return Suggestion(text)


def _set(call: RefusedCall, name: str, value: dict[str, str] | None) -> Suggestion:
    """Suggest an identifier; if there is none, to do without or to make a record."""
    if value is not None:
        text, changes = set_to(call, name, value)
        return Suggestion(f"{text} (REJECTED)" if _resends(call, name) else text, changes)
    others = call.given.values.keys() - {name} if call.given else frozenset()
    if name != REQUEST_IDENTIFIER and others & set(call.epoch.config.semi_optional):
        return leave_out(name)
    return Suggestion("make a record first: there is none that this call could be about")


def _resends(call: RefusedCall, name: str) -> bool:
    resends = call.method is not None and call.method.name == "resend"
    return resends and name == REQUEST_IDENTIFIER


def _readable(call: RefusedCall, name: str, text: Any) -> dict[str, str] | None:
    """Return an identifier of something that exists: ``text`` in another field or spelling."""
    if not isinstance(text, str | int) or isinstance(text, bool):
        return None
    plain = str(text)[:_MAX_LENGTH].strip(" \"'#")
    parameter = call.method.parameters.get(name) if call.method else None
    fields = parameter.fields if parameter else ("number", "id")
    for field in reversed(fields):
        spellings = (plain, plain.lstrip("0")) if field == "number" else (plain, plain.upper())
        for spelling in dict.fromkeys(spellings):
            if spelling and _fits(call, name, field, spelling):
                return {field: spelling}
    return None


def _fits(call: RefusedCall, name: str, field: str, value: str) -> bool:
    """Return whether the request would be valid with an identifier."""
    if name != REQUEST_IDENTIFIER:
        return _directory(call, name).find(field, value) is not None
    key: Key = "number" if field == "number" else "id"
    record = call.epoch.store.get(key, value)
    return record is not None and (not _resends(call, name) or record.state == "REJECTED")


def _example(call: RefusedCall, name: str) -> dict[str, str] | None:
    """Return an identifier with which the request would be valid."""
    if name != REQUEST_IDENTIFIER:
        found = _directory(call, name).first()
        return None if found is None else {"id": str(found["id"])}
    number = _some_record(call, rejected=_resends(call, name))
    return None if number is None else {"number": number}


def _directory(call: RefusedCall, name: str) -> Directory:
    reference_data = call.epoch.reference_data
    is_rule = name == "workflow_rule_identifier"
    return reference_data.rules if is_rule else reference_data.definitions


def _some_record(call: RefusedCall, *, rejected: bool, entity: str | None = None) -> str | None:
    """Return the number of a record, if possible one of ``entity``."""
    states = _REJECTED if rejected else None
    first = () if entity is None else (entity,)
    for one in (*first, *call.epoch.config.entities[:_MAX_ENTITIES]):
        wanted: Indexed = ("entity", frozenset((one,)))
        found = call.epoch.store.query(Query((wanted,), states=states, limit=1))
        if found:
            return _member(_NUMBER, found[0])
    return None


def _member(member: re.Pattern[bytes], body: bytes) -> str | None:
    found = member.search(body)
    return None if found is None else found[1].decode()


def _field_and_value(given: Any) -> tuple[str, str]:
    if isinstance(given, dict):
        return next(((str(key), str(part)) for key, part in given.items()), ("", ""))
    field, _, text = str(given).partition("=")
    return field, text


FINDERS = {
    "no_identifier": missing_identifier,
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
