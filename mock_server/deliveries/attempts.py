"""The attempts to send webhook requests of one world: the last ones, with their outcomes."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crmcom_kit.mock_server.deliveries.messages import Outcome, OutgoingMessage
from crmcom_kit.mock_server.store.records import State
from crmcom_kit.usage_errors import NotFound

#: Above it, the oldest attempts are removed.
MAX_BYTES = 16_777_216
_OWN_BYTES = 10_000  # maximum size of an attempt without its data


class Stage(StrEnum):
    """The progress of an attempt."""

    QUEUED = "queued"
    SENDING = "sending"
    ENDED = "ended"
    ABANDONED = "abandoned"  # given up without an outcome; the record keeps its state


class Cause(StrEnum):
    """The reason for an attempt."""

    RESEND = "resend"
    FIRE = "fire"
    REPLAY = "replay"  # also by the fault ``duplicate``


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One attempt: its message, its record and its outcome."""

    number: int = 0  # counted from 1 in each world; a reset does not restart it
    cause: Cause
    record_id: str
    record_number: str
    definition: str
    at: datetime  # of the world's clock, when it was requested
    message: OutgoingMessage = field(repr=False)  # its URL may have a password
    of: int | None = None  # the attempt that it repeats
    stage: Stage = Stage.QUEUED
    fault: str | None = None  # the injected fault
    outcome: Outcome | None = None
    seconds: float | None = None  # of the machine's time
    before: State | None = None  # the record's state, as responses show it
    after: State | None = None
    revision: int = 0  # the value of ``Attempts.revision`` at its last change

    @property
    def over(self) -> bool:
        """True if it has ended, with an outcome or abandoned."""
        return self.stage in (Stage.ENDED, Stage.ABANDONED)

    @property
    def delivered(self) -> bool:
        """True if the receiver has accepted it."""
        return self.outcome is not None and self.outcome.delivered


class Attempts:
    """The last attempts of one world, oldest first."""

    def __init__(self, world: str, *, last_number: int = 0) -> None:
        """Start empty, in the world of that name; numbers follow ``last_number``."""
        self._world = world
        self._lock = threading.Lock()
        self._attempts: dict[int, Attempt] = {}
        self._bytes = 0
        #: The number of the last attempt.
        self.last_number = last_number
        #: The number of additions and changes.
        self.revision = 0

    def add(self, attempt: Attempt) -> Attempt:
        """Add an attempt before it is sent; set its number, and return it.

        Its message gets a label, which names the attempt to a receiver, and the number of its
        record.
        """
        with self._lock:
            self.last_number += 1
            attempt.number = self.last_number
            label = f"{self._world}/{attempt.number}"
            attempt.message = attempt.message._replace(label=label, number=attempt.record_number)
            self._attempts[attempt.number] = attempt
            self._bytes += _size(attempt)
            while self._bytes > MAX_BYTES:
                self._bytes -= _size(self._attempts.pop(next(iter(self._attempts))))
            self._note_change(attempt)
        return attempt

    def change(self, attempt: Attempt, **changes: object) -> None:
        """Set members of an attempt."""
        with self._lock:
            for name, value in changes.items():
                setattr(attempt, name, value)
            self._note_change(attempt)

    def _note_change(self, attempt: Attempt) -> None:
        self.revision = attempt.revision = self.revision + 1

    def changed_since(self, revision: int) -> tuple[int, list[Attempt]]:
        """Return the current revision, and the attempts changed since an older one."""
        with self._lock:
            attempts = [
                attempt for attempt in self._attempts.values() if attempt.revision > revision
            ]
            return self.revision, attempts

    def select(self, record: str | None = None) -> list[Attempt]:
        """Return all attempts, or those of a record by its id or number, oldest first."""
        with self._lock:
            return [
                attempt
                for attempt in self._attempts.values()
                if record is None or record in (attempt.record_id, attempt.record_number)
            ]

    def get(self, number: int) -> Attempt:
        """Return an attempt by its number. Raises NotFound."""
        attempt = self._attempts.get(number)
        if attempt is None:
            attempts = self.select()
            empty_text = "none, since nothing was delivered"
            allowed = f"{attempts[0].number} to {attempts[-1].number}" if attempts else empty_text
            raise NotFound("delivery", seen=str(number), allowed=allowed)
        return attempt

    def with_repeats(self, *numbers: int) -> list[Attempt]:
        """Return the attempts with these numbers and those that repeat them, oldest first."""
        if not numbers:
            return []
        return [
            attempt
            for attempt in self.select()
            if attempt.number in numbers or attempt.of in numbers
        ]


def _size(attempt: Attempt) -> int:
    return _OWN_BYTES + len(attempt.message.data or b"")
