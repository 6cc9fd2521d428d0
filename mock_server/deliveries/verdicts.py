"""Verdicts on the authentication codes of messages."""

import hmac
from collections.abc import Mapping
from typing import Literal, NamedTuple

from crmcom_kit.schemas.exchanges import Exchanges

#: Maximum bytes to show of each text in a verdict.
MAX_TEXT = 65_536

Reason = Literal["valid", "missing_code", "wrong_code", "no_key", "no_data"]


class Verdict(NamedTuple):
    """The verdict on an authentication code, with the reason."""

    reason: Reason
    code: str | None  # the code that was checked; only the beginning of a long code
    expected: str | None = None  # the correct code, if there is a key
    signed: str | None = None  # the beginning of the text that the correct code signs
    size: int | None = None  # the bytes of the signed text

    @property
    def valid(self) -> bool:
        """True if the code verifies."""
        return self.reason == "valid"


def verdict_on(
    exchanges: Exchanges, key: str | None, headers: Mapping[str, str], body: bytes
) -> Verdict:
    """Return the verdict on a message's authentication code.

    Args:
        exchanges: reads messages in a dialect.
        key: the key that must sign it; None if there is none.
        headers: by name.
        body: as it is sent.
    """
    message = exchanges.messages.read({name.lower(): headers[name] for name in headers}, body)
    code = None if message.code is None else message.code[:MAX_TEXT]
    if message.data is None:
        return Verdict("no_data", code)
    text = exchanges.signed_bytes(message.data)
    expected = None if key is None else exchanges.code(text, key, None)
    reason: Reason = "wrong_code"
    if expected is None:
        reason = "no_key"
    elif message.code is None:
        reason = "missing_code"
    elif hmac.compare_digest(message.code.encode("utf-8", "replace"), expected.encode()):
        reason = "valid"
    return Verdict(reason, code, expected, text[:MAX_TEXT].decode("utf-8", "replace"), len(text))
