"""Redact secrets in everything that a run of the kit shows."""

import base64
import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import unquote

from crmcom_kit.contract_tests.client.exchanges import LOGINS, Exchange
from crmcom_kit.contract_tests.client.made_up import PUBLIC
from crmcom_kit.contract_tests.oracle.sense import basic_key
from crmcom_kit.contract_tests.targets import Target
from crmcom_kit.redaction import (
    MASK,
    PUBLIC_PASSWORD,
    Redactor,
    is_guessable,
    is_secret,
    redact_url,
    secret_texts,
)

TOKEN, PASSWORD, API_KEY = "$CRMCOM_TOKEN", "$CRMCOM_PASSWORD", "$CRMCOM_API_KEY"
#: What stands for a secret: in a recording that a run has written it stands there already.
VARIABLE = re.compile(r"\$(CRMCOM_(?:OTHER_|EXPIRED_)?(?:TOKEN|PASSWORD|API_KEY)(?:_\d+)?)")

_PUBLIC = PUBLIC | {PUBLIC_PASSWORD, "%", " "}
_TOO_SHORT = 4  # characters of the beginning of a secret that a text was cut in
_CUT = re.compile(r"\.\.\.|…")
_MARGIN = 64 * 1024  # bytes that are redacted beyond a limit
_LONGEST_CUT = 10_000  # characters of a text that the kit worded, and may have cut inside


class ReportRedactor(Redactor):
    """Shows a variable's name instead of each secret, in whichever spelling it stands.

    Secrets are what the login holds, what logins returned, what was sent as one, and any value
    behind a secret's name, except for public values, which help a reader.
    """

    def __init__(self, target: Target, history: Iterable[Exchange] = ()) -> None:
        """Know the secrets of the target's login and of ``history``: each has its own variable.

        A mock of the kit's own is public, and so is every mock's default password.
        """
        login, history = target.login, list(history)
        public = _PUBLIC | ({login.password or ""} if target.own else set())
        known: dict[str, str] = {}
        numbers: Counter[str] = Counter()

        def know(text: str | None, name: str) -> None:
            if text and text not in public and not VARIABLE.fullmatch(text) and text not in known:
                numbers[name] += 1
                known[text] = name if numbers[name] == 1 else f"{name}_{numbers[name]}"

        know(login.token, TOKEN)
        know(login.expired_token, "$CRMCOM_EXPIRED_TOKEN")
        know(login.password, PASSWORD)
        know(login.api_key, API_KEY)
        for exchange in history:
            for text in secret_texts(exchange.json) if exchange.call.method in LOGINS else ():
                know(text, TOKEN)
        for exchange in history:
            for name, value in exchange.call.parameters.items():
                for text in secret_texts({name: value}):
                    is_password = "passw" in name.lower()
                    know(text, "$CRMCOM_OTHER_PASSWORD" if is_password else "$CRMCOM_OTHER_TOKEN")
            know(basic_key(exchange.call), "$CRMCOM_OTHER_API_KEY")
        #: The secrets, by the names of their variables.
        self.secrets = {name[1:]: text for text, name in known.items()}
        self._long = [text for text in known if not is_guessable(text)]
        spellings = dict.fromkeys(_basic(login.api_key) if login.api_key else (), API_KEY)
        super().__init__(spellings | known, public=public, strict=False)
        self._base_url = target.base_url
        self._shown_base_url = redact_url(target.base_url)

    def shown(self, value: str) -> str:
        """Return what is shown of a value that stands behind a secret's name."""
        return value if VARIABLE.fullmatch(value) else super().shown(value)

    def query(self, query: str) -> str:
        """Return a query without secrets: one that is a whole value may begin with another one."""
        return "&".join(map(self._whole_value, query.split("&")))

    def _whole_value(self, part: str) -> str:
        name, _, value = part.partition("=")
        known = self._names.get(unquote(value)) if is_secret(name) else None
        return f"{name}={known}" if known else super().query(part)

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        if self._base_url != self._shown_base_url:
            text = text.replace(self._base_url, self._shown_base_url)
        redacted = super().text(text)
        return self._without_ends(redacted) if len(redacted) <= _LONGEST_CUT else redacted

    def content(self, content: bytes, limit: int | None = None) -> str:
        """Return bytes as text without secrets, or the first ``limit`` characters of more bytes.

        Some more is redacted than is returned: a secret that the limit cuts is still found.
        """
        end = len(content) if limit is None else limit + _MARGIN
        text = super().text(content[:end].decode("utf-8", "backslashreplace"))
        if limit is None or len(content) <= limit:
            return text
        return (text[:-_MARGIN] if len(content) > end else text)[:limit]

    def _without_ends(self, text: str) -> str:
        """Return ``text`` without the beginnings of secrets that it was cut inside."""
        for end in reversed([found.start() for found in _CUT.finditer(text)]):
            last = text[max(0, end - _TOO_SHORT) : end]
            begun = (
                secret[:size]
                for secret in self._long
                if last in secret
                for size in range(len(secret) - 1, _TOO_SHORT - 1, -1)
            )
            part = next((each for each in begun if text.endswith(each, 0, end)), "")
            if part:
                text = f"{text[: end - len(part)]}{MASK}{text[end:]}"
        return text


def _basic(key: str) -> tuple[str, ...]:
    """Return how a Web API key stands in headers, whichever side of the colon it is on."""
    texts = (f"{key}:", key, f":{key}")
    return tuple(base64.b64encode(text.encode()).decode() for text in texts)
