"""Bodies, headers and messages as they are shown: whatever is a secret by its name or as it stands.

A secret is what a name says (``masking.is_secret``), and besides whatever a login of the world gave
out, wherever it stands: a token under a misspelt name is a token still.
"""

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES, refuse_constant
from crmcom_kit.mock_server.redaction import MASK, is_secret, masked_query

if TYPE_CHECKING:
    from crmcom_kit.mock_server.world.world import World

_NAMES = "token|password|authorization|api[-_ ]?key"
# In a message or a broken answer: a secret's name and, behind = or in JSON's spelling, its value,
# but for the ... that stands for one in a suggestion.
_NAMED = re.compile(
    rf"""((?:{_NAMES})[\w.\[\]-]{{0,40}}(?:=|%(?:25)*3D|\\*"\s*:\s*\\*"))(?!\.\.\.(?:["\s\\&]|$))[^\s&"\\]+""",
    re.IGNORECASE,
)
_MIN_LENGTH = 6  # characters of a secret that can be told from other words
_WORD = re.compile(rf"[A-Za-z0-9_.-]{{{_MIN_LENGTH},}}")
_PUBLIC_PASSWORD = "crmcom-kit"  # in README: the default, and a word of many a user agent
_FORM = re.compile(r'[^\s{}\[\]"]*')
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_PAST_INT64 = 2**63


class Pairs(list[tuple[str, Any]]):
    """A JSON object as it stood: its members in order, repeated ones included."""


class Secrets:
    """The secrets of one world that are known as they stand."""

    def __init__(
        self,
        words: Iterable[str] = (),
        *,
        is_token: Callable[[str], bool] = frozenset().__contains__,
    ) -> None:
        """Know ``words`` and tokens; those too short to be told from others are left out."""
        self._words = frozenset(words)
        self._is_token = is_token

    def hide(self, text: str) -> str:
        """Return ``text`` without them."""
        return _WORD.sub(self._hidden, text)

    def _hidden(self, found: re.Match[str]) -> str:
        word = found[0]
        bare = word.strip("._-")
        known = self._knows(word) or (bare != word and self._knows(bare))
        return MASK if known else word

    def _knows(self, word: str) -> bool:
        return len(word) >= _MIN_LENGTH and (word in self._words or self._is_token(word))

    def query(self, query: str) -> str:
        """Return a query as it is shown."""
        return self.hide(masked_query(query))

    def header(self, name: str, value: str) -> str:
        """Return a header's value as it is shown."""
        plain = value.replace("_token", "") if name == "X-Mock-Prefer" else value  # kinds of error
        secret = is_secret(name) or is_secret(plain) or name == "Cookie"
        return MASK if secret else self.hide(printable(value))

    def message(self, text: str) -> str:
        """Return a text of the mock's own as it is shown: it may quote a caller's."""
        return self.hide(_NAMED.sub(rf"\1{MASK}", printable(text)))

    def value(self, name: str, value: Any) -> Any:
        """Return a parameter's value as it is shown, a JSON value."""
        if is_secret(name):
            return MASK
        if isinstance(value, Pairs):
            return {shown_name(key): self.value(key, part) for key, part in value}
        if isinstance(value, dict):
            return {shown_name(key): self.value(key, part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.value("", part) for part in value]
        if isinstance(value, str):
            return MASK if is_secret(value) else self.hide(printable(value))
        return _number(value)

    def asked(self, body: bytes | None) -> str:
        """Return a request's body as it is shown: as it stood, where nothing of it is secret."""
        if body is None:
            return f"(more than {MAX_BODY_BYTES} bytes)"
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return f"({len(body)} bytes that are not UTF-8)"
        if "\0" in text:
            return f"({len(body)} bytes that are no text)"
        parsed = parsed_json(text)
        if parsed is not None:
            try:
                masked = _written(parsed[0], self.value)
                return text if masked == _written(parsed[0], _as_it_is) else masked
            except RecursionError:
                return f"({len(body)} bytes of JSON that is nested too deep)"
        if not is_secret(_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)):
            return self.hide(printable(text))
        if _FORM.fullmatch(text) and "\\" not in text:
            return self.query(text)
        return f"{MASK} ({len(body)} bytes that are no JSON)"

    def answered(self, body: bytes) -> str:
        """Return an answer's body as it is shown."""
        text = body.decode("utf-8", "backslashreplace")
        if is_secret(text):
            parsed = parsed_json(text)
            if parsed is None:
                return self.message(text)
            masked = _written(parsed[0], self._answered, separators=(",", ":"))
            if masked != _written(parsed[0], _as_it_is, separators=(",", ":")):
                text = masked
        return self.hide(printable(text))

    def _answered(self, name: str, value: Any) -> Any:
        """Mask by the names of members alone: messages speak of tokens without showing any."""
        if is_secret(name) and value is not None:
            return MASK
        return self.message(value) if isinstance(value, str) else _number(value)


def secrets_of(world: "World") -> Secrets:
    """Return what is secret in ``world``: its credentials now, and whatever tokens it has."""
    right = world.config.settings.credentials
    password = () if right.password == _PUBLIC_PASSWORD else (right.password,)
    return Secrets((right.api_key, *password), is_token=world.tokens.knows)


def _as_it_is(name: str, value: Any) -> Any:
    del name
    return printable(value) if isinstance(value, str) else _number(value)


def _written(
    value: Any,
    shown: Callable[[str, Any], Any],
    name: str = "",
    separators: tuple[str, str] = (", ", ": "),
) -> str:
    """Write a parsed value with each scalar as ``shown`` says, and repeated members kept."""
    comma, colon = separators
    if isinstance(value, Pairs) and not is_secret(name):
        members = (
            f"{_dumped(shown_name(key))}{colon}{_written(part, shown, key, separators)}"
            for key, part in value
        )
        return f"{{{comma.join(members)}}}"
    if isinstance(value, list) and not is_secret(name):
        return f"[{comma.join(_written(part, shown, '', separators) for part in value)}]"
    return _dumped(shown(name, value))


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def shown_name(name: str) -> str:
    """Return a parameter's name as it is shown: what stands in it beside a secret's name is one."""
    if not is_secret(name):
        return printable(name)
    return MASK if "&" in name else masked_query(f"{name}=").partition("=")[0]


def printable(text: str) -> str:
    """Return ``text`` as JSON and UTF-8 can carry it: without halves of surrogate pairs."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def parsed_json(text: str) -> tuple[Any] | None:
    """Return the value of a JSON text, alone in a tuple; None where it is none."""
    try:
        return (json.loads(text, object_pairs_hook=Pairs, parse_constant=refuse_constant),)
    except (ValueError, RecursionError):
        return None


def _number(value: Any) -> Any:
    """Return a scalar that every reader of JSON takes: no infinity, no endless whole number."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not -_PAST_INT64 <= value < _PAST_INT64:
        return str(value) if abs(value) < 10**100 else "(a number of more than 100 digits)"
    return value
