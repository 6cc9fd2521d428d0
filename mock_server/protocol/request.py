"""A request, and the raw names and values in its query or JSON body."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote_to_bytes

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.redaction import is_secret
from crmcom_kit.usage_errors import escaped, json_type, quoted

#: Maximum size of a body in bytes.
MAX_BODY_BYTES = 1_048_576
_MAX_QUERY_PARAMETERS = 500
_TOO_DEEP = "nesting that is too deep"


class Request(NamedTuple):
    """A request to the API."""

    verb: str
    path: str  # below the API's base path, without slashes at its ends
    query: bytes = b""
    body: bytes | None = b""  # None if it is longer than MAX_BODY_BYTES
    content_type: str = ""
    authorization: str = ""
    client: str | None = None  # the caller's address; None for a call without a socket
    headers: Mapping[str, str] = {}  # as CGI names them, HTTP_ACCEPT and so on


class Members(dict[str, Any]):
    """The members of a JSON object, and its repeated names."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        """Set the members in the order of the text; the last of a repeated name counts."""
        super().__init__(pairs)
        self.duplicates: frozenset[str] = frozenset()
        if len(self) < len(pairs):
            self.duplicates = find_duplicates(name for name, _ in pairs)


def find_duplicates(names: Iterable[str]) -> frozenset[str]:
    """Return the ``names`` that occur more than once."""
    return frozenset(name for name, times in Counter(names).items() if times > 1)


def _refuse_constant(text: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's decoder accepts. Raises ValueError."""
    msg = f"{text}, which JSON does not have"
    raise ValueError(msg)


_DECODER = json.JSONDecoder(object_pairs_hook=Members, parse_constant=_refuse_constant)


def query_pairs(query: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a query in order, including repeated ones.

    Raises:
        VendorError: a name or value is not UTF-8 (bad_charset), or there are too many
            parameters (invalid_value).
    """
    parts = [part for part in query.replace(b"+", b" ").split(b"&") if part]
    if len(parts) > _MAX_QUERY_PARAMETERS:
        size, allowed = f"{len(parts)} parameters", f"at most {_MAX_QUERY_PARAMETERS}"
        raise VendorError("invalid_value", "query", seen=size, allowed=allowed)
    pairs = []
    for part in parts:
        encoded_name, _, encoded_value = part.partition(b"=")
        name = _decode(encoded_name, "query")
        pairs.append((name, _decode(encoded_value, name)))
    return pairs


def _decode(text: bytes, name: str) -> str:
    raw = unquote_to_bytes(text)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        value = quoted(raw.decode("utf-8", "backslashreplace"), secret=is_secret(name))
        raise _bad_charset(escaped(name), value, "UTF-8, percent-encoded") from None


def body_members(request: Request) -> Members:
    """Return the members of a request's JSON body.

    Raises:
        VendorError: the body is longer than MAX_BODY_BYTES (body_too_large), is not UTF-8
            (bad_charset), or is not a JSON object (bad_body).
    """
    if request.body is None:
        limit = f"{MAX_BODY_BYTES} bytes"
        size, allowed = f"more than {limit}", f"at most {limit}"
        raise VendorError("body_too_large", "body", seen=size, allowed=allowed)
    text = body_text(request.body)
    if not text.strip():
        raise _bad_body("nothing")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise _bad_body(_TOO_DEEP) from None
    except ValueError as error:
        is_form = request.content_type.startswith("application/x-www-form-urlencoded")
        raise _bad_body(json_problem(error), "a form" if is_form else "not JSON") from None
    if not isinstance(value, Members):
        raise _bad_body(json_type(value))
    return value


def _bad_body(seen: str, form: str = "") -> VendorError:
    allowed = "a JSON object that holds the parameters"
    return VendorError("bad_body", "body", seen=seen, allowed=allowed, form=form)


def json_problem(error: ValueError) -> str:
    """Return the reason why a string is not JSON."""
    if isinstance(error, json.JSONDecodeError):
        return f"a string that is not JSON from line {error.lineno}, column {error.colno} on"
    if "digits" in str(error):  # Python's limit for integers, with advice about Python
        return "a number with too many digits"
    return str(error)


def body_text(body: bytes) -> str:
    """Return a body as text. Raises VendorError if it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        problem = f"the byte 0x{body[error.start]:02x} at position {error.start}"
        raise _bad_charset("body", problem, "UTF-8, not compressed") from None


def _bad_charset(parameter: str, seen: str, allowed: str) -> VendorError:
    return VendorError("bad_charset", parameter, seen=seen, allowed=allowed)
