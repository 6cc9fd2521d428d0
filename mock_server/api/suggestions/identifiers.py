"""Suggestions for wrong identifiers, and for records that do not exist or are in a wrong state."""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from crmcom_kit.mock_server.api.suggestions.refused_call import RefusedCall, leave_out
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER
from crmcom_kit.mock_server.protocol.response import Change, Suggestion
from crmcom_kit.mock_server.store.life_cycle import RESENDABLE
from crmcom_kit.mock_server.store.records import Indexed, Query, key_of
from crmcom_kit.mock_server.world.reference_data import Directory, is_effective

Identifier = dict[str, str]

_FIELD = re.compile(
    r"(?<!\w)(id|number|name|alternative_code)[\"'\s\]]*[=:][\"'\s]*([^,;&\s\"'}]+)"
)
_MAX_NUMBER = 15
_MAX_LENGTH = 100


def identifier(call: RefusedCall) -> Suggestion:
    """Suggest an identifier for an invalid one: the same value in another form, or any valid."""
    name = call.base
    return _set(call, name, _readable(call, name, call.value(name)) or _example(call, name))


def missing_identifier(call: RefusedCall) -> Suggestion:
    """Suggest an identifier for a request without one; it may be under another name."""
    name = call.base
    for wrong in call.unknown_names if call.lacks(name) else ():
        if wrong in ("id", "number") or "identifier" in wrong.casefold():
            found = _readable(call, name, call.value(wrong))
            if found is not None:
                text, changes = call.set_to(name, found, instead=wrong)
                return Suggestion(text, (Change("leave out", wrong), *changes))
    return identifier(call)


def _several_identifiers(call: RefusedCall) -> Suggestion:
    beside = [one for one in call.unknown_names if one in ("id", "number")]
    if beside:
        less = tuple(Change("leave out", one) for one in beside)
        return Suggestion(f"leave out {' and '.join(beside)}", less)
    suggestion = _one_field(call)
    if call.given is not None and call.base in call.given.repeated:
        return suggestion._replace(text=f"once: {suggestion.text}")
    return suggestion


def _one_field(call: RefusedCall) -> Suggestion:
    """Suggest the one field that makes an identifier valid, of those that it has."""
    name, given = call.base, call.value(call.base)
    fields = given.items() if isinstance(given, dict) else _FIELD.findall(str(given)[:_MAX_LENGTH])
    for field, value in fields:
        if _fits(call, name, field, str(value)):
            return _set(call, name, {field: str(value)})
    return identifier(call)


def _not_rejected(call: RefusedCall) -> Suggestion:
    found = _example(call, REQUEST_IDENTIFIER)
    if found is None:
        return Suggestion(
            "no webhook request is REJECTED; make a delivery fail first (--deliveries)"
        )
    return _set(call, REQUEST_IDENTIFIER, found)


def _resend_under_way(_: RefusedCall) -> Suggestion:
    return Suggestion("wait until the other resend has ended")


def _definition_not_effective(call: RefusedCall) -> Suggestion:
    known = call.epoch.reference_data.definitions
    effective = frozenset(one["id"] for one in filter(is_effective, known))
    found = _some_record(call, ("definition", effective), resendable=True)
    if found is None:
        return Suggestion('start the mock with the dial resend.definition_not_effective = "send"')
    text, changes = _set(call, REQUEST_IDENTIFIER, found)
    return Suggestion(f"{text}, whose definition is effective", changes)


def _delivery_failed(_: RefusedCall) -> Suggestion:
    return Suggestion(
        "resend it again once the receiver accepts it (in the mock: --deliveries success)"
    )


def _set(call: RefusedCall, name: str, found: Identifier | None) -> Suggestion:
    """Suggest an identifier; if there is none, to leave it out or to create a record."""
    if found is not None:
        text, changes = call.set_to(name, found)
        return Suggestion(f"{text} (REJECTED)" if _resends(call, name) else text, changes)
    if name != REQUEST_IDENTIFIER and call.has_other_semi_optional(name):
        return leave_out(name)
    return Suggestion("create a webhook request first; none fits this request")


def _resends(call: RefusedCall, name: str) -> bool:
    resends = call.method is not None and call.method.name == "resend"
    return resends and name == REQUEST_IDENTIFIER


def _readable(call: RefusedCall, name: str, given: Any) -> Identifier | None:
    """Return an identifier of something that exists: a value in another field or spelling."""
    if isinstance(given, dict):
        given = next(iter(given.values()), None)
    elif isinstance(given, str):
        given = given.partition("=")[2] or given
    if not isinstance(given, str | int) or isinstance(given, bool):
        return None
    text = "".join(c for c in str(given)[:_MAX_LENGTH] if c.isprintable()).strip(" \"'#")
    for field in reversed(_fields(call, name)):
        for spelling in _spellings(field, text):
            if _fits(call, name, field, spelling):
                return {field: spelling}
    return None


def _spellings(field: str, text: str) -> Iterator[str]:
    """Yield what could be meant by a string, the likeliest first."""
    yield text
    if field != "number":
        yield text.upper()
    elif text.isdecimal() and len(text) <= _MAX_NUMBER:
        number = int(text)
        yield from (str(number), str(number - 1), str(number + 1))


def _fields(call: RefusedCall, name: str) -> tuple[str, ...]:
    parameter = call.method.parameters.get(name) if call.method else None
    return parameter.fields if parameter else ()


def _fits(call: RefusedCall, name: str, field: str, value: str) -> bool:
    """Return whether the request would be valid with an identifier."""
    if field not in _fields(call, name):
        return False
    if name != REQUEST_IDENTIFIER:
        return _directory(call, name).find(field, value) is not None
    record = call.epoch.store.get(key_of(field), value)
    return record is not None and (not _resends(call, name) or record.state in RESENDABLE)


def _example(call: RefusedCall, name: str) -> Identifier | None:
    """Return an identifier with which the request would be valid."""
    if name == REQUEST_IDENTIFIER:
        return _some_record(call, resendable=_resends(call, name))
    found = _directory(call, name).first()
    return None if found is None else {"id": str(found["id"])}


def _directory(call: RefusedCall, name: str) -> Directory:
    reference_data = call.epoch.reference_data
    is_rule = name == "workflow_rule_identifier"
    return reference_data.rules if is_rule else reference_data.definitions


def _some_record(call: RefusedCall, *indexed: Indexed, resendable: bool) -> Identifier | None:
    """Return the number of the newest record that meets conditions."""
    query = Query(indexed, states=RESENDABLE if resendable else None, limit=1)
    found = call.epoch.store.query(query)
    return {"number": orjson.loads(found[0])["number"]} if found else None


FINDERS = {
    "no_identifier": missing_identifier,
    "several_identifiers": _several_identifiers,
    "unknown_identifier_field": _one_field,
    "unknown_webhook_request": identifier,
    "unknown_webhook_definition": identifier,
    "unknown_workflow_rule": identifier,
    "not_rejected": _not_rejected,
    "resend_under_way": _resend_under_way,
    "definition_not_effective": _definition_not_effective,
    "delivery_failed": _delivery_failed,
}
