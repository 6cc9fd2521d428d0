"""Suggestions for requests that are wrong as a whole: path, verb, body, token, login."""

import difflib

import orjson

from crmcom_kit.mock_server.api.suggestions.refused_call import RefusedCall, leave_out
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES, encoding_of, query_pairs
from crmcom_kit.mock_server.protocol.response import PLACEHOLDER, Change, Suggestion
from crmcom_kit.schemas.methods import methods
from crmcom_kit.schemas.releases import release_names, resolve

_JSON = 'send a JSON object, such as {"token": "...", ...}'
_LOGIN = "POST authentication/token"
_TOKEN = (Change("set", "token", PLACEHOLDER),)
_MAX_LENGTH = 64


def _unknown_method(call: RefusedCall) -> Suggestion:
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


def _wrong_verb(call: RefusedCall) -> Suggestion | None:
    if call.method is None:
        return None
    verb = call.method.verb
    place = "in the JSON body" if verb == "POST" else "in the query"
    text = f"{verb} instead of {call.error.seen}, with the parameters {place}"
    return Suggestion(text, (Change("verb", "verb", verb),))


def _method_withdrawn(_: RefusedCall) -> Suggestion:
    dial = 'requests.deprecated_methods = "serve"'
    return Suggestion(f"start the mock with an older --release, or with the dial {dial}")


def _bad_body(call: RefusedCall) -> Suggestion:
    body = call.request.body or b""
    if not body.strip() and call.request.query:
        return _as_json(call.request.query, "move the parameters from the query into a JSON body")
    try:
        found = orjson.loads(body)
    except ValueError:
        if b"=" in body and not body.lstrip().startswith((b"{", b"[", b'"')):
            return _as_json(body, "send the parameters as a JSON object, not as a form")
        return Suggestion(_JSON)
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], dict):
        text = "send the object itself, without the array around it"
        return Suggestion(text, (Change("body", "body", found[0]),))
    changes = _json_body(found.encode()) if isinstance(found, str) else ()
    text = "send the object itself, not a string that holds it" if changes else _JSON
    return Suggestion(text, changes)


def _json_body(body: bytes) -> tuple[Change, ...]:
    """Return the change to a body, if it is a JSON object."""
    try:
        found = orjson.loads(body)
    except ValueError:
        return ()
    return (Change("body", "body", found),) if isinstance(found, dict) else ()


def _as_json(encoded: bytes, text: str) -> Suggestion:
    """Suggest to put the parameters of a query or form into a JSON object."""
    body: dict[str, object] = {}
    try:
        for name, value in query_pairs(encoded):
            field, equals, inner = value.partition("=")
            is_identifier = equals and field in ("id", "number")
            body[name] = {field: inner} if is_identifier else value
    except VendorError:
        return Suggestion(_JSON)
    return Suggestion(text, (Change("body", "body", body),))


def _bad_charset(call: RefusedCall) -> Suggestion:
    if call.error.parameter == "Content-Type":
        right = "application/json; charset=utf-8"
        return Suggestion(f"Content-Type: {right}", (Change("header", "Content-Type", right),))
    if call.error.parameter != "body":
        text = "percent-encode the UTF-8 bytes, such as %C3%A9 for an e with acute accent"
        return Suggestion(text)
    body = call.request.body or b""
    encoding = encoding_of(body)
    if encoding is None:
        return Suggestion("encode the body as UTF-8")
    plain = body.decode(encoding.codec, "replace").encode()
    return Suggestion(encoding.advice, _json_body(plain))


def _body_too_large(_: RefusedCall) -> Suggestion:
    return Suggestion(f"send at most {MAX_BODY_BYTES} bytes")


def _misplaced_parameter(call: RefusedCall) -> Suggestion:
    if call.error.parameter == "body":
        return leave_out("body", ", and give the parameters in the query")
    return leave_out("query", ", and give the parameters in the JSON body")


def _missing_token(call: RefusedCall) -> Suggestion:
    if call.in_body and call.request.query and "token=" in call.request.query.decode("latin-1"):
        return Suggestion("move token from the query into the JSON body", _TOKEN)
    if call.request.authorization:
        return Suggestion("give the token as the parameter token, not in the header", _TOKEN)
    word = "" if call.value("token") == "" else "add "
    return Suggestion(f"{word}{call.written('token', PLACEHOLDER)} from {_LOGIN}", _TOKEN)


def _new_token(call: RefusedCall) -> Suggestion:
    return Suggestion(f"{call.written('token', PLACEHOLDER)} from a new login ({_LOGIN})", _TOKEN)


def _wrong_credentials(call: RefusedCall) -> Suggestion:
    right = call.epoch.config.credentials
    if call.method is not None and call.method.basic:
        text = "send the header Authorization: Basic base64(KEY:), with the key of --api-key"
        return Suggestion(text)
    changes = []
    if str(call.value("username")).casefold() != right.username.casefold():
        changes.append(Change("set", "username", right.username))
    if call.value("organisation") != right.organisation:
        changes.append(Change("set", "organisation", right.organisation))
    about = ""
    if call.value("password") != right.password:
        changes.append(Change("set", "password", PLACEHOLDER))
        about = " (the value of --password)"
    parts = [call.written(change.parameter, change.value) for change in changes]
    return Suggestion(f"use {' and '.join(parts)}{about}", tuple(changes))


def _unknown_unit(call: RefusedCall) -> Suggestion:
    value, units = call.value("unit"), call.epoch.reference_data.units
    if isinstance(value, str):
        unit = units.find("id", value.strip().upper()) or units.find_any(value)
        if unit is not None:
            return call.set_to("unit", unit["id"])
    return leave_out("unit", ", for the user's own unit")


FINDERS = {
    "unknown_method": _unknown_method,
    "wrong_verb": _wrong_verb,
    "method_withdrawn": _method_withdrawn,
    "bad_body": _bad_body,
    "bad_charset": _bad_charset,
    "body_too_large": _body_too_large,
    "misplaced_parameter": _misplaced_parameter,
    "missing_token": _missing_token,
    "invalid_token": _new_token,
    "expired_token": _new_token,
    "released_token": _new_token,
    "wrong_credentials": _wrong_credentials,
    "unknown_unit": _unknown_unit,
}
