"""The message of an attempt, its injected faults, its sender and its outcome.

The table of outcomes, ``schemas/data/delivery_outcomes.json``, gives each its name, the vendor's
error code and description, and the HTTP status. A script (``--deliver``, ``delivery.script``) may
use every name in it.
"""

from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import orjson

from crmcom_kit import __version__
from crmcom_kit.redaction import redact_url
from crmcom_kit.schemas.dialect import delivery_outcomes, other_statuses
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages


class OutcomeName(StrEnum):
    """The outcomes that code uses; the table has others, e.g. ``http_404``."""

    SUCCESS = "success"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNKNOWN_HOST = "unknown_host"
    BAD_TLS = "bad_tls"
    CONNECT_TIMEOUT = "connect_timeout"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    NO_RESPONSE = "no_response"
    MALFORMED = "malformed"
    BLOCKED = "blocked"
    BAD_URL = "bad_url"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"


#: Outcomes where the mock itself sent nothing.
NOT_SENT = frozenset((OutcomeName.BLOCKED, OutcomeName.BAD_URL))


class CallFailed(Exception):
    """A request got no response; has the name of the outcome and the reason."""

    def __init__(self, outcome: OutcomeName, reason: str) -> None:
        """Set the outcome, and the reason as the message."""
        super().__init__(reason)
        self.outcome = outcome


class Outcome(NamedTuple):
    """The result of an attempt; ``error_code`` is None if it succeeded."""

    name: str
    error_code: str | None
    error_description: str | None
    status: int | None  # of the receiver's response, if one came
    body: bytes = b""  # the beginning of the response's body
    why: str = ""  # the mock's explanation, if the vendor's text says less

    @property
    def delivered(self) -> bool:
        """True if the receiver accepted the webhook request."""
        return self.error_code is None

    def limit_description(self, characters: int) -> "Outcome":
        """Return a copy with a description of at most ``characters``."""
        text = self.error_description
        return self._replace(error_description=text and text[:characters])


def outcome_of(name: str, url: str, *, why: str = "") -> Outcome:
    """Return an outcome of the table for ``url``."""
    entry = delivery_outcomes()[name]
    text = entry["error_description"]
    if text is not None:
        text = text.replace("{url}", redact_url(url))
    return Outcome(name, entry["error_code"], text, entry["status"], why=why)


def outcome_of_status(status: int, reason: str, url: str, body: bytes) -> Outcome:
    """Return the outcome of a receiver's HTTP status that is not a success."""
    name = f"http_{status}"
    entry = delivery_outcomes().get(name) or other_statuses()
    text = entry["error_description"].replace("{reason}", reason or str(status))
    text = text.replace("{url}", redact_url(url))
    return Outcome(name, entry["error_code"], text, status, body)


def outcome_of_error(error: Exception) -> Outcome:
    """Return the outcome of an attempt whose sender raised ``error``."""
    code = type(error).__name__
    reason = f"{code}: {error}; raised by the delivery given to the mock"
    return Outcome(OutcomeName.INTERNAL, code, reason, None, why=reason)


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
