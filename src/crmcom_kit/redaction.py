"""Redaction: hides secrets in everything that the mock and the kit show.

A value is a secret because of its name (``is_secret``), as a parameter, a header or a member has
it, or because it is known: a password, a key, a token that a login returned. A known secret is
hidden wherever it stands as a whole, in whichever spelling: percent-encoded, or with the escapes of
JSON or Python. Names stay, and a part of a word is never hidden: the rest would tell it. For the
same reason a secret that may be a word of anybody's (``is_guessable``) is hidden only behind a
secret's name.
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
#: The default password of a mock. It is documented, and the name of this project.
PUBLIC_PASSWORD = "crmcom-kit"
#: A shorter token cannot be told from other words; of other secrets those without a digit cannot.
MIN_LENGTH = 6
_MIN_ODD = 4

#: A pattern of what the name of a secret has in it.
SECRET_WORDS = r"(?:token|passw(?:or)?d|authorization|api[-_ +]?key|secret)"
_FLAGS = re.IGNORECASE | re.DOTALL
_SECRET = re.compile(SECRET_WORDS, _FLAGS)
_SECRET_HEADER = re.compile(
    r"(?:.*[-_])?(?:auth|authorization|cookie|key|passw(?:or)?d|secret|token)(?:[-_].*)?", _FLAGS
)
_NAME = rf"{SECRET_WORDS}[\w.\[\]-]{{0,40}}"
# A value ends where the text ends, too: a secret that was cut is still a secret.
_MEMBER = re.compile(
    rf"""({_NAME}\\*["']\s*:\s*)(\\*["'])((?:\\.|[^\\]|\\\Z)*?)(?=\2|\Z)""", _FLAGS
)
_UNQUOTED = re.compile(rf"""{_NAME}\\*["']\s*:\s*([\[{{]|-?\d)""", _FLAGS)
_ELEMENT = re.compile(rf"({_NAME}>)([^<]+)", _FLAGS)
_PAIR = re.compile(rf"""({_NAME}(?:=|%(?:25)*3D)["']?)([^\s&"'\\<>]+)""", _FLAGS)
# A literal without an end reaches to the text's end: else every quote in it would be tried.
_LITERAL = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_FORM = re.compile(r'[^\s{}\[\]"\\]*')
# What a token looks like: it is looked up as a whole.
_WORD = re.compile(rf"[\w.-]{{{_MIN_ODD},}}")
_DOTS, _MARKS = re.compile(r"\.+"), re.compile(r"[._-]+")
#: Slashes, user and password, and the at sign of a URL, however they are written. Bounded: a text
#: may be all slashes.
USER_INFO = re.compile(
    r"""([/\\%](?:(?<!%)|(?:25)*(?:2F|5C))(?:[/\\]|%(?:25)*(?:2F|5C)))"""
    r"""([^\s/\\?#"'<>@]{1,200}?)(@|%(?:25)*40)""",
    re.IGNORECASE,
)
_USER = re.compile(r"^((?:[^/?#@]*:/{1,3})?)[^/?#]*@")
_DECODER = json.JSONDecoder()
_ENCODED = re.compile(
    r"""((?:%[0-9a-fA-F]{2})+)|((?:\\u[0-9a-fA-F]{4})+)|\\(?:x([0-9a-fA-F]{2})|(["'\\/])|[bfnrt])"""
)
_MAX_LAYERS = 10
_PAST_INT64 = 2**63


def is_secret(name: str) -> bool:
    """Whether the value of a parameter with this name is a secret, however the name is encoded."""
    return _SECRET.search(name) is not None or (
        "%" in name and _SECRET.search(decoded(name)) is not None
    )


def is_secret_header(name: str) -> bool:
    """Whether the value of a header with this name is a secret: ``X-Auth``, ``My-Key``, Cookie."""
    return is_secret(name) or _SECRET_HEADER.fullmatch(name) is not None


def decoded(text: str, *, escapes: bool = False) -> str:
    """Return ``text`` without layers of percent-encoding; a plus sign becomes a space.

    With ``escapes`` the escapes of JSON and Python are removed as well.
    """
    for _ in range(_MAX_LAYERS):
        plain = _ENCODED.sub(_plain, text) if escapes else unquote(text)
        if plain == text:
            break
        text = plain
    return text.replace("+", " ")


def _plain(encoded: re.Match[str]) -> str:
    return "".join(character for character, _ in _characters(encoded))


def _located(text: str) -> tuple[str, Sequence[int]]:
    """Return ``text`` decoded with escapes, and where each character of it was, and the end."""
    places: Sequence[int] = range(len(text) + 1)
    for _ in range(_MAX_LAYERS):
        plain: list[str] = []
        begins: list[int] = []
        at = 0
        for encoded in _ENCODED.finditer(text):
            start = encoded.start()
            plain.append(text[at:start])
            begins += places[at:start]
            for character, size in _characters(encoded):
                plain.append(character)
                begins.append(places[start])
                start += size
            at = encoded.end()
        if at == 0:
            break
        text, places = "".join([*plain, text[at:]]), [*begins, *places[at:]]
    return text.replace("+", " "), places


def _characters(encoded: re.Match[str]) -> Iterator[tuple[str, int]]:
    """Yield each character of what is encoded, and how many characters encode it."""
    if encoded[1] or encoded[2]:  # bytes, each written as three characters
        codec = ("utf-8", "surrogateescape") if encoded[1] else ("utf-16-be", "surrogatepass")
        written = bytes.fromhex(encoded[0].replace("%", "").replace("\\u", ""))
        for character in written.decode(*codec):
            yield character, 3 * len(character.encode(*codec))
    else:  # a space for a line feed and its kin
        yield encoded[4] or chr(int(encoded[3] or "20", 16)), len(encoded[0])


def redact_query(query: str) -> str:
    """Return a query with secrets hidden by their names, wherever these stand."""
    return _ANY.query(query)


def redact_url(url: str) -> str:
    """Return a URL with secrets hidden in user information and query."""
    base, mark, query = _USER.sub(rf"\g<1>{MASK}@", url).partition("?")
    return f"{base}{mark}{redact_query(query)}"


def printable(text: str) -> str:
    """Return ``text`` as JSON and UTF-8 can carry it: without halves of surrogate pairs."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def is_guessable(secret: str) -> bool:
    """Whether a secret may stand in a text that says nothing of it: short, or a common word."""
    is_plain = secret.isalpha()
    if len(secret) < (MIN_LENGTH if is_plain else _MIN_ODD):
        return True
    return is_plain and secret.lower() in _vocabulary()


@lru_cache(maxsize=1)
def _vocabulary() -> frozenset[str]:
    """Return the words that servers of this API say anyway, in small letters."""
    from crmcom_kit.schemas.files import read_json

    names = ("delivery_outcomes", "dialect", "errors", "key_orders", "releases", "statements")
    text = json.dumps([read_json(f"data/{name}.json") for name in names])
    return frozenset(word.lower() for word in re.findall(r"[A-Za-z]+", text))


def words_of(text: str) -> set[str]:
    """Return the words of a text that may be secrets: with and without dots and other marks."""
    words: set[str] = set()
    for word in _WORD.findall(text):
        words.update((word, word.strip("._-")))
        if not word.isalnum():
            words.update(*(marks.split(word) for marks in (_DOTS, _MARKS)))
    return words


class Redactor:
    """Hides secrets by their names, and known secrets wherever they stand."""

    def __init__(
        self,
        known: Mapping[str, str] | None = None,
        *,
        is_token: Callable[[str], bool] = lambda _: False,
        public: Collection[str] = (),
    ) -> None:
        """Know some secrets.

        Args:
            known: the secrets to hide everywhere, and what is shown instead of each.
            is_token: returns whether a word is a token.
            public: values that may be shown although they stand behind a secret's name.
        """
        self._names = dict(known or {})
        hidden = {text: shown for text, shown in self._names.items() if not is_guessable(text)}
        self._words = {text: shown for text, shown in hidden.items() if _WORD.fullmatch(text)}
        self._others = {
            decoded(text, escapes=True): shown
            for text, shown in hidden.items()
            if text not in self._words
        }
        self._is_token = is_token
        self._public = frozenset(public).union(self._names.values())

    def hide(self, text: str) -> str:
        """Return ``text`` without known secrets and tokens."""
        if "@" in text or "40" in text:
            text = USER_INFO.sub(lambda url: f"{url[1]}{self.shown(url[2])}{url[3]}", text)
        plain = decoded(text, escapes=True)
        others = {secret: shown for secret, shown in self._others.items() if secret in plain}
        if others:
            text = _without(text, others)
            plain = decoded(text, escapes=True)
        words = {}
        for word in words_of(plain):
            if word in self._words:
                words[word] = self._words[word]
            elif self._is_token(word):
                words[word] = MASK
        return _without(text, words, whole=True) if words else text

    def shown(self, value: str) -> str:
        """Return what is shown of a value that stands behind a secret's name."""
        if value in self._names and value not in self._public:
            return self._names[value]
        # Dots stand for a value that only the caller has, asterisks for one that is hidden.
        return value if value in self._public or not value.strip("*.… ") else MASK

    def text(self, text: str) -> str:
        """Return a text, such as a message, without secrets; it may quote what a caller sent.

        Only the values are rewritten; the rest stays as it was.
        """
        text = printable(text)
        if "\\" in text and is_secret(decoded(text, escapes=True)):
            text = _LITERAL.sub(self._literal, text)
        text = self.hide(text)
        if _SECRET.search(text) is None:
            return text
        text = _MEMBER.sub(
            lambda match: f"{match[1]}{match[2]}{self._spelled(match[3], unquoted(match[3]))}", text
        )
        text = self._without_unquoted(text)
        text = _ELEMENT.sub(lambda match: match[1] + self._spelled(match[2], match[2]), text)
        return _PAIR.sub(
            lambda match: f"{match[1]}{self._spelled(match[2], unquote(match[2]))}", text
        )

    def _literal(self, match: re.Match[str]) -> str:
        """Return a JSON string without secrets; without escapes if it mentions a secret's name."""
        spelled = match[0]
        if "\\" not in spelled:
            return spelled
        try:
            text = json.loads(spelled, strict=False)
        except ValueError:
            return spelled
        shown = self.text(text)
        if shown == text and not is_secret(text):
            return spelled
        return printable(json.dumps(shown, ensure_ascii=False))

    def _spelled(self, spelled: str, value: str) -> str:
        """Show a value that stands behind a secret's name, as it was spelled if it is public."""
        shown = self.shown(value)
        return spelled if shown == value else shown

    def query(self, query: str) -> str:
        """Return a query without secrets."""
        return "&".join(map(self._part, query.split("&")))

    def _part(self, part: str) -> str:
        name, equals, value = part.partition("=")
        secret = is_secret(name)
        shown = self._spelled(value, unquote(value)) if secret else self._encoded(value)
        return f"{self._encoded(name)}{equals}{shown}"

    def _encoded(self, text: str) -> str:
        """Return a part of a query; all of it is hidden if only decoding shows its secrets."""
        shown = self.text(text)
        if "%" not in shown:
            return shown
        plain = decoded(shown)
        return shown if self.text(plain) == plain else MASK

    def header(self, name: str, value: str) -> str:
        """Return the value of a header without secrets."""
        return MASK if is_secret_header(name) else self.text(value)

    def value(self, name: str, value: Any) -> Any:
        """Return the value of a parameter or a member, a JSON value, without secrets."""
        if is_secret(name):
            return self._secret(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(key, part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.value("", part) for part in value]
        return self.text(value) if isinstance(value, str) else _safe_number(value)

    def _secret(self, value: Any) -> Any:
        """Return what is shown of a JSON value that stands behind a secret's name."""
        if isinstance(value, dict):
            return {self.text(key): self._secret(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._secret(part) for part in value]
        if isinstance(value, str):
            return self.shown(value)
        return None if value is None else MASK

    def _without_unquoted(self, text: str) -> str:
        """Return ``text`` without numbers, arrays and objects behind a secret's name."""
        parts, at = [], 0
        while (match := _UNQUOTED.search(text, at)) is not None:
            begin = match.start(1)
            parts.append(text[at:begin])
            try:
                value, at = _DECODER.raw_decode(text, begin)
                shown = self._secret(value)
            except (ValueError, RecursionError):
                value, at, shown = None, len(text), MASK  # it has no end
            as_sent = text[begin:at]
            parts.append(as_sent if shown == value else json.dumps(shown, ensure_ascii=False))
        return "".join([*parts, text[at:]])

    def body(self, body: bytes) -> str:
        """Return a body without secrets, unchanged if it has none."""
        if b"\0" in body:
            return f"({len(body)} bytes that are not text)"
        text = body.decode("utf-8", "backslashreplace")
        return self.query(text) if "=" in text and _FORM.fullmatch(text) else self.text(text)


def _without(text: str, secrets: Mapping[str, str], *, whole: bool = False) -> str:
    """Return ``text`` with something else for each secret, in whichever spelling.

    ``whole`` leaves a secret alone that is part of a longer word.
    """
    plain, places = _located(text)
    longest_first = sorted(secrets, key=len, reverse=True)  # one may be part of another one
    pattern = f"(?:{'|'.join(map(re.escape, longest_first))})"
    if whole:
        pattern = rf"(?<![^\W_]){pattern}(?![^\W_])"
    parts, at = [], 0
    for match in re.finditer(pattern, plain):
        parts += [text[at : places[match.start()]], secrets[match[0]]]
        at = places[match.end()]
    return "".join([*parts, text[at:]])


#: Knows no secrets: hides by names alone.
_ANY = Redactor()


def unquoted(spelled: str) -> str:
    """Return what a JSON string says, without its quotes; as it is spelled if it is none."""
    try:
        return str(json.loads(f'"{spelled}"', strict=False))
    except ValueError:
        return spelled


def _safe_number(value: Any) -> Any:
    """Return a scalar that every reader of JSON takes: no infinity, no unbounded integer."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not -_PAST_INT64 <= value < _PAST_INT64:
        return str(value) if abs(value) < 10**100 else "(a number of more than 100 digits)"
    return value
