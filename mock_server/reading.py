"""From a request's bytes to named values, before anyone asks what they mean."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from crmcom_kit.mock_server.errors import BadBody, BadCharset, BodyTooLarge, InvalidValue, shown

#: Longest body that is read, in bytes. The longest sensible one has a few hundred.
MOST_BODY_BYTES = 1_048_576
_MOST_QUERY_PARAMETERS = 500
_SUPPORTED_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as a shell hands it over."""

    verb: str
    path: str  # below the API's base path, without slashes at its ends
    query: bytes = b""
    body: bytes | None = b""  # None where it is longer than MOST_BODY_BYTES
    content_type: str = ""
    authorization: str = ""


class Members(dict[str, Any]):
    """The members of a JSON object, and which names it had more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        """Take the members as they stood in the text."""
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.repeated = (
            frozenset(n for n in names if names.count(n) > 1)
            if len(self) < len(names)
            else frozenset()
        )


def _no_number(text: str) -> NoReturn:
    msg = f"{text} is no JSON"
    raise ValueError(msg)


_DECODER = json.JSONDecoder(object_pairs_hook=Members, parse_constant=_no_number)


def query_pairs(query: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a query, in order, repeated ones included.

    Raises:
        BadCharset: a name or value is not UTF-8.
        InvalidValue: too many parameters.
    """
    parts = [part for part in query.split(b"&") if part]
    if len(parts) > _MOST_QUERY_PARAMETERS:
        raise InvalidValue(
            "query", seen=f"{len(parts)} parameters", allowed=f"at most {_MOST_QUERY_PARAMETERS}"
        )
    return [(_text(name), _text(value)) for name, _, value in (p.partition(b"=") for p in parts)]


def _text(encoded: bytes) -> str:
    raw = unquote_to_bytes(encoded.replace(b"+", b" "))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        seen = shown(raw.decode("utf-8", "backslashreplace"))
        raise BadCharset("query", seen=seen, allowed="UTF-8, percent-encoded") from None


def body_members(request: RawRequest) -> Members:
    """Return the members of a request's JSON body.

    Raises:
        BodyTooLarge: the body is longer than MOST_BODY_BYTES.
        BadCharset: it says, or is, another charset than UTF-8.
        BadBody: it is empty, no JSON, or no object.
    """
    if request.body is None:
        raise BodyTooLarge("body", allowed=f"at most {MOST_BODY_BYTES} bytes")
    _check_charset(request.content_type)
    try:
        text = request.body.decode()
    except UnicodeDecodeError as error:
        seen = f"the byte 0x{request.body[error.start]:02x} at position {error.start}"
        raise BadCharset("body", seen=seen, allowed="UTF-8") from None
    if not text.strip():
        raise BadBody("body", seen="an empty body", allowed="a JSON object")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise BadBody("body", seen="too deep nesting", allowed="a JSON object") from None
    except ValueError as error:
        raise BadBody("body", seen=_why(error), allowed="a JSON object") from None
    if not isinstance(value, Members):
        raise BadBody("body", seen=json_type(value), allowed="a JSON object")
    return value


def _why(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON at line {error.lineno} column {error.colno} ({error.msg})"
    return shown(str(error)).strip('"')


def _check_charset(content_type: str) -> None:
    for part in content_type.split(";")[1:]:
        name, _, value = part.partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in _SUPPORTED_CHARSETS:
            raise BadCharset("Content-Type", seen=shown(charset), allowed="charset=utf-8")


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
