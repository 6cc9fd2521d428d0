"""Keeps secrets out of everything that a run shows."""

import base64
import json
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote, quote_plus

from crmcom_kit.contract_tests.sending.exchanges import Exchange
from crmcom_kit.contract_tests.targets import Target

TOKEN, PASSWORD, API_KEY = "$CRMCOM_TOKEN", "$CRMCOM_PASSWORD", "$CRMCOM_API_KEY"
_LOGINS = ("token", "web_api_key_token")
_TOO_SHORT = 4  # a shorter text would be found in half of all words


class Masks:
    """Puts a variable's name in place of each secret, in whichever spelling it stands."""

    def __init__(self, target: Target, history: Iterable[Exchange] = ()) -> None:
        """Know the secrets of the target's login, and the tokens that logins in ``history`` gave.

        What a mock of the kit's own lets in is public: its password is a word of this project.
        """
        login = target.login if not target.own else replace(target.login, password=None)
        secrets = {login.password: PASSWORD, login.api_key: API_KEY, login.token: TOKEN}
        for exchange in history:
            if exchange.call.method in _LOGINS and isinstance(exchange.data, dict):
                secrets.setdefault(exchange.data.get("token"), TOKEN)
        spelled: dict[str, str] = {}
        for secret, name in secrets.items():
            if isinstance(secret, str) and len(secret) >= _TOO_SHORT:
                for spelling in _spellings(secret):
                    spelled.setdefault(spelling, name)
        if isinstance(login.api_key, str) and login.api_key:
            basic = base64.b64encode(f"{login.api_key}:".encode()).decode()
            spelled.setdefault(basic, API_KEY)
        # A secret may be part of another one: the longer goes first.
        self._spelled = sorted(spelled.items(), key=lambda pair: -len(pair[0]))

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        for spelling, name in self._spelled:
            if spelling in text:
                text = text.replace(spelling, name)
        return text

    def content(self, content: bytes | None, most: int | None = None) -> str:
        """Return bytes as text without secrets, cut behind ``most`` characters."""
        text = self.text((content or b"").decode("utf-8", "backslashreplace"))
        if most is not None and len(text) > most:
            return f"{text[:most]}… ({len(text)} characters)"
        return text


def _spellings(secret: str) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote(secret, safe="=,")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
