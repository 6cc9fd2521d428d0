"""Redact secrets in everything that a run of the kit shows."""

import base64
import re
from collections.abc import Iterable
from functools import lru_cache

from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.made_up import PUBLIC
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.redaction import (
    MASK,
    PUBLIC_PASSWORD,
    Redactor,
    is_guessable,
    redact_url,
    secret_texts,
)

TOKEN, PASSWORD, API_KEY = "$CRMCOM_TOKEN", "$CRMCOM_PASSWORD", "$CRMCOM_API_KEY"

_LOGINS = ("token", "web_api_key_token")
_TOO_SHORT = 4  # characters of the beginning of a secret that a text was cut in
_LONG = 8  # characters of a secret whose parts can be told from other words
_CUT = re.compile(r"\.\.\.|…")
_SHORT = 16 * 1024  # bytes of a body whose redacted text is remembered
_MARGIN = 4 * 1024  # bytes that are redacted beyond a limit, at least
_LONGEST_CUT = 10_000  # characters of a text that the kit worded, and may have cut inside


class ReportRedactor(Redactor):
    """Shows a variable's name instead of each secret, in whichever spelling it stands.

    Secrets are what the login holds, what logins returned, and any value behind a secret's name,
    except for public values, which help a reader.
    """

    def __init__(self, target: Target, history: Iterable[Exchange] = ()) -> None:
        """Know the secrets of the target's login, and the tokens that logins in ``history`` gave.

        A mock of the kit's own is public, and so is every mock's default password.
        """
        login = target.login
        known = {login.password: PASSWORD, login.api_key: API_KEY, login.token: TOKEN}
        if target.own:
            known = {login.api_key: API_KEY, login.token: TOKEN}
        known |= dict.fromkeys(target.secrets, MASK)
        for exchange in history:
            if exchange.call.method in _LOGINS:
                for text in secret_texts(exchange.json):
                    known.setdefault(text, TOKEN)
        public = PUBLIC | {TOKEN, PASSWORD, API_KEY, PUBLIC_PASSWORD}
        public |= {login.password} if target.own and login.password else set()
        secrets = {text: name for text, name in known.items() if text and text not in public}
        self._long = [text for text in secrets if not is_guessable(text)]
        parts = [part for text in self._long for part in _parts(text)]
        self._api_key = login.api_key
        spellings = dict.fromkeys(_basic(login.api_key) if login.api_key else (), API_KEY)
        super().__init__(spellings | secrets, parts=parts, public=public, strict=False)
        self._base_url = target.base_url
        self._shown_base_url = redact_url(target.base_url)
        # A character of a secret can be spelled with several bytes, such as %25C3%25A9.
        self._margin = _MARGIN + 20 * max(map(len, self._names), default=0)
        self._remembered = lru_cache(maxsize=512)(
            lambda content: super(ReportRedactor, self).text(
                content.decode("utf-8", "backslashreplace")
            )
        )

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        if self._base_url != self._shown_base_url:
            text = text.replace(self._base_url, self._shown_base_url)
        redacted = super().text(text)
        return self._without_ends(redacted) if len(redacted) <= _LONGEST_CUT else redacted

    def authorization(self, value: str) -> str:
        """Return the value of an Authorization header; made-up keys are shown."""
        scheme, _, given = value.partition(" ")
        if any(given in _basic(key) for key in ("", *PUBLIC)):
            return value
        if self._api_key and given == _basic(self._api_key)[0]:
            return f"{scheme} {API_KEY}"
        return f"{scheme} {given if given in PUBLIC else MASK}"

    def content(self, content: bytes | None, limit: int | None = None) -> str:
        """Return bytes as text without secrets; what is cut after ``limit`` bytes says so."""
        content = content or b""
        if limit is None or len(content) <= limit:
            return self._whole(content)
        return f"{self.beginning(content, limit)}… ({len(content)} bytes)"

    def beginning(self, content: bytes, limit: int) -> str:
        """Return bytes as text without secrets, or the first ``limit`` characters of more bytes.

        Some more is redacted than is returned: a secret that the limit cuts is still found.
        """
        if len(content) <= limit:
            return self._whole(content)
        text = super().text(content[: limit + self._margin].decode("utf-8", "backslashreplace"))
        if len(content) > limit + self._margin:
            text = text[: -self._margin]
        return text[:limit]

    def _whole(self, content: bytes) -> str:
        """Return all of some bytes; a run gets the same short responses over and over."""
        if len(content) > _SHORT:
            return super().text(content.decode("utf-8", "backslashreplace"))
        return self._remembered(content)

    def _without_ends(self, text: str) -> str:
        """Return ``text`` without the beginnings of secrets that it was cut inside."""
        ends = [found.start() for found in _CUT.finditer(text)]
        for end in reversed([each for each in ends if each >= _TOO_SHORT]):
            longest = max((_begun(text, end, secret) for secret in self._long), default=0)
            if longest >= _TOO_SHORT:
                text = f"{text[: end - longest]}{MASK}{text[end:]}"
        return text


def _begun(text: str, end: int, secret: str) -> int:
    """Return how many of a secret's first characters stand before ``end``."""
    if text[end - _TOO_SHORT : end] not in secret:
        return 0
    lengths = range(min(len(secret) - 1, end), _TOO_SHORT - 1, -1)
    return next((length for length in lengths if text.endswith(secret[:length], 0, end)), 0)


def _parts(secret: str) -> Iterable[str]:
    """Yield what is left of a secret in the wrong tokens that the kit makes from it."""
    for part in {secret, secret.rpartition(".")[2]}:  # the last of a JWT's parts is what counts
        if len(part) >= _LONG:
            for inner in (part[1:-1], part[1:-1].swapcase()):
                yield inner
                yield inner[::-1]


def _basic(key: str) -> tuple[str, ...]:
    """Return how a Web API key stands in headers, whichever side of the colon it is on."""
    texts = (f"{key}:", key, f":{key}")
    return tuple(base64.b64encode(text.encode()).decode() for text in texts)
