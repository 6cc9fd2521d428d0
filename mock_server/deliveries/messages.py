"""The message of an attempt, its injected faults, and the interface of its sender."""

from typing import Any, NamedTuple, Protocol

import orjson

from crmcom_kit import __version__
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages

#: Headers in which the mock identifies itself and the attempt; they are not the vendor's.
OWN_HEADER = "X-Crmcom-Mock"
LABEL_HEADER = "X-Mock-Attempt"
#: The faults of a delivery, to test its receiver.
SIGNATURE_FAULTS = ("wrong_signature", "old_key")
MESSAGE_FAULTS = (*SIGNATURE_FAULTS, "cut_body", "duplicate")


class OutgoingMessage(NamedTuple):
    """The content and destination of an attempt."""

    url: str
    data: bytes | None
    authentication_code: str | None
    label: str = ""  # the mock's own name of the attempt, sent in a header
    cut: bool = False  # True: only the first half of the body is sent
    number: str = ""  # of the webhook request; not sent

    @property
    def data_object(self) -> Any:
        """The data object; None if the record has none."""
        return None if self.data is None else orjson.loads(self.data)


class Sender(Protocol):
    """Sends webhook requests; its caller holds no lock."""

    def send(self, message: OutgoingMessage) -> Outcome:
        """Send once and return the outcome; an exception also fails the attempt."""
        ...


def message_of(messages: ThirdPartyMessages, message: OutgoingMessage) -> Message:
    """Return the HTTP message of an attempt: the dialect's, and the mock's own headers.

    A record without a data object sends an empty one.
    """
    data = message.data_object
    code = message.authentication_code
    method, headers, body = messages.write({} if data is None else data, code)
    if message.cut:
        body = body[: len(body) // 2]
    mock_headers = (("User-Agent", f"crmcom-kit/{__version__}"), (OWN_HEADER, __version__))
    label = ((LABEL_HEADER, message.label),) if message.label else ()
    return Message(method, (*mock_headers, *label, *headers), body)
