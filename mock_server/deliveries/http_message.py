"""What goes over the wire for one attempt: the dialect's message, and what the mock adds to it."""

import orjson

from crmcom_kit import __version__
from crmcom_kit.mock_server.deliveries.senders import Attempt
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages

#: What the mock says of itself in each message: no vendor's headers.
OWN_HEADER = "X-Crmcom-Mock"
LABEL_HEADER = "X-Mock-Attempt"


def message_of(messages: ThirdPartyMessages, attempt: Attempt) -> Message:
    """Return what goes out for an attempt; a record without a data object sends an empty one."""
    data = {} if attempt.data is None else orjson.loads(attempt.data)
    method, headers, body = messages.written(data, attempt.authentication_code)
    if attempt.cut:
        body = body[: len(body) // 2]
    own = (("User-Agent", f"crmcom-kit/{__version__}"), (OWN_HEADER, __version__))
    label = ((LABEL_HEADER, attempt.label),) if attempt.label else ()
    return Message(method, (*own, *label, *headers), body)
