"""A request as it was sent, and the exchange of request and response; no I/O."""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any, Final
from weakref import WeakValueDictionary

import orjson

from crmcom_kit.redaction import redact_query

#: The statuses of a gateway that has no server to pass a request to; its body may be JSON, too.
OUTAGES = (502, 503, 504)
#: The status of an exchange without a response.
NO_RESPONSE = 0
#: The value of ``Exchange.json`` if the response is not JSON.
NOT_JSON: Any = object()
#: The methods that return a token.
LOGINS = ("token", "web_api_key_token")
#: The maximum number of bytes of a short body. Many exchanges have the same one.
MAX_SHORT_BODY = 128 * 1024
#: The maximum number of levels of JSON. Python compares and writes no more than a thousand, less
#: those of the functions that are running.
MAX_LEVELS = 200
#: Strings, and brackets where a level begins or ends.
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


class InOneLine:
    """Hypothesis prints it by its ``repr``, and not with each member."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Any, _cycle: object) -> None:
        printer.text(repr(self))


@dataclass(frozen=True, slots=True, repr=False)
class Call(InOneLine):
    """One request, exactly as it is sent below the target's base URL.

    What it asks for, as the oracle reads it, is ``oracle.parsing.Request``.

    ``query`` is the query string as it is sent, percent-encoded or not. ``parameters`` are the
    values that the request was built of, if any; the oracle reads them.
    """

    method: str  # the API method's name, such as "show"; "" if it has none
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


#: Those of living exchanges, by the digest of their content.
_PACKED: WeakValueDictionary[bytes, Packed] = WeakValueDictionary()


class Exchange:
    """One request and its response, unchangeable. Equal long bodies are kept once, compressed."""

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
            call: the request.
            status: the HTTP status.
            headers: names and values.
            content: the body.
            seconds: how long the response took.
        """
        self.number: Final = number
        self.call: Final = call
        self.status: Final = status
        self.headers: Final = headers
        self.seconds: Final = seconds
        body: bytes | Packed = content
        size = len(content)
        if len(content) > MAX_SHORT_BODY:
            key = blake2b(content, digest_size=16).digest()
            earlier_body = _PACKED.get(key)
            body = earlier_body or _PACKED.setdefault(key, Packed(content))
            size = 0 if earlier_body else len(body.content)
        self._body: Final = body
        self._size: Final = size

    def changed(self, *, number: int | None = None, call: Call | None = None) -> "Exchange":
        """Return a copy with another number or another request; the body is shared."""
        exchange = copy(self)
        vars(exchange)["number"] = self.number if number is None else number
        vars(exchange)["call"] = call or self.call
        return exchange

    @property
    def content(self) -> bytes:
        """The response's body."""
        body = self._body
        return zlib.decompress(body.content) if isinstance(body, Packed) else body

    @property
    def size(self) -> int:
        """About how many bytes it takes, without a body that an earlier exchange has."""
        call, heads = self.call, sum(len(name) + len(value) for name, value in self.headers)
        return self._size + heads + len(call.query) + len(call.body or b"")

    def header(self, name: str) -> str | None:
        """Return the response's header ``name``, or None."""
        lower = name.lower()
        return next((value for key, value in self.headers if key.lower() == lower), None)

    @property
    def json(self) -> Any:
        """The response's JSON, or ``NOT_JSON``. Equal responses may share it: don't change it."""
        body = self._body
        return _parsed_long(body) if isinstance(body, Packed) else _parsed_short(body)

    @property
    def envelope(self) -> Mapping[str, Any]:
        """The response's outer object; empty if the JSON is no object."""
        value = self.json
        return value if isinstance(value, dict) else {}

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
        """Whether the request was served: the envelope says OK, and HTTP says no error."""
        return self.code == "OK" and self.status < 400

    @property
    def wording(self) -> tuple[int, Any]:
        """HTTP status and code, which distinguish refusals; a code of an odd type is its text."""
        return self.status, str(self.code) if isinstance(self.code, list | dict) else self.code

    @property
    def data(self) -> Any:
        """The data of the envelope, or None."""
        return self.envelope.get("data")

    @property
    def records(self) -> list[dict[str, Any]]:
        """The webhook requests in the response."""
        data = self.data if self.ok else None
        values = data if isinstance(data, list) else [data]
        return [value for value in values if isinstance(value, dict)]

    @property
    def record_hashes(self) -> Sequence[int]:
        """A number for each of ``records``, in their order. Equal JSON has equal numbers."""
        return _record_hashes(self)

    @property
    def by_id(self) -> dict[str, dict[str, Any]]:
        """The webhook requests in the response by their ids, without those that have none."""
        return {
            record["id"]: record for record in self.records if isinstance(record.get("id"), str)
        }


def has_code(exchange: Exchange) -> bool:
    """Return whether a response has a code that a mock can have: a text, or a number."""
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
        return orjson.loads(content)  # many times faster
    except ValueError:
        return json.loads(content)  # knows other encodings, and has the last word


def _without_depths(content: bytes) -> bytes:
    """Return a JSON text with null for each value that is nested too deep."""
    text = content.decode(json.detect_encoding(content), "surrogatepass")
    pieces: list[str] = []
    level = begin = 0
    for token in _TOKENS.finditer(text):
        if token[0] in ("[", "{"):
            level += 1
            if level == MAX_LEVELS + 1:
                pieces.append(text[begin : token.start()])
        elif token[0] in ("]", "}"):
            level -= 1
            if level == MAX_LEVELS:
                begin = token.end()
                pieces.append("null")
    if level <= MAX_LEVELS:  # else the last one has no end
        pieces.append(text[begin:])
    return "".join(pieces).encode("utf-8", "surrogatepass")


def _is_deep(value: Any) -> bool:
    level: list[Any] = [[value]]
    for _ in range(MAX_LEVELS + 1):
        level = [
            inner
            for container in level
            for inner in (container.values() if isinstance(container, dict) else container)
            if isinstance(inner, (dict, list))  # a union would be made each time
        ]
        if not level:
            return False
    return True


def containers(content: bytes) -> int:
    """Return how many objects and arrays a JSON text has, or a few more: they take the memory."""
    return content.count(b"{") + content.count(b"[")


_parsed_short = lru_cache(maxsize=64)(parsed)


@lru_cache(maxsize=2)  # as Python objects it takes many times the memory
def _parsed_long(body: Packed) -> Any:
    return parsed(zlib.decompress(body.content))


@lru_cache(maxsize=2)
def _record_hashes(exchange: Exchange) -> Sequence[int]:
    return [hash(encoded(record)) for record in exchange.records]


def encoded(value: Any, option: int = 0) -> bytes:
    """Return a value as JSON; ``option`` is one of orjson's."""
    try:
        return orjson.dumps(value, option=option)
    except TypeError:  # half a surrogate pair, a number of many digits
        return json.dumps(value, sort_keys=bool(option)).encode()


def token_of(exchange: Exchange) -> str | None:
    """Return the token that a login returned, or None."""
    token = exchange.data.get("token") if isinstance(exchange.data, dict) else None
    return token if exchange.ok and isinstance(token, str) and token else None
