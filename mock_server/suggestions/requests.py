"""Suggestions for requests that cannot be read as a whole, or that no method answers."""

import difflib
from functools import lru_cache
from typing import Any

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES, query_pairs
from crmcom_kit.mock_server.protocol.response import Change, Suggestion
from crmcom_kit.mock_server.suggestions.refused_call import RefusedCall, leave_out
from crmcom_kit.redaction import MASK, Pairs, as_dicts, is_secret, parsed_json
from crmcom_kit.schemas.methods import methods
from crmcom_kit.schemas.releases import release_names, resolve

_JSON = 'send a JSON object, such as {"token": "...", ...}'
_MAX_LENGTH = 64
_BEGINNINGS = {
    b"\xef\xbb\xbf": ("leave out the byte order mark", "utf-8-sig"),
    b"\xff\xfe": ("encode the body as UTF-8", "utf-16"),
    b"\xfe\xff": ("encode the body as UTF-8", "utf-16"),
    b"\x1f\x8b": ("send the body uncompressed", ""),
}


def _unknown_method(call: RefusedCall) -> Suggestion:
    path = call.request.path
    known = tuple(call.epoch.config.methods)
    near = _near_path(path[:_MAX_LENGTH], known)
    since = _known_since(path)
    if since is not None:
        text = f"{path} is known from {since}: start the mock with --release {since}"
        return Suggestion(text)
    if near is None:
        return Suggestion(f"a path of the API, such as {known[0]}")
    method = call.epoch.config.methods[near]
    changes = [Change("path", "path", near)]
    if method.verb != call.request.verb:
        changes.append(Change("verb", "verb", method.verb))
    return Suggestion(f"{method.verb} {near}", tuple(changes))


@lru_cache(maxsize=512)
def _near_path(path: str, known: tuple[str, ...]) -> str | None:
    wanted = path.strip("/").casefold()
    last = wanted.rpartition("/")[2]
    for one in known:
        if one == wanted or one.rpartition("/")[2] == last:
            return one
    return next(iter(difflib.get_close_matches(wanted, known, n=1)), None)


@lru_cache(maxsize=64)
def _known_since(path: str) -> str | None:
    for name in release_names():
        if any(method.path == path for method in methods(resolve(name)).values()):
            return name
    return None


def _wrong_verb(call: RefusedCall) -> Suggestion | None:
    if call.method is None:
        return None
    verb = call.method.verb
    place = "in the JSON body" if verb == "POST" else "in the query"
    seen = call.error.seen
    return Suggestion(
        f"{verb} instead of {seen}, parameters {place}", (Change("verb", "verb", verb),)
    )


def _method_withdrawn(call: RefusedCall) -> Suggestion:
    del call
    dial = 'requests.deprecated_methods = "serve"'
    return Suggestion(f"start the mock with an older --release, or with the dial {dial}")


def _bad_body(call: RefusedCall) -> Suggestion:
    body = call.request.body or b""
    if not body.strip() and call.request.query:
        return _as_json(call.request.query, "move the parameters from the query into a JSON body")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Suggestion(_JSON)
    found = parsed_json(text)
    if found is not None and isinstance(found[0], list):
        (value,) = found
        if len(value) == 1 and isinstance(value[0], Pairs):
            changes = (Change("body", "body", as_dicts(value[0])),)
            return Suggestion("send the object itself, without the array around it", changes)
    if found is not None and isinstance(found[0], str):
        inner = parsed_json(found[0])
        if inner is not None and isinstance(inner[0], Pairs):
            changes = (Change("body", "body", as_dicts(inner[0])),)
            return Suggestion("send the object itself, not a text that holds it", changes)
    if found is None and b"=" in body and not body.lstrip().startswith((b"{", b"[", b'"')):
        return _as_json(body, "send the parameters as a JSON object, not as a form")
    return Suggestion(_JSON)


def _as_json(encoded: bytes, what: str) -> Suggestion:
    """Suggest to put the parameters of a query or form into a JSON object."""
    try:
        pairs = query_pairs(encoded)
    except VendorError:
        return Suggestion(_JSON)
    names = list(dict.fromkeys(name for name, _ in pairs))
    if len(names) > 20 or any(len(name) > _MAX_LENGTH for name in names):
        return Suggestion(what)
    body = {name: _identified(value) for name, value in pairs}
    shown = ", ".join(f'"{MASK if is_secret(name) and len(name) > 30 else name}"' for name in names)
    return Suggestion(f"{what}: {{{shown}}}", (Change("body", "body", body),))


def _identified(text: str) -> Any:
    """Return the value of a query's parameter as a JSON body has it: identifiers as objects."""
    field, equals, value = text.partition("=")
    return {field: value} if equals and field in ("id", "number") else text


def _bad_charset(call: RefusedCall) -> Suggestion:
    if call.error.parameter == "Content-Type":
        right = "application/json; charset=utf-8"
        return Suggestion(f"Content-Type: {right}", (Change("header", "Content-Type", right),))
    if call.error.parameter != "body":
        return Suggestion(
            "percent-encode the bytes of UTF-8, such as %C3%A9 for an e with acute accent"
        )
    body = call.request.body or b""
    for beginning, (text, encoding) in _BEGINNINGS.items():
        if body.startswith(beginning):
            return Suggestion(text, _decoded(body, encoding))
    return Suggestion("encode the body as UTF-8")


def _decoded(body: bytes, encoding: str) -> tuple[Change, ...]:
    try:
        found = parsed_json(body.decode(encoding)) if encoding else None
    except ValueError:
        return ()
    if found is None or not isinstance(found[0], Pairs):
        return ()
    return (Change("body", "body", as_dicts(found[0])),)


def _body_too_large(call: RefusedCall) -> Suggestion:
    del call
    return Suggestion(f"send at most {MAX_BODY_BYTES} bytes")


def _misplaced_parameter(call: RefusedCall) -> Suggestion:
    if call.error.parameter == "body":
        return leave_out("body", ", and give the parameters in the query")
    return leave_out("query", ", and give the parameters in the JSON body")


FINDERS = {
    "unknown_method": _unknown_method,
    "wrong_verb": _wrong_verb,
    "method_withdrawn": _method_withdrawn,
    "bad_body": _bad_body,
    "bad_charset": _bad_charset,
    "body_too_large": _body_too_large,
    "misplaced_parameter": _misplaced_parameter,
}
