"""Suggestions: the smallest change that makes a refused request valid, in the caller's own terms.

A suggestion is a hint of the mock's own, in a header and in the journal; CRM.COM sends none. Its
mechanical changes, made on the request, make it succeed.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, Given
from crmcom_kit.mock_server.protocol.request import (
    MAX_BODY_BYTES,
    Request,
    encoding_of,
    query_pairs,
)
from crmcom_kit.mock_server.protocol.response import PLACEHOLDER, Change, Suggestion
from crmcom_kit.mock_server.store.life_cycle import RESENDABLE
from crmcom_kit.mock_server.store.records import Query, key_of
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.reference_data import Directory
from crmcom_kit.schemas.methods import Method, methods, response_fields
from crmcom_kit.schemas.releases import entities_since, release_names, resolve
from crmcom_kit.usage_errors import quoted

_MAX_LENGTH = 100  # of a value that is read
_LOGIN = "POST authentication/token"
_TOKEN = (Change("set", "token", PLACEHOLDER),)
_JSON = 'send a JSON object, such as {"token": "...", ...}'
# A field of an identifier with its value, in any notation.
_FIELD = re.compile(r"(?<!\w)(\w+)[\"'\s\]]*[=:][\"'\s]*([^,;&\s\"'}]+)")


def suggest(
    error: VendorError, method: Method | None, request: Request, given: Given | None, epoch: Epoch
) -> Suggestion | None:
    """Return the smallest change that makes a refused request valid; None if none is known.

    ``method`` is None if the path has no method, ``given`` if the parameters could not be read.
    Suggestions name records that exist in ``epoch``.
    """
    return FINDERS[error.kind](_Call(error, method, request, given, epoch))


@dataclass(slots=True)
class _Call:
    """A refused request, and the changes that most errors share: set, leave out, rename."""

    error: VendorError
    method: Method | None
    request: Request
    given: Given | None
    epoch: Epoch

    @property
    def name(self) -> str:
        """The wrong parameter, without the field in it."""
        return self.error.parameter.partition(".")[0]

    def value(self, name: str) -> Any:
        """Return the value of a parameter in the request."""
        return None if self.given is None else self.given.values.get(name)

    @property
    def unknown_names(self) -> Sequence[str]:
        """The parameters of the request that the method does not know."""
        if self.given is None or self.method is None:
            return ()
        known = self.method.parameters
        return [name for name in self.given.values if name not in known and name != "token"]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the wrong parameter may have, if it is an identifier."""
        parameter = self.method.parameters.get(self.name) if self.method else None
        return parameter.fields if parameter else ()

    @property
    def resends(self) -> bool:
        """Whether the wrong parameter names a record that is to be sent again."""
        is_resend = self.method is not None and self.method.name == "resend"
        return is_resend and self.name == REQUEST_IDENTIFIER

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
        if isinstance(value, dict) and self.resends:
            text = f"{text} (REJECTED)"
        return Suggestion(text, (Change("set", name, value),))

    def leave_out_or_set(self, name: str, example: Any) -> Suggestion:
        """Suggest to leave out a parameter, or if the request needs it, an example."""
        parameter = self.method.parameters.get(name) if self.method else None
        need = parameter.need if parameter else "optional"
        if need == "semi-optional" and self.given is not None:
            others = self.given.values.keys() - {name}
            need = "optional" if others & set(self.epoch.config.semi_optional) else need
        return _leave_out(name) if need == "optional" else self.set_to(name, example)

    def example(self, name: str) -> str:
        """Return a value with which the request would be valid."""
        if name == "entity":
            return self.epoch.config.entities[0]
        if name in ("username", "organisation"):
            return str(getattr(self.epoch.config.credentials, name))
        return PLACEHOLDER

    def choices(self) -> Sequence[str]:
        """Return the values that the wrong parameter may have; none if it may have any."""
        if self.name == "entity":
            return self.epoch.config.entities
        parameter = self.method.parameters.get(self.name) if self.method else None
        return parameter.choices if parameter else ()


def _leave_out(name: str, why: str = "") -> Suggestion:
    return Suggestion(f"leave out {_bare(name)}{why}", (Change("leave out", name),))


def _rename(wrong: str, right: str, value: Any) -> Suggestion:
    changes = (Change("leave out", wrong), Change("set", right, value))
    return Suggestion(f"{right} instead of {_bare(wrong)}", changes)


def _bare(value: object) -> str:
    return quoted(value).strip('"')


def _near(text: str, known: Sequence[str]) -> str | None:
    """Return the one of ``known`` that ``text`` is a misspelling of."""
    plain = text[:_MAX_LENGTH].strip(" '\"").upper().replace(" ", "_").replace("-", "_")
    by_upper = {candidate.upper(): candidate for candidate in known}
    found = difflib.get_close_matches(plain, by_upper, n=1)
    return by_upper[found[0]] if found else None


# The request as a whole: path, verb, body, token, login.


def _unknown_method(call: _Call) -> Suggestion:
    path, known = call.request.path, call.epoch.config.methods
    for release in release_names():
        if any(method.path == path for method in methods(resolve(release)).values()):
            text = f"{path} is known from {release}: start the mock with --release {release}"
            return Suggestion(text)
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


def _wrong_verb(call: _Call) -> Suggestion | None:
    if call.method is None:
        return None
    verb = call.method.verb
    place = "in the JSON body" if verb == "POST" else "in the query"
    text = f"{verb} instead of {call.error.seen}, with the parameters {place}"
    return Suggestion(text, (Change("verb", "verb", verb),))


def _bad_body(call: _Call) -> Suggestion:
    """Suggest to put the parameters of a query or form into a JSON object."""
    body = (call.request.body or b"").strip()
    text = "send the parameters as a JSON object, not as a form"
    if not body:
        body = call.request.query
        text = "move the parameters from the query into a JSON body"
    if b"=" not in body or body.startswith((b"{", b"[", b'"')):
        return Suggestion(_JSON)
    members: dict[str, object] = {}
    try:
        for name, value in query_pairs(body):
            field, equals, inner = value.partition("=")
            is_identifier = equals and field in ("id", "number")
            members[name] = {field: inner} if is_identifier else value
    except VendorError:
        return Suggestion(_JSON)
    return Suggestion(text, (Change("body", "body", members),))


def _bad_charset(call: _Call) -> Suggestion:
    if call.error.parameter == "Content-Type":
        right = "application/json; charset=utf-8"
        return Suggestion(f"Content-Type: {right}", (Change("header", "Content-Type", right),))
    if call.error.parameter != "body":
        text = "percent-encode the UTF-8 bytes, such as %C3%A9 for an e with acute accent"
        return Suggestion(text)
    encoding = encoding_of(call.request.body or b"")
    return Suggestion("encode the body as UTF-8" if encoding is None else encoding.advice)


def _misplaced_parameter(call: _Call) -> Suggestion:
    if call.error.parameter == "body":
        return _leave_out("body", ", and give the parameters in the query")
    return _leave_out("query", ", and give the parameters in the JSON body")


def _missing_token(call: _Call) -> Suggestion:
    if call.request.verb == "POST" and b"token=" in call.request.query:
        return Suggestion("move token from the query into the JSON body", _TOKEN)
    if call.request.authorization:
        return Suggestion("give the token as the parameter token, not in the header", _TOKEN)
    word = "" if call.value("token") == "" else "add "
    return Suggestion(f"{word}{call.written('token', PLACEHOLDER)} from {_LOGIN}", _TOKEN)


def _new_token(call: _Call) -> Suggestion:
    return Suggestion(f"{call.written('token', PLACEHOLDER)} from a new login ({_LOGIN})", _TOKEN)


def _wrong_credentials(call: _Call) -> Suggestion:
    if call.method is not None and call.method.basic:
        text = "send the header Authorization: Basic base64(KEY:), with the key of --api-key"
        return Suggestion(text)
    changes, parts = [], []
    for name in ("username", "organisation", "password"):
        right = getattr(call.epoch.config.credentials, name)
        seen = str(call.value(name))
        if seen != right and not (name == "username" and seen.casefold() == right.casefold()):
            changes.append(Change("set", name, call.example(name)))
            parts.append(call.written(name, call.example(name)))
    about = " (the value of --password)" if changes[-1].parameter == "password" else ""
    return Suggestion(f"use {' and '.join(parts)}{about}", tuple(changes))


# Identifiers, and the records that they name.


def _identifier(call: _Call) -> Suggestion:
    """Suggest an identifier for an invalid one: the same value in another form, or any valid."""
    name, given = call.name, call.value(call.name)
    for wrong in call.unknown_names if given is None else ():  # it may be under another name
        if wrong in ("id", "number") or "identifier" in wrong.casefold():
            found = _readable(call, call.value(wrong))
            if found is not None:
                text, changes = call.set_to(name, found, instead=wrong)
                return Suggestion(text, (Change("leave out", wrong), *changes))
    found = _readable(call, given) or _existing(call)
    if found is not None:
        return call.set_to(name, found)
    if name != REQUEST_IDENTIFIER:
        return call.leave_out_or_set(name, {"id": PLACEHOLDER})
    if call.resends and len(call.epoch.store):
        return Suggestion(
            "no webhook request is REJECTED; make a delivery fail first (--deliveries)"
        )
    return Suggestion("create a webhook request first; none fits this request")


def _one_field(call: _Call) -> Suggestion:
    """Suggest the one field that makes an identifier valid, of those that it has."""
    beside = [one for one in call.unknown_names if one in ("id", "number")]
    if beside:
        less = tuple(Change("leave out", one) for one in beside)
        return Suggestion(f"leave out {' and '.join(beside)}", less)
    given = call.value(call.name)
    fields = given.items() if isinstance(given, dict) else _FIELD.findall(str(given)[:_MAX_LENGTH])
    for field, value in fields:
        if _fits(call, field, str(value)):
            return call.set_to(call.name, {field: str(value)})
    return _identifier(call)


def _readable(call: _Call, given: Any) -> dict[str, str] | None:
    """Return an identifier of something that exists: a value in another field or spelling."""
    if isinstance(given, dict):
        given = next(iter(given.values()), None)
    elif isinstance(given, str):
        given = given.partition("=")[2] or given
    if not isinstance(given, str | int) or isinstance(given, bool):
        return None
    text = "".join(c for c in str(given)[:_MAX_LENGTH] if c.isprintable()).strip(" \"'#")
    spellings = (text, text.upper(), text.lstrip("0"))
    for field in reversed(call.fields):
        for spelling in spellings:
            if _fits(call, field, spelling):
                return {field: spelling}
    return None


def _fits(call: _Call, field: str, value: str) -> bool:
    """Return whether the request would be valid with an identifier."""
    if field not in call.fields:
        return False
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


# Other parameters: missing, empty, of a wrong type, misspelled, out of range.


def _wrong_value(call: _Call) -> Suggestion:
    """Suggest something else than a value that is empty, unreadable or of a wrong type."""
    if call.fields:
        return _identifier(call)
    if call.name == "query":
        return Suggestion("send at most 500 parameters")
    if call.name == "fields_set":
        return _bad_fields_set(call)
    if call.choices():
        return _bad_choice(call)
    return call.leave_out_or_set(call.name, call.example(call.name))


def _missing_parameter(call: _Call) -> Suggestion:
    if call.fields:
        return _identifier(call)
    names = call.epoch.config.semi_optional if call.error.kind == "no_semi_optional" else ()
    for wrong in call.unknown_names:
        right = _near(wrong, names or (call.name,))
        if right is not None:
            return _rename(wrong, right, call.value(wrong))
    name = "entity" if names else call.name
    return call.set_to(name, call.example(name))


def _duplicate_parameter(call: _Call) -> Suggestion:
    value = PLACEHOLDER if call.name == "token" else call.value(call.name)
    changes = (Change("set", call.name, value),) if isinstance(value, str) else ()
    return Suggestion(f"give {call.name} once", changes)


def _unknown_parameter(call: _Call) -> Suggestion:
    name, method = call.error.parameter, call.method
    wrong = next((n for n in call.unknown_names if n.startswith(name[:20])), name)
    if method is None or call.given is None:
        return _leave_out(wrong)
    if wrong in method.later:
        release = method.later[wrong]
        return _leave_out(wrong, f": known from {release}, start the mock with --release {release}")
    plain = re.split(r"[\[.:]", wrong, maxsplit=1)[0]
    near = _near(plain, [one for one in method.parameters if one not in call.given.values])
    return _leave_out(wrong) if near is None else _rename(wrong, near, call.value(wrong))


def _bad_choice(call: _Call) -> Suggestion:
    name, value, known = call.name, call.value(call.name), call.choices()
    if not isinstance(value, str):
        return call.leave_out_or_set(name, call.example(name))
    parts = [part.strip() for part in value[:_MAX_LENGTH].split(",")]
    wrong = next((part for part in parts if part not in known), parts[0])
    since = entities_since().get(wrong.upper()) if name == "entity" else None
    if since is not None and wrong.upper() not in known:
        text = f"{wrong.upper()} is known from {since}: start the mock with --release {since}"
        return Suggestion(text)
    fitting = next((part for part in parts if part in known), None) or _near(wrong, known)
    if fitting is None:
        return call.leave_out_or_set(name, call.example(name))
    return call.set_to(name, fitting, value)


def _bad_fields_set(call: _Call) -> Suggestion:
    name, value, known = call.name, call.value(call.name), response_fields()
    right: list[str] = []
    for one in (value if isinstance(value, list) else str(value)[:1000].split(","))[:50]:
        text = str(one).strip()
        near = text if text in known else _near(text.partition(".")[0], known)
        if near is not None and near not in right:
            right.append(near)
    if not right:
        return _leave_out(name, ", for all fields")
    return call.set_to(name, ",".join(right), value if isinstance(value, str) else None)


def _out_of_range(call: _Call) -> Suggestion:
    return _leave_out(call.name, f", or give {call.error.allowed}")


def _says(text: str) -> Callable[[_Call], Suggestion]:
    return lambda _: Suggestion(text)


#: What finds the suggestion for each kind of error.
FINDERS: dict[str, Callable[[_Call], Suggestion | None]] = {
    "unknown_method": _unknown_method,
    "wrong_verb": _wrong_verb,
    "method_withdrawn": _says(
        "start the mock with an older --release, or with the dial "
        'requests.deprecated_methods = "serve"'
    ),
    "bad_body": _bad_body,
    "bad_charset": _bad_charset,
    "body_too_large": _says(f"send at most {MAX_BODY_BYTES} bytes"),
    "misplaced_parameter": _misplaced_parameter,
    "missing_token": _missing_token,
    "invalid_token": _new_token,
    "expired_token": _new_token,
    "released_token": _new_token,
    "wrong_credentials": _wrong_credentials,
    "unknown_unit": lambda _: _leave_out("unit", ", for the user's own unit"),
    "no_identifier": _identifier,
    "several_identifiers": _one_field,
    "unknown_identifier_field": _one_field,
    "unknown_webhook_request": _identifier,
    "unknown_webhook_definition": _identifier,
    "unknown_workflow_rule": _identifier,
    "not_rejected": _identifier,
    "resend_under_way": _says("wait until the other resend has ended"),
    "definition_not_effective": _says(
        "resend a webhook request whose definition is effective, or start the mock with the dial "
        'resend.definition_not_effective = "send"'
    ),
    "delivery_failed": _says(
        "resend it again once the receiver accepts it (in the mock: --deliveries success)"
    ),
    "missing_parameter": _missing_parameter,
    "empty_value": _wrong_value,
    "wrong_type": _wrong_value,
    "invalid_value": _wrong_value,
    "duplicate_parameter": _duplicate_parameter,
    "unknown_parameter": _unknown_parameter,
    "no_semi_optional": _missing_parameter,
    "unsupported_entity": _bad_choice,
    "bad_life_cycle_state": _bad_choice,
    "bad_date": _out_of_range,
    "bad_fields_set": _bad_fields_set,
    "bad_paging": _out_of_range,
}
