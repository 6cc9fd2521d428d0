"""How a webhook request gets sent: the protocol, and a built-in receiver with a script."""

import threading
from typing import NamedTuple, Protocol

from crmcom_kit.schemas.dialect import (
    DialectError,
    delivery_outcomes,
    dials,
    other_statuses,
    read_script,
)

#: Outcomes by which the mock itself kept something from being sent.
NOT_SENT = frozenset({"blocked", "bad_url", "no_connection", "queue_full"})


class Attempt(NamedTuple):
    """One try to send a webhook request."""

    url: str
    data: bytes | None
    authentication_code: str | None
    label: str = ""  # of the mock's own, which goes along in a header
    cut: bool = False  # whether only the beginning of the body goes out


class Outcome(NamedTuple):
    """What came of an attempt; error_code is None where it succeeded."""

    name: str
    error_code: str | None
    error_description: str | None
    status: int | None  # of the receiver's answer, where one came
    answer: bytes = b""  # the beginning of the answer's body
    why: str = ""  # in the mock's own words, where the vendor's say less

    @property
    def delivered(self) -> bool:
        """Whether the receiver took the webhook request."""
        return self.error_code is None


class Stopped(Exception):
    """The mock ends: an attempt was given up, and nobody knows what came of it."""


def outcome_of(name: str, url: str, limit: int, *, answer: bytes = b"", why: str = "") -> Outcome:
    """Return an outcome of the table, told about ``url``, in at most ``limit`` characters."""
    entry = delivery_outcomes()[name]
    text = entry["error_description"]
    if text is not None:
        text = text.replace("{url}", url)[:limit]
    return Outcome(name, entry["error_code"], text, entry["status"], answer, why)


def outcome_of_status(
    status: int, reason: str, url: str, limit: int, *, answer: bytes = b""
) -> Outcome:
    """Return what it means that the receiver refused with an HTTP status."""
    name = f"http_{status}"
    if name in delivery_outcomes():
        return outcome_of(name, url, limit, answer=answer)
    entry = other_statuses()
    text = entry["error_description"].replace("{reason}", reason or str(status))
    return Outcome(name, entry["error_code"], text.replace("{url}", url)[:limit], status, answer)


class Delivery(Protocol):
    """Whatever sends webhook requests. Called without any lock held."""

    def send(self, attempt: Attempt) -> Outcome:
        """Try once and say what came of it; never raise for what a receiver does.

        Raises Stopped where the mock ends meanwhile.
        """
        ...

    def reset(self) -> None:
        """Go back to the beginning."""
        ...


class ScriptedDelivery:
    """A receiver that answers from a script, try by try, the last outcome for ever.

    Assumed: no page says when a webhook request is rejected or with which error.
    """

    def __init__(self, script: str, *, description_limit: int, tries: int = 0) -> None:
        """Take a script such as ``3*timeout, success``, of which ``tries`` are behind it.

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

    def send(self, attempt: Attempt) -> Outcome:
        """Answer with the next outcome of the script."""
        with self._lock:
            name = self._outcome_at(self._tries)
            self._tries += 1
        return outcome_of(name, attempt.url, self._limit)

    def _outcome_at(self, tries: int) -> str:
        for count, name in self._steps:
            if tries < count:
                return name
            tries -= count
        return self._steps[-1][1]

    def clone(self) -> "ScriptedDelivery":
        """Return a receiver that goes on from here by itself."""
        with self._lock:
            tries = self._tries
        return ScriptedDelivery(self._script, description_limit=self._limit, tries=tries)

    def reset(self) -> None:
        """Start the script again."""
        with self._lock:
            self._tries = 0
