"""The outcomes of deliveries. Their table is ``schemas/data/delivery_outcomes.json``.

It gives each outcome its name, the vendor's error code and description, and the HTTP status. A
script (``--deliver``, ``delivery.script``) may use every name in it.
"""

from enum import StrEnum
from typing import NamedTuple

from crmcom_kit.redaction import redact_url
from crmcom_kit.schemas.dialect import delivery_outcomes, other_statuses


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
