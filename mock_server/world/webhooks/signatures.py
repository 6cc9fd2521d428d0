"""Whether a message's authentication code verifies, with the right code and what it signs."""

import hmac
from collections.abc import Mapping

from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.deliveries.messages import LABEL_HEADER, message_of
from crmcom_kit.mock_server.deliveries.receiver import MAX_BODY, Reason, Verdict
from crmcom_kit.mock_server.world.epoch import Epoch


def labeled_attempt(epoch: Epoch, headers: Mapping[str, str]) -> Attempt | None:
    """Return the attempt that a message is, by the label in its headers."""
    label = headers.get(LABEL_HEADER)
    return next((one for one in epoch.attempts.list() if one.message.label == label), None)


def verdict_on_attempt(epoch: Epoch, attempt: Attempt) -> Verdict:
    """Return whether the code that an attempt sends verifies."""
    _, headers, body = message_of(epoch.config.exchanges.messages, attempt.message)
    return verdict_on_message(epoch, dict(headers), body, attempt)


def verdict_on_message(
    epoch: Epoch, headers: Mapping[str, str], body: bytes, attempt: Attempt | None
) -> Verdict:
    """Return whether a message's authentication code verifies.

    Args:
        epoch: where the keys are.
        headers: by name.
        body: as it was received.
        attempt: the one that sent it, so that its definition's key is right; None if any key is.
    """
    exchanges, reference_data = epoch.config.exchanges, epoch.reference_data
    named = {name.lower(): value for name, value in headers.items()}
    arrived = exchanges.messages.read(named, body)
    shown = None if arrived.code is None else arrived.code[:MAX_BODY]
    if arrived.data is None:
        return Verdict("no_data", shown)
    text = exchanges.signed_bytes(arrived.data)
    ids = [attempt.definition] if attempt else [one["id"] for one in reference_data.definitions]
    keys = {reference_data.key_of(one) for one in ids} - {None}
    right = [exchanges.code(text, key, None) or "" for key in keys]
    expected = right[0] if len(right) == 1 else None
    reason: Reason = "wrong_code"
    if not keys:
        reason = "no_key"
    elif arrived.code is None:
        reason = "missing_code"
    elif any(_same(arrived.code, code) for code in right):
        reason, expected = "valid", arrived.code
    beginning = text[:MAX_BODY].decode("utf-8", "replace")
    return Verdict(reason, shown, expected, beginning, len(text))


def _same(code: str, other: str) -> bool:
    return hmac.compare_digest(code.encode("utf-8", "replace"), other.encode())
