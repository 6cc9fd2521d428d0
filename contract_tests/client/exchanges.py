"""A call as it was sent, and the exchange of call and response.

Checks are pure functions over these; nothing here does any I/O.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import orjson

#: So many webhook requests of one list are read.
MAX_RECORDS = 5_000

#: What ``Exchange.json`` is where the answer is no JSON.
NOT_JSON: Any = object()


@dataclass(frozen=True, slots=True)
class Call:
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


@dataclass(frozen=True)
class Exchange:
    """One call and its answer."""

    number: int  # counts from 1 in one run
    call: Call
    status: int
    headers: tuple[tuple[str, str], ...]
    content: bytes
    seconds: float  # how long the answer took

    def header(self, name: str) -> str | None:
        """Return the answer's header ``name``, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @cached_property
    def json(self) -> Any:
        """The answer's JSON, or ``NOT_JSON``; equal answers may share it, so it is not changed."""
        return _shared(self.content) if len(self.content) <= _SHORT else parsed(self.content)

    @cached_property
    def envelope(self) -> Mapping[str, Any]:
        """The answer's outer object; empty where it is none."""
        return self.json if isinstance(self.json, dict) else {}

    @cached_property
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
    def data(self) -> Any:
        """What the envelope carries, or None."""
        return self.envelope.get("data")

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The webhook requests that the answer carries."""
        found = self.data if isinstance(self.data, list) else [self.data]
        return [each for each in found[:MAX_RECORDS] if isinstance(each, dict)] if self.ok else []

    @cached_property
    def count(self) -> int:
        """How many webhook requests the answer carries, known without its body."""
        return len(self.data) if self.is_cut else len(self.records)

    @cached_property
    def is_cut(self) -> bool:
        """Whether the answer carries more than ``records`` has."""
        return self.ok and isinstance(self.data, list) and len(self.data) > MAX_RECORDS

    # Where a body is put away, see ``bodies``.

    def put_away(self, fetch: Callable[[], None]) -> None:
        """Let go of the body and of all that was read from it; ``fetch`` gives the body back."""
        _ = self.ok, self.count, self.is_cut  # small, and asked for often
        for name in ("content", "json", "envelope", "code", "records"):
            self.__dict__.pop(name, None)
        self.__dict__["_fetch"] = fetch

    def take_back(self, content: bytes) -> None:
        """Have the body again."""
        self.__dict__["content"] = content

    if not TYPE_CHECKING:  # for a type checker every other name would be an attribute, too

        def __getattr__(self, name: str) -> Any:
            """Fetch a body that was put away."""
            if name != "content" or "_fetch" not in self.__dict__:
                raise AttributeError(name)
            self.__dict__["_fetch"]()
            return self.__dict__["content"]


def parsed(content: bytes) -> Any:
    """Return the value of a JSON text, or ``NOT_JSON``; so is what is nested too deep to compare.

    orjson is many times as fast; json alone knows other encodings, and decides.
    """
    try:
        value = orjson.loads(content)
    except ValueError:
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            return NOT_JSON
    return NOT_JSON if _is_deep(value) else value


#: So many levels JSON may have. Python compares and writes no more than a thousand, less those of
#: the functions that are at work.
MAX_LEVELS = 200


def _is_deep(value: Any) -> bool:
    level: list[Any] = [[value]]
    for _ in range(MAX_LEVELS):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def containers(content: bytes) -> int:
    """Return how many objects and arrays a JSON text has, or a few more: what takes memory."""
    return content.count(b"{") + content.count(b"[")


#: Sequences of calls get the same answers over and over. Bodies up to this length are parsed once.
_SHORT = 128 * 1024
_shared = lru_cache(maxsize=64)(parsed)


def token_of(exchange: Exchange) -> str | None:
    """Return the token that a login returned, or None."""
    token = exchange.data.get("token") if isinstance(exchange.data, dict) else None
    return token if exchange.ok and isinstance(token, str) and token else None
