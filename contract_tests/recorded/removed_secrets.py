"""Secrets that were removed from a recording: what stands for them, and what rests on them."""

import re

from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.findings import Violation
from crmcom_kit.contract_tests.oracle.sense import Sense

#: What stands for a token, or for a part of one, in a recording from which secrets were removed.
_PLACEHOLDER = re.compile(
    r"redact|remove|hidden|mask|secret|sanit|anonym|xxx|token|\$|<|\[|\{", re.IGNORECASE
)
_NO_SECRET = re.compile(
    r"\W*(redacted|removed|hidden|masked|secret|token|password|x+|)\W*", re.IGNORECASE
)
_MIN_TOKEN = 8  # letters and digits of the shortest token that is taken for one
_UNSIGNED = re.compile(r"eyJ[\w-]+\.[\w-]*\.?")


def is_placeholder(token: str) -> bool:
    """Whether a text stands for a token that was removed from a recording, maybe for several."""
    if _PLACEHOLDER.search(token) or _UNSIGNED.fullmatch(token):
        return True
    plain = [sign for sign in token if sign.isascii() and sign.isalnum()]
    return len(plain) < _MIN_TOKEN or len(set(plain)) == 1


def may_be_shown(secret: str) -> bool:
    """Whether a text that stands where a secret stands is surely none."""
    return _NO_SECRET.fullmatch(secret) is not None


def returned_tokens(exchange: Exchange) -> list[str]:
    """Return the token that a login has returned, in a list of one or none."""
    token = exchange.data.get("token") if isinstance(exchange.data, dict) else None
    return [token] if exchange.ok and isinstance(token, str) else []


def rests_on_removed(verdict: str | Violation, exchange: Exchange, sense: Sense) -> bool:
    """Whether a verdict rests on a secret that was removed from the recording."""
    statement = verdict if isinstance(verdict, str) else verdict.statement
    if statement.startswith("login.token.jwt"):
        return any(is_placeholder(token) for token in returned_tokens(exchange))
    if statement == "parameters.mandatory" and sense.name == "token" and exchange.ok:
        return not sense.given.get("password")
    return False
