"""Suggestions: the smallest change that makes a refused request valid, in the caller's own terms.

A suggestion is a hint of the mock's own, in a header and in the journal; CRM.COM sends none. Its
mechanical changes, made on the request, make it succeed. Only frequent mistakes have one.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, Given
from crmcom_kit.mock_server.protocol.request import Request, query_pairs
from crmcom_kit.mock_server.protocol.response import PLACEHOLDER, Change, Suggestion
from crmcom_kit.mock_server.store.life_cycle import RESENDABLE
from crmcom_kit.mock_server.store.records import Query, key_of
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.reference_data import Directory
from crmcom_kit.schemas.methods import Method, Parameter, methods, response_fields
from crmcom_kit.schemas.releases import entities_since, release_names, resolve
from crmcom_kit.usage_errors import quoted

_MAX_LENGTH = 100  # of a value that is read
_MAX_FIELDS = 50  # of a fields_set that are read
_LOGIN = "POST authentication/token"
_LOGIN_MEMBERS = ("username", "organisation", "password")
_TOKEN = (Change("set", "token", PLACEHOLDER),)


def suggest(
    error: VendorError, method: Method | None, request: Request, given: Given | None, epoch: Epoch
) -> Suggestion | None:
    """Return the smallest change that makes a refused request valid; None if none is known.

    ``method`` is None if the path has no method, ``given`` if the parameters could not be read.
    Suggestions name records that exist in ``epoch``.
    """
    find = _FINDERS.get(error.kind)
    return None if find is None else find(_Call(error, method, request, given, epoch))


@dataclass(slots=True)
class _Call:
    """A refused request."""

    error: VendorError
    method: Method | None
    request: Request
    given: Given | None
    epoch: Epoch

    @property
    def name(self) -> str:
        """The wrong parameter, without the field in it."""
        return self.error.parameter.partition(".")[0]

    @property
    def parameter(self) -> Parameter | None:
        """What the method says of the wrong parameter."""
        return None if self.method is None else self.method.parameters.get(self.name)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the wrong parameter may have, if it is an identifier."""
        return () if self.parameter is None else self.parameter.fields

    @property
    def choices(self) -> Sequence[str]:
        """The values that the wrong parameter may have; none if it may have any."""
        if self.name == "entity":
            return self.epoch.config.entities
        return () if self.parameter is None else self.parameter.choices

    @property
    def unknown_names(self) -> Sequence[str]:
        """The parameters of the request that the method does not know."""
        if self.given is None or self.method is None:
            return ()
        known = self.method.parameters
        return [name for name in self.given.values if name not in known and name != "token"]

    @property
    def resends(self) -> bool:
        """Whether the wrong parameter names a record that is to be sent again."""
        is_resend = self.method is not None and self.method.name == "resend"
        return is_resend and self.name == REQUEST_IDENTIFIER

    def value(self, name: str) -> Any:
        """Return the value of a parameter in the request."""
        return None if self.given is None else self.given.values.get(name)

    def written(self, name: str, value: Any) -> str:
        """Return a parameter and its value as the caller would write them."""
        in_body = self.request.verb == "POST"
        if isinstance(value, dict):
            ((field, text),) = value.items()
            return f'"{name}": {{"{field}": "{text}"}}' if in_body else f"{name}={field}={text}"
        return f'"{name}": "{value}"' if in_body else f"{name}={value}"

    def set_to(self, name: str, value: Any, instead: object = None) -> Suggestion:
        """Suggest to give a parameter a value, ``instead`` of another one."""
        text = self.written(name, value)
        if instead is not None:
            text = f"{text} instead of {_bare(instead)}"
        elif self.given is not None and name not in self.given.values:
            text = f"add {text}"
        return Suggestion(text, (Change("set", name, value),))


def _bare(value: object) -> str:
    return quoted(value).strip('"')


def _near(text: str, known: Sequence[str]) -> str | None:
    """Return the one of ``known`` that ``text`` is a misspelling of."""
    by_upper = {candidate.upper(): candidate for candidate in known}
    found = difflib.get_close_matches(text[:_MAX_LENGTH].strip().upper(), by_upper, n=1)
    return by_upper[found[0]] if found else None


# The request as a whole: path, verb, body, token, login.


def _path(call: _Call) -> Suggestion:
    path, known = call.request.path, call.epoch.config.methods
    for release in release_names():
        if any(method.path == path for method in methods(resolve(release)).values()):
            return _from_release(path, release)
    wanted = path[:_MAX_LENGTH].strip("/").casefold()
    near = difflib.get_close_matches(wanted, known, n=1)
    near += [one for one in known if one.rpartition("/")[2] == wanted.rpartition("/")[2]]
    if not near:
        return Suggestion(f"use a path of the API, such as {next(iter(known))}")
    method = known[near[0]]
    changes = [Change("path", "path", method.path)]
    if method.verb != call.request.verb:
        changes.append(Change("verb", "verb", method.verb))
    return Suggestion(f"{method.verb} {method.path}", tuple(changes))


def _from_release(what: str, release: str) -> Suggestion:
    text = f"{what} is known from {release}: start the mock with --release {release}"
    return Suggestion(text)


def _verb(call: _Call) -> Suggestion:
    verb = call.error.allowed
    place = "in the JSON body" if verb == "POST" else "in the query"
    text = f"{verb} instead of {call.error.seen}, with the parameters {place}"
    return Suggestion(text, (Change("verb", "verb", verb),))


def _body(call: _Call) -> Suggestion:
    """Suggest to put the parameters of a query or form into a JSON object."""
    body = (call.request.body or b"").strip()
    text = "send the parameters as a JSON object, not as a form"
    if not body:
        body = call.request.query
        text = "move the parameters from the query into a JSON body"
    try:
        pairs = query_pairs(body)
    except VendorError:
        pairs = []
    if not re.match(rb"\w+=", body) or not pairs:
        return Suggestion('send a JSON object, such as {"token": "...", ...}')
    members: dict[str, object] = {}
    for name, value in pairs:
        field, equals, inner = value.partition("=")
        is_identifier = equals and field in ("id", "number")
        members[name] = {field: inner} if is_identifier else value
    return Suggestion(text, (Change("body", "body", members),))


def _missing_token(call: _Call) -> Suggestion:
    if call.request.verb == "POST" and b"token=" in call.request.query:
        return Suggestion("move token from the query into the JSON body", _TOKEN)
    if call.request.authorization:
        return Suggestion("give the token as the parameter token, not in the header", _TOKEN)
    return Suggestion(f"add {call.written('token', PLACEHOLDER)} from {_LOGIN}", _TOKEN)


def _new_token(call: _Call) -> Suggestion:
    return Suggestion(f"{call.written('token', PLACEHOLDER)} from a new login ({_LOGIN})", _TOKEN)


def _login(call: _Call) -> Suggestion:
    if call.method is not None and call.method.basic:
        text = "send the header Authorization: Basic base64(KEY:), with the key of --api-key"
        return Suggestion(text)
    right = {name: _example(call, name) for name in _LOGIN_MEMBERS}
    parts = [call.written(name, value) for name, value in right.items()]
    changes = tuple(Change("set", name, value) for name, value in right.items())
    return Suggestion(f"use {', '.join(parts)} (the value of --password)", changes)


def _example(call: _Call, name: str) -> str:
    """Return a value with which the request would be valid."""
    if name == "entity":
        return call.epoch.config.entities[0]
    if name in ("username", "organisation"):
        return str(getattr(call.epoch.config.credentials, name))
    return PLACEHOLDER


# Identifiers, and the records that they name.


def _identifier(call: _Call) -> Suggestion:
    """Suggest an identifier for an invalid one: what the caller may mean, or any valid one."""
    # It may stand under another name, or beside the right one.
    others = [
        name for name in call.unknown_names if name in call.fields or "identifier" in name.lower()
    ]
    values = [call.value(name) for name in (call.name, *others)]
    found = next(_fitting(call, values), None) or _existing(call)
    if found is None and call.resends and len(call.epoch.store):
        text = "no webhook request is REJECTED; make a delivery fail first (--deliveries)"
        return Suggestion(text)
    if found is None:
        return Suggestion(f"none exists that fits this request in {call.name}; create one first")
    text, changes = call.set_to(call.name, found)
    if others:
        text = f"{text} instead of {', '.join(map(_bare, others))}"
    if call.resends:
        text = f"{text} (REJECTED)"
    return Suggestion(text, (*(Change("leave out", name) for name in others), *changes))


def _fitting(call: _Call, values: Sequence[Any]) -> Iterator[dict[str, str]]:
    """Yield the identifiers with which the request would be valid, of what the values may mean."""
    for value in values:
        for part in value.values() if isinstance(value, dict) else [value]:
            text = str(part)[:_MAX_LENGTH]
            text = (text.partition("=")[2] or text).strip()
            for field in reversed(call.fields):
                if _fits(call, field, text):
                    yield {field: text}


def _fits(call: _Call, field: str, value: str) -> bool:
    """Return whether the request would be valid with an identifier."""
    if call.name != REQUEST_IDENTIFIER:
        return _directory(call).find(field, value) is not None
    record = call.epoch.store.get(key_of(field), value)
    return record is not None and (not call.resends or record.state in RESENDABLE)


def _existing(call: _Call) -> dict[str, str] | None:
    """Return an identifier with which the request would be valid."""
    if call.name != REQUEST_IDENTIFIER:
        first = _directory(call).first()
        return None if first is None else {"id": str(first["id"])}
    query = Query(states=RESENDABLE if call.resends else None, limit=1)
    found = call.epoch.store.query(query)
    return {"number": orjson.loads(found[0])["number"]} if found else None


def _directory(call: _Call) -> Directory:
    return call.epoch.reference_data.directory(call.name.removesuffix("_identifier"))


# Other parameters: missing, misspelled, of a wrong value.


def _missing(call: _Call) -> Suggestion:
    if call.fields:
        return _identifier(call)
    names = call.epoch.config.semi_optional if call.error.kind == "no_semi_optional" else ()
    for wrong in call.unknown_names:
        right = _near(wrong, names or (call.name,))
        if right is not None:
            return _rename(wrong, right, call.value(wrong))
    name = "entity" if names else call.name
    return call.set_to(name, _example(call, name))


def _rename(wrong: str, right: str, value: Any) -> Suggestion:
    changes = (Change("leave out", wrong), Change("set", right, value))
    return Suggestion(f"{right} instead of {_bare(wrong)}", changes)


def _unknown(call: _Call) -> Suggestion | None:
    if call.method is None or not call.unknown_names:
        return None
    wrong = call.unknown_names[0]
    if wrong in call.method.later:
        return _from_release(wrong, call.method.later[wrong])
    near = _near(wrong, [one for one in call.method.parameters if call.value(one) is None])
    if near is not None:
        return _rename(wrong, near, call.value(wrong))
    return Suggestion(f"leave out {_bare(wrong)}", (Change("leave out", wrong),))


def _wrong_value(call: _Call) -> Suggestion | None:
    """Suggest something else than a value that is empty, unreadable or of a wrong type."""
    if call.fields:
        return _identifier(call)
    if call.name == "token":
        return _new_token(call)
    if call.name == "fields_set":
        return _fields_set(call)
    return _choice(call) if call.choices else None


def _choice(call: _Call) -> Suggestion:
    value, known = str(call.value(call.name)), call.choices
    first = value.partition(",")[0]
    since = entities_since().get(first.upper()) if call.name == "entity" else None
    if since is not None and first.upper() not in known:
        return _from_release(first.upper(), since)
    return call.set_to(call.name, _near(first, known) or known[0], value)


def _fields_set(call: _Call) -> Suggestion:
    value, known = call.value(call.name), response_fields()
    members = value if isinstance(value, list) else str(value)[:1000].split(",")
    near = [_near(str(one).partition(".")[0], known) for one in members[:_MAX_FIELDS]]
    right = dict.fromkeys(name for name in near if name is not None)
    if not right:
        changes = (Change("leave out", call.name),)
        return Suggestion(f"leave out {call.name}, for all fields", changes)
    return call.set_to(call.name, ",".join(right))


#: What finds the suggestion for a kind of error; the others have none.
_FINDERS: dict[str, Callable[[_Call], Suggestion | None]] = {
    "unknown_method": _path,
    "wrong_verb": _verb,
    "bad_body": _body,
    "missing_token": _missing_token,
    "invalid_token": _new_token,
    "expired_token": _new_token,
    "released_token": _new_token,
    "wrong_credentials": _login,
    "no_identifier": _identifier,
    "several_identifiers": _identifier,
    "unknown_identifier_field": _identifier,
    "unknown_webhook_request": _identifier,
    "unknown_webhook_definition": _identifier,
    "unknown_workflow_rule": _identifier,
    "not_rejected": _identifier,
    "missing_parameter": _missing,
    "no_semi_optional": _missing,
    "unknown_parameter": _unknown,
    "empty_value": _wrong_value,
    "wrong_type": _wrong_value,
    "invalid_value": _wrong_value,
    "unsupported_entity": _choice,
    "bad_life_cycle_state": _choice,
    "bad_fields_set": _fields_set,
}
