"""How a webhook request is sent: attempts, their messages and outcomes, and the scripted sender."""

import threading
from typing import NamedTuple, Protocol

import orjson

from crmcom_kit import __version__
from crmcom_kit.mock_server.deliveries.outcomes import OutcomeName
from crmcom_kit.schemas.dialect import (
    DialectError,
    delivery_outcomes,
    dials,
    other_statuses,
    read_script,
)
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages

#: Headers in which the mock identifies itself and the attempt; they are not the vendor's.
OWN_HEADER = "X-Crmcom-Mock"
LABEL_HEADER = "X-Mock-Attempt"


class OutgoingMessage(NamedTuple):
    """What an attempt sends, and where to."""

    url: str
    data: bytes | None
    authentication_code: str | None
    label: str = ""  # the mock's own name of the attempt, sent in a header
    cut: bool = False  # whether only the first half of the body is sent


class Outcome(NamedTuple):
    """The result of an attempt; ``error_code`` is None if it succeeded."""

    name: str
    error_code: str | None
    error_description: str | None
    status: int | None  # of the receiver's response, if one came
    answer: bytes = b""  # the beginning of the response's body
    why: str = ""  # in the mock's own words, if the vendor's say less

    @property
    def delivered(self) -> bool:
        """Whether the receiver accepted the webhook request."""
        return self.error_code is None


class CallFailed(Exception):
    """No response came: the outcome's name, and why."""

    def __init__(self, outcome: OutcomeName, why: str) -> None:
        """Remember ``outcome``."""
        super().__init__(why)
        self.outcome = outcome


class Stopped(Exception):
    """The mock stops: an attempt was abandoned, and its outcome is unknown."""


def outcome_of(name: str, url: str, limit: int, *, answer: bytes = b"", why: str = "") -> Outcome:
    """Return an outcome of the table for ``url``, described in at most ``limit`` characters."""
    entry = delivery_outcomes()[name]
    text = entry["error_description"]
    if text is not None:
        text = text.replace("{url}", url)[:limit]
    return Outcome(name, entry["error_code"], text, entry["status"], answer, why)


def outcome_of_status(
    status: int, reason: str, url: str, limit: int, *, answer: bytes = b""
) -> Outcome:
    """Return the outcome of a receiver's HTTP status that is not a success."""
    name = f"http_{status}"
    if name in delivery_outcomes():
        return outcome_of(name, url, limit, answer=answer)
    entry = other_statuses()
    text = entry["error_description"].replace("{reason}", reason or str(status))
    return Outcome(name, entry["error_code"], text.replace("{url}", url)[:limit], status, answer)


def outcome_of_error(error: Exception, limit: int) -> Outcome:
    """Return the outcome of a sender that raised ``error`` instead of returning an outcome."""
    code = type(error).__name__
    why = f"{code}: {error}; raised by the delivery given to the mock"
    return Outcome(OutcomeName.INTERNAL, code, why[:limit], None, why=why)


def message_of(messages: ThirdPartyMessages, message: OutgoingMessage) -> Message:
    """Return the HTTP message of an attempt: the dialect's, and the mock's own headers.

    A record without a data object sends an empty one.
    """
    data = {} if message.data is None else orjson.loads(message.data)
    method, headers, body = messages.written(data, message.authentication_code)
    if message.cut:
        body = body[: len(body) // 2]
    own = (("User-Agent", f"crmcom-kit/{__version__}"), (OWN_HEADER, __version__))
    label = ((LABEL_HEADER, message.label),) if message.label else ()
    return Message(method, (*own, *label, *headers), body)


class Delivery(Protocol):
    """A sender of webhook requests. It is called without any lock held."""

    def send(self, message: OutgoingMessage) -> Outcome:
        """Try once and return the outcome; do not raise for what a receiver does.

        Raises Stopped if the mock stops meanwhile. Any other exception fails the attempt.
        """
        ...

    def reset(self) -> None:
        """Return to the initial state: the world was reset."""
        ...


class ScriptedDelivery:
    """A sender that sends nothing and returns a script's outcomes, the last one forever.

    Assumed: no page says when a webhook request is rejected or with which error.
    """

    def __init__(self, script: str, *, description_limit: int, tries: int = 0) -> None:
        """Take a script such as ``3*timeout, success``, and skip its first ``tries`` outcomes.

        Raises:
            DialectError: the script names no known outcome.
        """
        steps = read_script(script)
        if steps is None:
            allowed = dials()["delivery.script"].allowed()
            msg = f"delivery script {script!r} is not allowed; allowed is {allowed}"
            raise DialectError(msg)
        self._script = script
        self._steps = steps
        self._limit = description_limit
        self._lock = threading.Lock()
        self._tries = tries

    def send(self, message: OutgoingMessage) -> Outcome:
        """Return the next outcome of the script."""
        with self._lock:
            name = self._outcome_at(self._tries)
            self._tries += 1
        return outcome_of(name, message.url, self._limit)

    def _outcome_at(self, tries: int) -> str:
        for count, name in self._steps:
            if tries < count:
                return name
            tries -= count
        return self._steps[-1][1]

    def clone(self) -> "ScriptedDelivery":
        """Return an independent copy at the same place of the script."""
        with self._lock:
            tries = self._tries
        return ScriptedDelivery(self._script, description_limit=self._limit, tries=tries)

    def reset(self) -> None:
        """Start the script again."""
        with self._lock:
            self._tries = 0
