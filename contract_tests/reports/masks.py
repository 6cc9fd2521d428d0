"""Keeps secrets out of everything that a run shows."""

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote, quote_plus

from crmcom_kit.contract_tests.reports.secret_places import (
    in_literals,
    replaced,
    replaced_in_query,
    texts_in_secret_places,
)
from crmcom_kit.contract_tests.sending.exchanges import Exchange
from crmcom_kit.contract_tests.sending.made_up import PUBLIC
from crmcom_kit.contract_tests.targets import Target

TOKEN, PASSWORD, API_KEY = "$CRMCOM_TOKEN", "$CRMCOM_PASSWORD", "$CRMCOM_API_KEY"
#: Stands for what is a secret by its place, or is made from one.
MASK = "***"
_LOGINS = ("token", "web_api_key_token")
_TOO_SHORT = 4  # a shorter text would be found in half of all words
_LONG = 8  # characters of a secret whose parts can be told from other words
_CUT = re.compile(r"\.\.\.|…")
_LONGEST_CUT = 10_000  # characters of a text that the kit worded, and may have cut inside


class Masks:
    """Puts a variable's name in place of each secret, in whichever spelling it stands.

    A secret is what the login holds and logins gave, wherever it stands, and any value behind
    the name of one; but for what is public, which helps a reader.
    """

    def __init__(self, target: Target, history: Iterable[Exchange] = ()) -> None:
        """Know the secrets of the target's login, and the tokens that logins in ``history`` gave.

        What a mock of the kit's own lets in is public: its password is a word of this project.
        """
        login = target.login if not target.own else replace(target.login, password=None)
        own = {target.login.password} if target.own else set()
        self._public = PUBLIC | own | {TOKEN, PASSWORD, API_KEY}
        known = {login.password: PASSWORD, login.api_key: API_KEY, login.token: TOKEN}
        for exchange in history:
            if exchange.call.method in _LOGINS:
                for text in texts_in_secret_places(exchange.json):
                    known.setdefault(text, TOKEN)
        self._known = {text: name for text, name in known.items() if text}
        spelled: dict[str, str] = {}
        for secret, name in self._known.items():
            if len(secret) >= _TOO_SHORT and secret not in self._public:
                for spelling in _spellings(secret):
                    spelled.setdefault(spelling, name)
                for part in _parts(secret):
                    spelled.setdefault(part, MASK)
        self._api_key = login.api_key
        for spelling in _basic(login.api_key) if login.api_key else ():
            spelled.setdefault(spelling, API_KEY)
        self._contents: dict[bytes, str] = {}
        # A secret may be part of another one: the longer goes first.
        self._spelled = sorted(spelled.items(), key=lambda pair: -len(pair[0]))

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        masked = self._masked(text)
        return self._without_ends(masked) if len(masked) <= _LONGEST_CUT else masked

    def query(self, query: str) -> str:
        """Return a query without secrets."""
        return replaced_in_query(self._without_known(query), self._shown)

    def authorization(self, value: str) -> str:
        """Return the value of an Authorization header; made-up keys are shown."""
        scheme, _, given = value.partition(" ")
        if any(given in _basic(key) for key in ("", *PUBLIC)):
            return value
        if self._api_key and given == _basic(self._api_key)[0]:
            return f"{scheme} {API_KEY}"
        return f"{scheme} {self._shown(given)}"

    def content(self, content: bytes | None, most: int | None = None) -> str:
        """Return bytes as text without secrets, cut behind ``most`` characters."""
        content = content or b""
        text = self._contents.get(content)  # a run gets the same answers over and over
        if text is None:
            text = self._masked(content.decode("utf-8", "backslashreplace"))
            self._contents[content] = text
        if most is not None and len(text) > most:
            return f"{text[:most]}… ({len(text)} characters)"
        return text

    def _shown(self, value: str) -> str:
        """Return what is shown of a value in the place of a secret."""
        if value in self._known and value not in self._public:
            return self._known[value]
        return value if value in self._public or not value.strip("*.… ") else MASK

    def _masked(self, text: str) -> str:
        text = self._without_known(in_literals(text, self._masked))
        return replaced(text, self._shown)

    def _without_known(self, text: str) -> str:
        for spelling, name in self._spelled:
            if spelling in text:
                text = text.replace(spelling, name)
        return text

    def _without_ends(self, text: str) -> str:
        """Return ``text`` without the beginnings of secrets that it was cut inside."""
        ends = [found.start() for found in _CUT.finditer(text)]
        for end in reversed([each for each in ends if each >= _TOO_SHORT]):
            longest = max((_begun(text, end, spelling) for spelling, _ in self._spelled), default=0)
            if longest >= _TOO_SHORT:
                text = f"{text[: end - longest]}{MASK}{text[end:]}"
        return text


def _begun(text: str, end: int, secret: str) -> int:
    """Return how many of a secret's first characters stand before ``end``."""
    if text[end - _TOO_SHORT : end] not in secret:
        return 0
    lengths = range(min(len(secret) - 1, end), _TOO_SHORT - 1, -1)
    return next((length for length in lengths if text.endswith(secret[:length], 0, end)), 0)


def _spellings(secret: str) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote(secret, safe="=,")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]


def _parts(secret: str) -> Iterable[str]:
    """Yield what is left of a secret in what the kit makes of it: almost tokens, that are wrong."""
    for part in {secret, secret.rpartition(".")[2]}:  # the last of a JWT's parts is what counts
        if len(part) >= _LONG:
            yield part[1:-1]
            yield part[1:-1][::-1]


def _basic(key: str) -> tuple[str, ...]:
    """Return how a Web API key stands in headers, whichever side of the colon it is on."""
    texts = (f"{key}:", key, f":{key}")
    return tuple(base64.b64encode(text.encode()).decode() for text in texts)
