"""What an attempt sends: the message, what can be wrong with it on purpose, and who sends it."""

from typing import Any, NamedTuple, Protocol

import orjson

from crmcom_kit import __version__
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages

#: Headers in which the mock identifies itself and the attempt; they are not the vendor's.
OWN_HEADER = "X-Crmcom-Mock"
LABEL_HEADER = "X-Mock-Attempt"
#: What can be wrong with a delivery on purpose, to test its receiver.
SIGNATURE_FAULTS = ("wrong_signature", "old_key")
MESSAGE_FAULTS = (*SIGNATURE_FAULTS, "cut_body", "duplicate")


class OutgoingMessage(NamedTuple):
    """What an attempt sends, and where to."""

    url: str
    data: bytes | None
    authentication_code: str | None
    label: str = ""  # the mock's own name of the attempt, sent in a header
    cut: bool = False  # whether only the first half of the body is sent
    number: str = ""  # of the webhook request; not sent

    @property
    def data_object(self) -> Any:
        """The data object; None if the record has none."""
        return None if self.data is None else orjson.loads(self.data)


class Sender(Protocol):
    """Sends webhook requests. It is called without any lock held."""

    def send(self, message: OutgoingMessage) -> Outcome:
        """Try once and return the outcome; an exception fails the attempt, too."""
        ...


def message_of(messages: ThirdPartyMessages, message: OutgoingMessage) -> Message:
    """Return the HTTP message of an attempt: the dialect's, and the mock's own headers.

    A record without a data object sends an empty one.
    """
    data = message.data_object
    code = message.authentication_code
    method, headers, body = messages.written({} if data is None else data, code)
    if message.cut:
        body = body[: len(body) // 2]
    own = (("User-Agent", f"crmcom-kit/{__version__}"), (OWN_HEADER, __version__))
    label = ((LABEL_HEADER, message.label),) if message.label else ()
    return Message(method, (*own, *label, *headers), body)
