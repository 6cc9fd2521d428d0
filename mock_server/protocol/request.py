"""From a request's bytes to named values, before anyone asks what they mean."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote_to_bytes

from crmcom_kit.mock_server.protocol.errors import BadBody, BadCharset, BodyTooLarge, InvalidValue
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.redaction import is_secret

#: Longest body that is read, in bytes. The longest sensible one has a few hundred.
MAX_BODY_BYTES = 1_048_576
_MAX_QUERY_PARAMETERS = 500
_SUPPORTED_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
# What a body that is not plain UTF-8 begins with, and what to call it.
_BEGINNINGS = {
    b"\xef\xbb\xbf": "a byte order mark",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "gzip",
}


class Request(NamedTuple):
    """A request as a shell hands it over."""

    verb: str
    path: str  # below the API's base path, without slashes at its ends
    query: bytes = b""
    body: bytes | None = b""  # None where it is longer than MAX_BODY_BYTES
    content_type: str = ""
    authorization: str = ""
    prefer: str = ""  # the header X-Mock-Prefer
    client: str | None = None  # the caller's address; None for a call without a socket
    headers: Mapping[str, str] = {}  # as CGI names them, HTTP_ACCEPT and so on


class Members(dict[str, Any]):
    """The members of a JSON object, and which names it had more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        """Take the members as they stood in the text."""
        super().__init__(pairs)
        self.repeated: frozenset[str] = (
            repeated(name for name, _ in pairs) if len(self) < len(pairs) else frozenset()
        )


def repeated(names: Iterable[str]) -> frozenset[str]:
    """Return those of ``names`` that occur more than once."""
    return frozenset(name for name, times in Counter(names).items() if times > 1)


def refuse_constant(text: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads as numbers. Raises ValueError."""
    msg = f"{text}, which JSON does not have"
    raise ValueError(msg)


_DECODER = json.JSONDecoder(object_pairs_hook=Members, parse_constant=refuse_constant)


def query_pairs(query: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a query, in order, repeated ones included.

    Raises:
        BadCharset: a name or value is not UTF-8.
        InvalidValue: too many parameters.
    """
    parts = [part for part in query.split(b"&") if part]
    if len(parts) > _MAX_QUERY_PARAMETERS:
        raise InvalidValue(
            "query", seen=f"{len(parts)} parameters", allowed=f"at most {_MAX_QUERY_PARAMETERS}"
        )
    pairs = []
    for encoded_name, _, encoded_value in (part.partition(b"=") for part in parts):
        name = _text(encoded_name, of="query")
        pairs.append((name, _text(encoded_value, of=name)))
    return pairs


def _text(encoded: bytes, *, of: str) -> str:
    raw = unquote_to_bytes(encoded.replace(b"+", b" "))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "backslashreplace")
        seen = quoted(text, secret=is_secret(of))
        parameter = quoted(of).strip('"')
        raise BadCharset(parameter, seen=seen, allowed="UTF-8, percent-encoded") from None


def body_members(request: Request) -> Members:
    """Return the members of a request's JSON body.

    Raises:
        BodyTooLarge: the body is longer than MAX_BODY_BYTES.
        BadCharset: it says, or is, another charset than UTF-8.
        BadBody: it is empty, no JSON, or no object.
    """
    if request.body is None:
        most = f"{MAX_BODY_BYTES} bytes"
        raise BodyTooLarge("body", seen=f"more than {most}", allowed=f"at most {most}")
    text = body_text(request.body, request.content_type)
    allowed = "a JSON object that holds the parameters"
    if not text.strip():
        raise BadBody("body", seen="nothing", allowed=allowed)
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise BadBody("body", seen="too deep nesting", allowed=allowed) from None
    except ValueError as error:
        raise BadBody("body", seen=why(error), allowed=allowed) from None
    if not isinstance(value, Members):
        raise BadBody("body", seen=json_type(value), allowed=allowed)
    return value


def why(error: ValueError) -> str:
    """Say why a text is no JSON."""
    if isinstance(error, json.JSONDecodeError):
        return f"a text that is no JSON from line {error.lineno}, column {error.colno} on"
    if "digits" in str(error):  # Python's limit for whole numbers, in words about Python
        return "a number with too many digits"
    return str(error)


def body_text(body: bytes, content_type: str) -> str:
    """Return a body as text. Raises BadCharset where it says, or is, another one than UTF-8."""
    allowed = "UTF-8 without a byte order mark, not compressed"
    for part in content_type.split(";")[1:]:
        name, _, value = part.partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in _SUPPORTED_CHARSETS:
            raise BadCharset("Content-Type", seen=quoted(charset), allowed="charset=utf-8")
    for beginning, what in () if body.startswith(b"{") else _BEGINNINGS.items():
        if body.startswith(beginning):
            raise BadCharset("body", seen=what, allowed=allowed)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        seen = f"the byte 0x{body[error.start]:02x} at position {error.start}"
        raise BadCharset("body", seen=seen, allowed=allowed) from None


def json_type(value: object) -> str:
    """Return the JSON name of a value's type."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
