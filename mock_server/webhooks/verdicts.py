"""Verdicts on messages of one world: which attempt one is, and whether its code verifies."""

import orjson

from crmcom_kit.mock_server.deliveries.attempts import AttemptNote
from crmcom_kit.mock_server.deliveries.receiver import Received
from crmcom_kit.mock_server.deliveries.senders import LABEL_HEADER
from crmcom_kit.mock_server.webhooks.signatures import Verdict, judge, keys_of
from crmcom_kit.mock_server.world.epoch import Epoch


def sent_as(epoch: Epoch, received: Received) -> AttemptNote | None:
    """Return the attempt that a request is, by the label that it carries."""
    world, _, number = received.named.get(LABEL_HEADER.lower(), "").rpartition("/")
    if world != epoch.name or not number.isdecimal() or len(number) > 18:
        return None
    return epoch.attempts.find(int(number))


def verdict_on(
    epoch: Epoch,
    headers: dict[str, str],
    body: bytes,
    *,
    note: AttemptNote | None = None,
    definition: str | None = None,
    code: str | None = None,
) -> Verdict:
    """Say whether a message's authentication code verifies, and if it does not, why.

    Args:
        epoch: whose keys are tried.
        headers: of the message, by name in lower case.
        body: of the message.
        note: the attempt that it is, where that is known.
        definition: the id of the definition whose key is right; any where left out.
        code: what somebody reckoned; the message's own where left out.
    """
    arrived = epoch.config.exchanges.messages.read(headers, body)
    if code is not None:
        arrived = arrived._replace(code=code)
    sent = None
    if note is not None:
        definition = note.definition
        sent = None if note.attempt.data is None else orjson.loads(note.attempt.data)
    return judge(epoch.config, arrived, body, keys_of(epoch.reference_data, definition), sent)
