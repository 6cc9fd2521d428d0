"""Whether a message's authentication code verifies, with the right code and what it signs."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.deliveries.messages import LABEL_HEADER, message_of
from crmcom_kit.mock_server.deliveries.receiver import MAX_BODY
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.reference_data import ReferenceData
from crmcom_kit.schemas.third_party import Arrived

_MAX_KEYS = 100

Reason = Literal["valid", "missing_code", "wrong_code", "no_key", "no_data"]


class Verdict(NamedTuple):
    """Whether a code verifies, and if not, why not."""

    reason: Reason
    code: str | None  # the one that was checked; only its beginning if it is long
    expected: str | None = None  # the right one, if only one key may be the right one
    signed: str | None = None  # the beginning of the text that the right one signs
    size: int | None = None  # how many bytes that text has

    @property
    def valid(self) -> bool:
        """Whether the code verifies."""
        return self.reason == "valid"


def labeled_attempt(epoch: Epoch, headers: Mapping[str, str]) -> Attempt | None:
    """Return the attempt that a message is, by the label in its headers; names are lower-case."""
    world, _, number = headers.get(LABEL_HEADER.lower(), "").rpartition("/")
    if world != epoch.name or not number.isdecimal() or len(number) > 18:
        return None
    return epoch.attempts.find(int(number))


def verdict_on_attempt(epoch: Epoch, attempt: Attempt) -> Verdict:
    """Return whether the code that an attempt sends verifies."""
    message = message_of(epoch.config.exchanges.messages, attempt.message)
    return verdict_on_message(epoch, dict(message.headers), message.body, attempt)


def verdict_on_message(
    epoch: Epoch, headers: Mapping[str, str], body: bytes, attempt: Attempt | None = None
) -> Verdict:
    """Return whether a message's authentication code verifies.

    Right is the key of the attempt's definition, or else any. By default the attempt is the one
    that the message's label names.
    """
    named = {name.lower(): value for name, value in headers.items()}
    attempt = attempt or labeled_attempt(epoch, named)
    keys = keys_of(epoch.reference_data, None if attempt is None else attempt.definition)
    return verdict(epoch.config, epoch.config.exchanges.messages.read(named, body), keys)


def keys_of(reference_data: ReferenceData, definition: str | None) -> list[str]:
    """Return the keys that may have signed: that of the definition, or those of all."""
    ids = [definition] if definition else [one["id"] for one in reference_data.definitions]
    keys = dict.fromkeys(map(reference_data.key_of, ids))
    return [key for key in keys if key is not None][:_MAX_KEYS]


def verdict(config: Config, arrived: Arrived, keys: Sequence[str]) -> Verdict:
    """Return whether what was found in a message verifies with one of ``keys``."""
    shown = None if arrived.code is None else arrived.code[:MAX_BODY]
    if arrived.data is None:
        return Verdict("no_data", shown)
    text = config.exchanges.signed_bytes(arrived.data)
    right = [config.exchanges.code(text, key, None) for key in keys]
    expected = right[0] if len(right) == 1 else None
    reason: Reason = "wrong_code"
    if not keys:
        reason = "no_key"
    elif arrived.code is None:
        reason = "missing_code"
    elif any(code is not None and _same(arrived.code, code) for code in right):
        reason, expected = "valid", arrived.code
    beginning = text[:MAX_BODY].decode("utf-8", "replace")
    return Verdict(reason, shown, expected, beginning, len(text))


def _same(code: str, other: str) -> bool:
    return hmac.compare_digest(code.encode("utf-8", "replace"), other.encode())
