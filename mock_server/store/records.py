"""One record of a store, its life cycle, and a query for many.

Only a REJECTED webhook request may be resent: ``TRANSITIONS`` has no other entry for
``Event.RESEND``. Deleting is not in the table, since every state allows it.

Sources: webhook_requests/resend and /delete, R9.0.0. The resend example implies
that resend keeps the record and changes its state. SENDING belongs to the emulator: a record has it
during its delivery, and responses show it as REJECTED.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Literal, NamedTuple


class State(StrEnum):
    """The states of a webhook request."""

    SUCCESSFUL = "SUCCESSFUL"
    REJECTED = "REJECTED"
    SENDING = "SENDING"

    @property
    def in_responses(self) -> "State":
        """The ``life_cycle_state`` that responses show."""
        return State.REJECTED if self is State.SENDING else self


class Event(StrEnum):
    """The events of a webhook request."""

    RESEND = "resend"
    DELIVERED = "delivered"
    FAILED = "failed"
    ABANDONED = "abandoned"  # without an attempt to deliver: nothing has changed


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.REJECTED, Event.RESEND): State.SENDING,
    (State.SENDING, Event.DELIVERED): State.SUCCESSFUL,
    (State.SENDING, Event.FAILED): State.REJECTED,
    (State.SENDING, Event.ABANDONED): State.REJECTED,
}
#: The states in which a webhook request may be resent.
RESENDABLE = frozenset(state for state, event in TRANSITIONS if event is Event.RESEND)


class WrongState(Exception):
    """An event that the record's state does not allow; nothing has changed."""

    def __init__(self, state: State, event: Event) -> None:
        """Set the ``state`` that refuses ``event``."""
        super().__init__(f"{event} is not possible in state {state}")
        self.state = state


def next_state(state: State, event: Event) -> State:
    """Return the state after ``event``. Raises WrongState if there is none."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise WrongState(state, event) from None


_OVERHEAD = 512  # bytes of a record besides its content
Key = Literal["id", "number"]
KEYS: tuple[Key, ...] = ("id", "number")
IndexedField = Literal["definition", "rule", "entity", "entity_id"]
Indexed = tuple[IndexedField, frozenset[str]]  # a field and its matching values


def key_of(field: str) -> Key:
    """Return the key of a record for a field of an identifier: id or number."""
    return "number" if field == "number" else "id"


class Record(NamedTuple):
    """One webhook request: the values that find it, and its bytes."""

    id: str
    number: str
    state: State
    definition: str  # the id of its webhook definition
    rule: str  # the id of its workflow rule
    entity: str
    entity_id: str
    url: str
    created: int | None  # created_date in seconds since 1970, read as if it were UTC
    body: bytes  # the JSON object that responses carry
    data: bytes | None  # the JSON object that is delivered
    is_recorded: bool = False  # True: it comes from an instance; no dialect changes its form

    @property
    def size(self) -> int:
        """The bytes that it counts for."""
        return len(self.body) + len(self.data or b"") + len(self.url) + _OVERHEAD


class SortKey(NamedTuple):
    """One key of an order of records."""

    value: Callable[[Record], Any]
    is_down: bool  # True: descending


class Query(NamedTuple):
    """The conditions for records, their order, and the page to return.

    ``indexed`` has fields and their matching values: all fields must match, or with
    ``any_of_indexed`` one of them. All other conditions must be met as well. ``states`` are those
    of responses: a record that is being sent is REJECTED.
    """

    indexed: tuple[Indexed, ...] = ()
    any_of_indexed: bool = False
    url: Callable[[str], bool] | None = None  # returns True for matching URLs
    states: frozenset[str] | None = None
    created_from: int | None = None
    created_before: int | None = None
    newest_first: bool = True
    order: tuple[SortKey, ...] = ()  # records with equal keys are sorted by age
    offset: int = 0
    limit: int | None = None


class DuplicateRecord(Exception):
    """A record has an id or a number that the store has or had already; nothing has changed."""

    def __init__(self, message: str, record: Record) -> None:
        """Set the ``record`` that cannot be inserted."""
        super().__init__(message)
        self.record = record
