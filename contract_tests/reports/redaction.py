"""Redact secrets in everything that a run of the kit shows."""

import base64
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from crmcom_kit.contract_tests.client.exchanges import LOGINS, Exchange
from crmcom_kit.contract_tests.client.made_up import PUBLIC
from crmcom_kit.contract_tests.client.targets import Login, Target
from crmcom_kit.contract_tests.oracle.parsing import basic_key
from crmcom_kit.redaction import (
    MASK,
    PUBLIC_PASSWORD,
    SECRET_WORDS,
    Redactor,
    decoded,
    is_guessable,
    is_secret,
    redact_url,
    unquoted,
)

TOKEN, PASSWORD, API_KEY = "$CRMCOM_TOKEN", "$CRMCOM_PASSWORD", "$CRMCOM_API_KEY"
#: A variable, which stands for a secret; recordings that a run has written have them, too.
VARIABLE = re.compile(
    r"\$(CRMCOM_(?:(?:OTHER_|EXPIRED_)?(?:TOKEN|PASSWORD|API_KEY|USERNAME|ORGANISATION|UNIT)(?:_\d+)?|URL_\d+))"
)

_PUBLIC = PUBLIC | {PUBLIC_PASSWORD, "%", " "}
_TOO_SHORT = 4  # characters of the beginning of a secret that a text was cut in
_NAMED = re.compile(rf"({SECRET_WORDS}\W{{1,3}})([\w.-]+)", re.IGNORECASE)
_CUT = re.compile(r"\.\.\.|…")
_MARGIN = 64 * 1024  # bytes beyond a limit that are redacted, too
_MAX_KEPT = 64  # bodies without secrets: most of them come again
_LONGEST_CUT = 10_000  # characters of a text of the kit, in which it may have cut a secret
#: Who logs in: no secret, but not for everyone who reads a report.
_IDENTITY = ("username", "organisation", "unit")
_IDENTITY_MEMBER = re.compile(
    rf"""((?:{"|".join(_IDENTITY)})\\*["']\s*:\s*\\*(["']))((?:\\.|[^\\])*?)(?=\\*\2|\Z)""",
    re.DOTALL,
)


class ReportRedactor(Redactor):
    """Shows the name of a variable instead of each secret, however it is spelled.

    Secrets are those of the login, tokens that logins returned, what was sent as a secret, values
    in the query of a URL, and any value behind a secret's name. Public values are shown, since they
    help the reader. User, organisation and unit have variables, too.
    """

    def __init__(
        self, target: Target, history: Iterable[Exchange] = (), *, hides_user: bool = True
    ) -> None:
        """Give each secret of the target's login and of ``history`` a variable.

        A mock of the kit's own is public, and so is the default password of every mock. Without
        ``hides_user``, user name, organisation and unit are shown.
        """
        login, history = target.login, list(history)
        hidden_names = _IDENTITY if hides_user else ()
        public = set(_PUBLIC)
        if target.is_own:
            public |= {getattr(login, name) or "" for name in ("password", *hidden_names)}
        variables = _Variables(public)
        variables.of_secrets(login, history)
        secrets = set(variables.names)
        for name in hidden_names:
            variables.add(getattr(login, name), f"$CRMCOM_{name.upper()}")
            # The unit of another login may be one that webhook requests show.
            for exchange in history if not (target.is_own or name == "unit") else ():
                if exchange.call.method in LOGINS:
                    text = exchange.call.parameters.get(name)
                    variables.add(text, f"$CRMCOM_OTHER_{name.upper()}")
        names = variables.names
        self._user = {text for text in names if text not in secrets}
        self._user_spelled = self._user | {json.dumps(text)[1:-1] for text in self._user}
        self._values = {name[1:]: text for text, name in names.items()}
        self._long_secrets = [text for text in names if not is_guessable(text)]
        spellings = dict.fromkeys(_basic(login.api_key) if login.api_key else (), API_KEY)
        super().__init__(spellings | names, public=public)
        for text in self._user:
            if text.isdigit() or text in target.base_url:  # a year, a host: elsewhere it stays
                self._words.pop(text, None)
                self._others.pop(decoded(text, escapes=True), None)
        self._urls = target.urls
        self._base_url = target.base_url
        self._shown_base_url = redact_url(target.base_url)
        self._redact_content = lru_cache(_MAX_KEPT)(self._without_secrets)

    def secret_of(self, variable: str) -> str:
        """Return the secret of a variable; "" if it is unknown."""
        return self._values.get(variable) or self._urls.secret(variable) or ""

    def redact_known(self, text: str) -> str:
        """Return ``text`` without secrets of URLs, known secrets, and who logs in."""
        if any(spelling in text for spelling in self._user_spelled):
            text = _IDENTITY_MEMBER.sub(self._without_user, text)
        return super().redact_known(self._urls.hide(text))

    def _without_user(self, match: re.Match[str]) -> str:
        return match[1] + self._masks.get(unquoted(match[3]), match[3])

    def mask(self, value: str) -> str:
        """Return what is shown of a value behind a secret's name."""
        return value if VARIABLE.fullmatch(value) else super().mask(value)

    def query(self, query: str) -> str:
        """Return a query without secrets; one secret may begin with another one."""
        return "&".join(map(self._whole_value, query.split("&")))

    def _whole_value(self, part: str) -> str:
        name, _, value = part.partition("=")
        is_known = is_secret(name) or name in _IDENTITY
        variable = self._masks.get(unquote(value)) if is_known else None
        return f"{name}={variable}" if variable else super().query(part)

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        if self._base_url != self._shown_base_url:
            text = text.replace(self._base_url, self._shown_base_url)
        # A secret that may be an ordinary word is hidden behind a secret's name.
        text = _NAMED.sub(lambda match: f"{match[1]}{self._masks.get(match[2], match[2])}", text)
        text = super().text(text)
        return self._without_ends(text) if len(text) <= _LONGEST_CUT else text

    def content(self, content: bytes, limit: int | None = None) -> str:
        """Return bytes as text without secrets, up to ``limit`` characters.

        A part beyond the limit is redacted as well, since the limit may cut a secret.
        """
        end = len(content) if limit is None else limit + _MARGIN
        text = self._redact_content(content[:end])
        if limit is None or len(content) <= limit:
            return text
        return (text[:-_MARGIN] if len(content) > end else text)[:limit]

    def _without_secrets(self, content: bytes) -> str:
        return super().text(content.decode("utf-8", "backslashreplace"))

    def _without_ends(self, text: str) -> str:
        """Return ``text`` without the beginnings of secrets at the places where it was cut."""
        for end in reversed([match.start() for match in _CUT.finditer(text)]):
            ending = text[max(0, end - _TOO_SHORT) : end]
            beginnings = (
                secret[:size]
                for secret in self._long_secrets
                if ending in secret
                for size in range(len(secret) - 1, _TOO_SHORT - 1, -1)
            )
            beginning = next((start for start in beginnings if text.endswith(start, 0, end)), "")
            if beginning:
                text = f"{text[: end - len(beginning)]}{MASK}{text[end:]}"
        return text


class _Variables:
    """The variables of secrets; ``public`` texts are no secrets."""

    def __init__(self, public: Collection[str]) -> None:
        self._public = public
        self._numbers: Counter[str] = Counter()
        self.names: dict[str, str] = {}  # with a dollar sign, by secret

    def add(self, text: object, name: str) -> None:
        """Give a text the variable ``name``, with a number if another text has it already."""
        if not isinstance(text, str) or not text or text in self._public or text in self.names:
            return
        if not VARIABLE.fullmatch(text):
            self._numbers[name] += 1
            number = self._numbers[name]
            self.names[text] = name if number == 1 else f"{name}_{number}"

    def of_secrets(self, login: Login, history: Sequence[Exchange]) -> None:
        """Add the secrets of the login, tokens that logins returned, and what was sent as one."""
        self.add(login.token, TOKEN)
        self.add(login.expired_token, "$CRMCOM_EXPIRED_TOKEN")
        self.add(login.password, PASSWORD)
        self.add(login.api_key, API_KEY)
        for exchange in history:
            for text in secret_texts(exchange.json) if exchange.call.method in LOGINS else ():
                self.add(text, TOKEN)
        for exchange in history:
            for name, value in exchange.call.parameters.items():
                for text in secret_texts({name: value}):
                    is_password = "passw" in name.lower()
                    self.add(text, f"$CRMCOM_OTHER_{'PASSWORD' if is_password else 'TOKEN'}")
            self.add(basic_key(exchange.call), "$CRMCOM_OTHER_API_KEY")


def secret_texts(value: Any) -> Iterator[str]:
    """Yield the texts behind a secret's name in a JSON value, at any depth."""
    stack = [(value, False)]
    while stack:
        member, is_hidden = stack.pop()
        if isinstance(member, dict):
            stack += [(inner, is_hidden or is_secret(str(name))) for name, inner in member.items()]
        elif isinstance(member, list):
            stack += [(inner, is_hidden) for inner in member]
        elif is_hidden and isinstance(member, str):
            yield member


def _basic(key: str) -> tuple[str, ...]:
    """Return the spellings of a Web API key in headers, on either side of the colon or alone."""
    texts = (f"{key}:", key, f":{key}")
    return tuple(base64.b64encode(text.encode()).decode() for text in texts)
