"""Redaction: hides secrets in everything that the mock and the kit show.

A value is a secret by the name (``is_secret``) of its parameter, header or member, or because it is
known: a password, a key, a token that a login returned. A known secret is hidden in every place as
a complete word, also percent-encoded or with the escapes of JSON or Python. Names stay. A part of a
word is never hidden, since the rest would reveal it. For the same reason, a secret that may be an
ordinary word (``is_guessable``) is hidden only after a secret's name.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

#: Shown instead of a secret.
MASK = "***"
#: The default password of a mock: documented, and the name of this project.
PUBLIC_PASSWORD = "crmcom-kit"
#: Shorter tokens, and shorter secrets without a digit, look like other words.
MIN_LENGTH = 6
_MIN_ODD = 4

#: A pattern that matches in the name of a secret.
SECRET_WORDS = r"(?:token|passw(?:or)?d|authorization|api[-_ +]?key|secret)"
_FLAGS = re.IGNORECASE | re.DOTALL
_SECRET = re.compile(SECRET_WORDS, _FLAGS)
_SECRET_HEADER = re.compile(
    r"(?:.*[-_])?(?:auth|authorization|cookie|key|passw(?:or)?d|secret|token)(?:[-_].*)?", _FLAGS
)
_NAME = rf"{SECRET_WORDS}[\w.\[\]-]{{0,40}}"
# A value may end with the text: a secret that was cut is still a secret.
_MEMBER = re.compile(
    rf"""({_NAME}\\*["']\s*:\s*)(\\*["'])((?:\\.|[^\\]|\\\Z)*?)(?=\2|\Z)""", _FLAGS
)
_UNQUOTED = re.compile(rf"""{_NAME}\\*["']\s*:\s*([\[{{]|-?\d)""", _FLAGS)
_ELEMENT = re.compile(rf"({_NAME}>)([^<]+)", _FLAGS)
_PAIR = re.compile(rf"""({_NAME}(?:=|%(?:25)*3D)["']?)([^\s&"'\\<>]+)""", _FLAGS)
# A literal without an end extends to the text's end: otherwise every quote would be tried.
_LITERAL = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_FORM = re.compile(r'[^\s{}\[\]"\\]*')
# A word that may be a token.
_WORD = re.compile(rf"[\w.-]{{{_MIN_ODD},}}")
_DOTS, _MARKS = re.compile(r"\.+"), re.compile(r"[._-]+")
#: Slashes, user and password, and the at sign of a URL, in every encoding. Bounded: a text may be
#: all slashes.
USER_INFO = re.compile(
    r"""([/\\%](?:(?<!%)|(?:25)*(?:2F|5C))(?:[/\\]|%(?:25)*(?:2F|5C)))"""
    r"""([^\s/\\?#"'<>@]{1,200}?)(@|%(?:25)*40)""",
    re.IGNORECASE,
)
_USER = re.compile(r"^((?:[^/?#@]*:/{1,3})?)[^/?#]*@")
_DECODER = json.JSONDecoder()
# Each alternative begins with a character, so ``re`` goes straight to the next one of them.
_ENCODED = re.compile(
    r"""%([0-9a-fA-F]{2}(?:%[0-9a-fA-F]{2})*)|\\u([0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*)"""
    r"""|\\(?:x([0-9a-fA-F]{2})|(["'\\/])|[bfnrt])"""
)
_MAX_LAYERS = 10
_PAST_INT64 = 2**63


def is_secret(name: str) -> bool:
    """Return True if a parameter with this name, in any encoding, has a secret value."""
    return _SECRET.search(name) is not None or (
        "%" in name and _SECRET.search(decoded(name)) is not None
    )


def is_secret_header(name: str) -> bool:
    """Return True if a header with this name has a secret value: ``X-Auth``, ``My-Key``, Cookie."""
    return is_secret(name) or _SECRET_HEADER.fullmatch(name) is not None


def decoded(text: str, *, escapes: bool = False) -> str:
    """Return ``text`` without layers of percent-encoding; a plus sign becomes a space.

    With ``escapes`` the escapes of JSON and Python are removed as well.
    """
    for _ in range(_MAX_LAYERS):
        new_text = _ENCODED.sub(_decode, text) if escapes else unquote(text)
        if new_text == text:
            break
        text = new_text
    return text.replace("+", " ")


def _decode(match: re.Match[str]) -> str:
    return "".join(character for character, _ in _characters(match))


def _decode_with_places(text: str) -> tuple[str, Sequence[int]]:
    """Return ``text`` decoded with escapes, and the places of its characters and its end."""
    places: Sequence[int] = range(len(text) + 1)
    for _ in range(_MAX_LAYERS):
        characters: list[str] = []
        starts: list[int] = []
        position = 0
        for match in _ENCODED.finditer(text):
            start = match.start()
            characters.append(text[position:start])
            starts += places[position:start]
            for character, size in _characters(match):
                characters.append(character)
                starts.append(places[start])
                start += size
            position = match.end()
        if position == 0:
            break
        text, places = "".join([*characters, text[position:]]), [*starts, *places[position:]]
    return text.replace("+", " "), places


def _characters(match: re.Match[str]) -> Iterator[tuple[str, int]]:
    """Yield the characters of an encoded part, and the length of their encodings."""
    if match[1] or match[2]:  # bytes, each written as three characters
        codec = ("utf-8", "surrogateescape") if match[1] else ("utf-16-be", "surrogatepass")
        encoded_bytes = bytes.fromhex(match[0].replace("%", "").replace("\\u", ""))
        for character in encoded_bytes.decode(*codec):
            yield character, 3 * len(character.encode(*codec))
    else:  # a space for a line feed and similar characters
        yield match[4] or chr(int(match[3] or "20", 16)), len(match[0])


def redact_query(query: str) -> str:
    """Return a query with secrets hidden by their names."""
    return _ANY.query(query)


def redact_url(url: str) -> str:
    """Return a URL with secrets hidden in user information and query."""
    base, mark, query = _USER.sub(rf"\g<1>{MASK}@", url).partition("?")
    return f"{base}{mark}{redact_query(query)}"


def printable(text: str) -> str:
    """Return ``text`` without surrogates, so that JSON and UTF-8 can contain it."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def is_guessable(secret: str) -> bool:
    """Return True if a secret may occur in other texts by chance: short, or a common word."""
    is_plain = secret.isalpha()
    if len(secret) < (MIN_LENGTH if is_plain else _MIN_ODD):
        return True
    return is_plain and secret.lower() in _vocabulary()


@lru_cache(maxsize=1)
def _vocabulary() -> frozenset[str]:
    """Return the words of this API's contract, in small letters."""
    from crmcom_kit.schemas.files import read_json

    names = ("delivery_outcomes", "dialect", "errors", "key_orders", "releases", "statements")
    text = json.dumps([read_json(f"data/{name}.json") for name in names])
    return frozenset(word.lower() for word in re.findall(r"[A-Za-z]+", text))


def words_of(text: str) -> set[str]:
    """Return the words of a text that may be secrets: with and without dots and other marks."""
    words: set[str] = set()
    for word in {*_WORD.findall(text)}:
        words.update((word, word.strip("._-")))
        if not word.isalnum():
            words.update(*(marks.split(word) for marks in (_DOTS, _MARKS)))
    return words


class Redactor:
    """Hides secrets by their names, and known secrets in every place."""

    def __init__(
        self,
        secrets: Mapping[str, str] | None = None,
        *,
        is_token: Callable[[str], bool] = lambda _: False,
        public: Collection[str] = (),
    ) -> None:
        """Set the known secrets.

        Args:
            secrets: the secrets to hide everywhere, with their masks.
            is_token: returns True if a word is a token.
            public: values that may be shown even after a secret's name.
        """
        self._masks = dict(secrets or {})
        rare = {text: mask for text, mask in self._masks.items() if not is_guessable(text)}
        self._words = {text: mask for text, mask in rare.items() if _WORD.fullmatch(text)}
        self._others = {
            decoded(text, escapes=True): mask
            for text, mask in rare.items()
            if text not in self._words
        }
        self._is_token = is_token
        self._public = frozenset(public).union(self._masks.values())

    def redact_known(self, text: str) -> str:
        """Return ``text`` without known secrets and tokens."""
        if "@" in text or "40" in text:  # "40" as in %40, however often it is encoded
            text = USER_INFO.sub(lambda url: f"{url[1]}{self.mask(url[2])}{url[3]}", text)
        decoded_text = decoded(text, escapes=True)
        masks = {secret: mask for secret, mask in self._others.items() if secret in decoded_text}
        if masks:
            text = _replace_secrets(text, masks)
            decoded_text = decoded(text, escapes=True)
        words = {}
        for word in words_of(decoded_text):
            if word in self._words:
                words[word] = self._words[word]
            elif self._is_token(word):
                words[word] = MASK
        return _replace_secrets(text, words, words_only=True) if words else text

    def mask(self, value: str) -> str:
        """Return the mask of a value after a secret's name."""
        if value in self._masks and value not in self._public:
            return self._masks[value]
        # Dots replace a value that only the caller has, asterisks a hidden value.
        return value if value in self._public or not value.strip("*.… ") else MASK

    def text(self, text: str) -> str:
        """Return a text, such as a message, without secrets; it may quote a caller's input.

        Only the values change.
        """
        text = printable(text)
        if "\\" in text and is_secret(decoded(text, escapes=True)):
            text = _LITERAL.sub(self._literal, text)
        text = self.redact_known(text)
        if _SECRET.search(text) is None:
            return text
        text = _MEMBER.sub(
            lambda match: f"{match[1]}{match[2]}{self._mask_value(match[3], unquoted(match[3]))}",
            text,
        )
        text = self._mask_unquoted(text)
        text = _ELEMENT.sub(lambda match: match[1] + self._mask_value(match[2], match[2]), text)
        return _PAIR.sub(
            lambda match: f"{match[1]}{self._mask_value(match[2], unquote(match[2]))}", text
        )

    def _literal(self, match: re.Match[str]) -> str:
        """Return a JSON string without secrets; without escapes if it mentions a secret's name."""
        literal = match[0]
        if "\\" not in literal:
            return literal
        try:
            text = json.loads(literal, strict=False)
        except ValueError:
            return literal
        redacted_text = self.text(text)
        if redacted_text == text and not is_secret(text):
            return literal
        return printable(json.dumps(redacted_text, ensure_ascii=False))

    def _mask_value(self, literal: str, value: str) -> str:
        """Return the mask of a value after a secret's name; its literal if it is public."""
        mask = self.mask(value)
        return literal if mask == value else mask

    def query(self, query: str) -> str:
        """Return a query without secrets."""
        return "&".join(map(self._part, query.split("&")))

    def _part(self, part: str) -> str:
        name, equals, value = part.partition("=")
        if is_secret(name):
            value = self._mask_value(value, unquote(value))
        else:
            value = self._hide_encoded(value)
        return f"{self._hide_encoded(name)}{equals}{value}"

    def _hide_encoded(self, text: str) -> str:
        """Return a part of a query; hide it completely if only decoding reveals its secrets."""
        redacted_text = self.text(text)
        if "%" not in redacted_text:
            return redacted_text
        decoded_text = decoded(redacted_text)
        return redacted_text if self.text(decoded_text) == decoded_text else MASK

    def header(self, name: str, value: str) -> str:
        """Return the value of a header without secrets."""
        return MASK if is_secret_header(name) else self.text(value)

    def value(self, name: str, value: Any) -> Any:
        """Return the value of a parameter or a member, a JSON value, without secrets."""
        if is_secret(name):
            return self._mask_json(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(key, part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.value("", part) for part in value]
        return self.text(value) if isinstance(value, str) else _safe_number(value)

    def _mask_json(self, value: Any) -> Any:
        """Return the mask of a JSON value after a secret's name."""
        if isinstance(value, dict):
            return {self.text(key): self._mask_json(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._mask_json(part) for part in value]
        if isinstance(value, str):
            return self.mask(value)
        return None if value is None else MASK

    def _mask_unquoted(self, text: str) -> str:
        """Return ``text`` without numbers, arrays and objects after a secret's name."""
        parts, position = [], 0
        while (match := _UNQUOTED.search(text, position)) is not None:
            start = match.start(1)
            parts.append(text[position:start])
            try:
                value, position = _DECODER.raw_decode(text, start)
                mask = self._mask_json(value)
            except (ValueError, RecursionError):
                value, position, mask = None, len(text), MASK  # it has no end
            literal = text[start:position]
            parts.append(literal if mask == value else json.dumps(mask, ensure_ascii=False))
        return "".join([*parts, text[position:]])

    def body(self, body: bytes) -> str:
        """Return a body without secrets, unchanged if it has none."""
        if b"\0" in body:
            return f"({len(body)} bytes that are not text)"
        text = body.decode("utf-8", "backslashreplace")
        return self.query(text) if "=" in text and _FORM.fullmatch(text) else self.text(text)


def _replace_secrets(text: str, secrets: Mapping[str, str], *, words_only: bool = False) -> str:
    """Return ``text`` with the mask of each secret, in every encoding.

    ``words_only`` leaves a secret that is part of a longer word.
    """
    decoded_text, places = _decode_with_places(text)
    longest_first = sorted(secrets, key=len, reverse=True)  # a secret may be part of another one
    pattern = f"(?:{'|'.join(map(re.escape, longest_first))})"
    if words_only:
        pattern = rf"(?<![^\W_]){pattern}(?![^\W_])"
    parts, position = [], 0
    for match in re.finditer(pattern, decoded_text):
        parts += [text[position : places[match.start()]], secrets[match[0]]]
        position = places[match.end()]
    return "".join([*parts, text[position:]])


#: Has no known secrets: hides by names alone.
_ANY = Redactor()


def unquoted(literal: str) -> str:
    """Return the text of a JSON string without its quotes; the literal if it is invalid."""
    try:
        return str(json.loads(f'"{literal}"', strict=False))
    except ValueError:
        return literal


def _safe_number(value: Any) -> Any:
    """Return a scalar that every reader of JSON accepts: no infinity, no unbounded integer."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not -_PAST_INT64 <= value < _PAST_INT64:
        return str(value) if abs(value) < 10**100 else "(a number of more than 100 digits)"
    return value
