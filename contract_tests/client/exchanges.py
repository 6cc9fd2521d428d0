"""A call as it was sent, and the exchange of call and response; nothing here does any I/O."""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any
from weakref import WeakValueDictionary

import orjson

from crmcom_kit.redaction import redact_query

#: A gateway responds with these if it has no server to pass a request to; it may speak JSON, too.
OUTAGES = (502, 503, 504)
#: The status of an exchange without a response.
NO_RESPONSE = 0
#: What ``Exchange.json`` is if the response is no JSON.
NOT_JSON: Any = object()


class InOneLine:
    """Is printed by Hypothesis as ``repr`` has it, and not with each member."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Any, _cycle: object) -> None:
        printer.text(repr(self))


@dataclass(frozen=True, slots=True, repr=False)
class Call(InOneLine):
    """One request, exactly as it goes out below the target's base URL.

    ``query`` is the query string as it stands, percent-encoded or not. ``parameters`` are the
    values that it was built from, where it was built from any: what the kit's model reads.
    """

    method: str  # the API method's name, such as "show"; "" where it is none
    verb: str
    path: str  # below the base URL, without a slash in front
    query: str = ""
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Show the request in a line, without secrets: Hypothesis and pytest print it."""
        query = f"?{redact_query(self.query)}" if self.query else ""
        body = "" if self.body is None else f", a body of {len(self.body)} bytes"
        return f"<Call {self.verb} {self.path}{query}{body}>"


class Packed:
    """A long body, compressed: lists may be megabytes long, and many of them are equal."""

    __slots__ = ("__weakref__", "content")

    def __init__(self, content: bytes) -> None:
        """Compress ``content``."""
        self.content = zlib.compress(content, 1)


#: Those that some exchange has, by the digest of what is in them.
_PACKED: WeakValueDictionary[bytes, Packed] = WeakValueDictionary()


class Exchange:
    """One call and its response. A long body is kept once, and compressed."""

    def __init__(
        self,
        number: int,
        call: Call,
        status: int,
        headers: tuple[tuple[str, str], ...],
        content: bytes,
        seconds: float,
    ) -> None:
        """Keep a response with status, headers and body.

        Args:
            number: counts from 1 in one run.
            call: what was asked.
            status: of HTTP.
            headers: names and values.
            content: the body.
            seconds: how long the response took.
        """
        self.number, self.call = number, call
        self.status, self.headers, self.seconds = status, headers, seconds
        self._body: bytes | Packed = content
        self._kept = len(content)
        if len(content) > _SHORT:
            key = blake2b(content, digest_size=16).digest()
            known = _PACKED.get(key)
            self._body = known or _PACKED.setdefault(key, Packed(content))
            self._kept = 0 if known else len(self._body.content)

    @property
    def content(self) -> bytes:
        """The response's body."""
        body = self._body
        return zlib.decompress(body.content) if isinstance(body, Packed) else body

    @property
    def size(self) -> int:
        """About how many bytes it takes, beside a body that an earlier one has."""
        call, heads = self.call, sum(len(name) + len(value) for name, value in self.headers)
        return self._kept + heads + len(call.query) + len(call.body or b"")

    def header(self, name: str) -> str | None:
        """Return the response's header ``name``, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def json(self) -> Any:
        """The response's JSON, or ``NOT_JSON``; equal responses may share it: it is not changed."""
        body = self._body
        return _of_long(body) if isinstance(body, Packed) else _of_short(body)

    @property
    def envelope(self) -> Mapping[str, Any]:
        """The response's outer object; empty if it is none."""
        found = self.json
        return found if isinstance(found, dict) else {}

    @property
    def code(self) -> Any:
        """The status code of the envelope, or None."""
        status = self.envelope.get("status")
        return status.get("code") if isinstance(status, dict) else None

    @property
    def message(self) -> Any:
        """The status message of the envelope, or None."""
        status = self.envelope.get("status")
        return status.get("message") if isinstance(status, dict) else None

    @cached_property
    def ok(self) -> bool:
        """Whether the call was served: the envelope says OK, and HTTP does not say otherwise."""
        return self.code == "OK" and self.status < 400

    @property
    def wording(self) -> tuple[int, Any]:
        """How a refusal is told from others: HTTP status and code; an odd code as its text."""
        return self.status, str(self.code) if isinstance(self.code, list | dict) else self.code

    @property
    def data(self) -> Any:
        """What the envelope carries, or None."""
        return self.envelope.get("data")

    @property
    def records(self) -> list[dict[str, Any]]:
        """The webhook requests that the response carries."""
        data = self.data if self.ok else None
        return [
            each for each in (data if isinstance(data, list) else [data]) if isinstance(each, dict)
        ]

    @property
    def marks(self) -> Sequence[int]:
        """A number for each of ``records``, in their order: equal JSON has equal ones."""
        return _marks(self)

    @property
    def by_id(self) -> dict[str, dict[str, Any]]:
        """The webhook requests that the response carries, by id; what has none is left out."""
        return {each["id"]: each for each in self.records if isinstance(each.get("id"), str)}


#: So many levels of JSON are read. Python compares and writes no more than a thousand, less those
#: of the functions that are at work.
MAX_LEVELS = 200
#: Texts, and where a level begins or ends.
_MARKS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


def has_code(exchange: Exchange) -> bool:
    """Whether a response has a code that a mock can have: a text, or a number."""
    return isinstance(exchange.code, str | int) and not isinstance(exchange.code, bool)


def parsed(content: bytes) -> Any:
    """Return the value of a JSON text, or ``NOT_JSON``; what is nested too deep is null."""
    try:
        try:
            value = _loaded(content)
            if not _is_deep(value):
                return value
        except RecursionError:
            pass
        return _loaded(_without_depths(content))
    except (ValueError, RecursionError):
        return NOT_JSON


def _loaded(content: bytes) -> Any:
    try:
        return orjson.loads(content)  # many times as fast
    except ValueError:
        return json.loads(content)  # knows other encodings, and decides


def _without_depths(content: bytes) -> bytes:
    """Return a JSON text with null for each value that is nested too deep."""
    text = content.decode(json.detect_encoding(content), "surrogatepass")
    pieces: list[str] = []
    level = begin = 0
    for mark in _MARKS.finditer(text):
        if mark[0] in ("[", "{"):
            level += 1
            if level == MAX_LEVELS + 1:
                pieces.append(text[begin : mark.start()])
        elif mark[0] in ("]", "}"):
            level -= 1
            if level == MAX_LEVELS:
                begin = mark.end()
                pieces.append("null")
    if level <= MAX_LEVELS:  # else the last one has no end
        pieces.append(text[begin:])
    return "".join(pieces).encode("utf-8", "surrogatepass")


def _is_deep(value: Any) -> bool:
    level: list[Any] = [[value]]
    for _ in range(MAX_LEVELS + 1):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, (dict, list))  # a union would be made each time
        ]
        if not level:
            return False
    return True


def containers(content: bytes) -> int:
    """Return how many objects and arrays a JSON text has, or a few more: what takes memory."""
    return content.count(b"{") + content.count(b"[")


#: Up to so many bytes a body is short. Sequences of calls get the same ones over and over.
_SHORT = 128 * 1024
_of_short = lru_cache(maxsize=64)(parsed)


@lru_cache(maxsize=2)  # of which Python takes many times the memory
def _of_long(body: Packed) -> Any:
    return parsed(zlib.decompress(body.content))


@lru_cache(maxsize=2)
def _marks(exchange: Exchange) -> Sequence[int]:
    return [hash(encoded(record)) for record in exchange.records]


def encoded(value: Any, option: int = 0) -> bytes:
    """Return a value as JSON; ``option`` is one of orjson's."""
    try:
        return orjson.dumps(value, option=option)
    except TypeError:  # half a character, a number of many digits
        return json.dumps(value, sort_keys=bool(option)).encode()


#: The methods that return a token.
LOGINS = ("token", "web_api_key_token")


def token_of(exchange: Exchange) -> str | None:
    """Return the token that a login returned, or None."""
    token = exchange.data.get("token") if isinstance(exchange.data, dict) else None
    return token if exchange.ok and isinstance(token, str) and token else None
