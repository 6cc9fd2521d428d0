"""Suggestions: what makes a refused request valid, in the caller's own terms.

A suggestion is a hint of the mock's own, in a header and in the journal; CRM.COM sends none. Only
frequent mistakes have one. It names records that exist, and values that the caller may have meant.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, Given
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.store.life_cycle import RESENDABLE
from crmcom_kit.mock_server.store.records import Query, key_of
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.schemas.methods import Method, Parameter, methods
from crmcom_kit.schemas.releases import entities_since, release_names, resolve
from crmcom_kit.usage_errors import quoted

_MAX_LENGTH = 100  # of a value that is read
_LOGIN = "POST authentication/token"
_YOURS = "..."  # stands for a value that only the caller knows


def suggest(
    error: VendorError, method: Method | None, request: Request, given: Given | None, epoch: Epoch
) -> str | None:
    """Return what makes a refused request valid, in words; None if the mistake is not frequent.

    ``method`` is None if the path has no method, ``given`` if the parameters could not be read.
    """
    find = _FINDERS.get(error.kind)
    return None if find is None else find(_Refused(error, method, request, given, epoch))


@dataclass(slots=True)
class _Refused:
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
    def resends(self) -> bool:
        """Whether the wrong parameter names a record that is to be sent again."""
        is_resend = self.method is not None and self.method.name == "resend"
        return is_resend and self.name == REQUEST_IDENTIFIER

    def value(self, name: str) -> Any:
        """Return the value of a parameter in the request."""
        return None if self.given is None else self.given.values.get(name)

    def written(self, name: str, value: str, field: str = "") -> str:
        """Return a parameter and its value as the caller would write them."""
        if self.request.verb != "POST":
            return f"{name}={field}={value}" if field else f"{name}={value}"
        return f'"{name}": {{"{field}": "{value}"}}' if field else f'"{name}": "{value}"'


def _near(text: str, known: Sequence[str]) -> str | None:
    """Return the one of ``known`` that ``text`` is a misspelling of."""
    by_upper = {candidate.upper(): candidate for candidate in known}
    found = difflib.get_close_matches(text[:_MAX_LENGTH].strip().upper(), by_upper, n=1)
    return by_upper[found[0]] if found else None


def _path(refused: _Refused) -> str:
    path, known = refused.request.path, refused.epoch.config.methods
    for release in release_names():
        if any(method.path == path for method in methods(resolve(release)).values()):
            return _from_release(path, release)
    near = _near(path, list(known))
    if near is None:
        return f"use a path of the API, such as {next(iter(known))}"
    return f"{known[near].verb} {near}"


def _from_release(what: str, release: str) -> str:
    return f"{what} is known from {release}: start the mock with --release {release}"


def _verb(refused: _Refused) -> str:
    verb = refused.error.allowed
    place = "in the JSON body" if verb == "POST" else "in the query"
    return f"{verb} instead of {refused.error.seen}, with the parameters {place}"


def _body(refused: _Refused) -> str:
    body = (refused.request.body or b"").strip()
    if re.match(rb"\w+=", body):
        return "send the parameters as a JSON object, not as a form"
    if refused.request.query and not body:
        return "move the parameters from the query into a JSON body"
    return 'send a JSON object, such as {"token": "...", ...}'


def _missing_token(refused: _Refused) -> str:
    if refused.request.verb == "POST" and b"token=" in refused.request.query:
        return "move token from the query into the JSON body"
    if refused.request.authorization:
        return "give the token as the parameter token, not in the header"
    return f"add {refused.written('token', _YOURS)} from {_LOGIN}"


def _new_token(refused: _Refused) -> str:
    return f"{refused.written('token', _YOURS)} from a new login ({_LOGIN})"


def _login(refused: _Refused) -> str:
    if refused.method is not None and refused.method.basic:
        return "send the header Authorization: Basic base64(KEY:), with the key of --api-key"
    right = refused.epoch.config.credentials
    members = {"username": right.username, "organisation": right.organisation, "password": _YOURS}
    parts = [refused.written(name, value) for name, value in members.items()]
    return f"use {', '.join(parts)} (the value of --password)"


def _identifier(refused: _Refused) -> str:
    """Suggest an identifier for an invalid one: what the caller may mean, or any valid one."""
    found = next(_fitting(refused), None) or _existing(refused)
    if found is None and refused.resends and len(refused.epoch.store):
        return "no webhook request is REJECTED; make a delivery fail first (--deliveries)"
    if found is None:
        return f"none exists that fits this request in {refused.name}; create one first"
    field, value = found
    text = refused.written(refused.name, value, field)
    return f"{text} (REJECTED)" if refused.resends else text


def _fitting(refused: _Refused) -> Iterator[tuple[str, str]]:
    """Yield the valid identifiers that the request may mean, by another field or parameter."""
    for name in (refused.name, *refused.fields):
        value = refused.value(name)
        if value is None:
            continue
        for part in value.values() if isinstance(value, dict) else [value]:
            text = str(part)[:_MAX_LENGTH]
            text = (text.partition("=")[2] or text).strip()
            for field in reversed(refused.fields):
                if _fits(refused, field, text):
                    yield field, text


def _fits(refused: _Refused, field: str, value: str) -> bool:
    """Return whether the request would be valid with an identifier."""
    store, directory = refused.epoch.store, refused.epoch.reference_data.directory
    if refused.name != REQUEST_IDENTIFIER:
        return directory(refused.name.removesuffix("_identifier")).find(field, value) is not None
    record = store.get(key_of(field), value)
    return record is not None and (not refused.resends or record.state in RESENDABLE)


def _existing(refused: _Refused) -> tuple[str, str] | None:
    """Return an identifier with which the request would be valid."""
    store, directory = refused.epoch.store, refused.epoch.reference_data.directory
    if refused.name != REQUEST_IDENTIFIER:
        first = next(iter(directory(refused.name.removesuffix("_identifier"))), None)
        return None if first is None else ("id", str(first["id"]))
    found = store.query(Query(states=RESENDABLE if refused.resends else None, limit=1))
    return ("number", orjson.loads(found[0])["number"]) if found else None


def _semi_optional(refused: _Refused) -> str:
    return f"add {refused.written('entity', refused.epoch.config.release.entities[0])}"


def _choice(refused: _Refused) -> str:
    """Suggest one of the values that entity or life_cycle_state may have."""
    value = str(refused.value(refused.name))
    known = () if refused.parameter is None else refused.parameter.choices
    if refused.name == "entity":
        known = refused.epoch.config.release.entities
        later = entities_since().get(value.upper())
        if later is not None and value.upper() not in known:
            return _from_release(value.upper(), later)
    right = refused.written(refused.name, _near(value, known) or known[0])
    bare = quoted(value).strip('"')
    return f"{right} instead of {bare}"


def _wrong_value(refused: _Refused) -> str | None:
    """Suggest something else than a value that is missing, empty, unreadable or of a wrong type."""
    if refused.fields:
        return _identifier(refused)
    if refused.method is not None and refused.method.path == "authentication/token":
        return _login(refused)
    return _new_token(refused) if refused.name == "token" else None


#: What finds the suggestion for a kind of error; the others have none.
_FINDERS: dict[str, Callable[[_Refused], str | None]] = {
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
    "no_semi_optional": _semi_optional,
    "missing_parameter": _wrong_value,
    "empty_value": _wrong_value,
    "wrong_type": _wrong_value,
    "invalid_value": _wrong_value,
    "unsupported_entity": _choice,
    "bad_life_cycle_state": _choice,
}
