"""The life cycle of a webhook request: a table of states and events.

Only a REJECTED webhook request may be resent: ``TRANSITIONS`` has no other entry for
``Event.RESEND``. Deleting is not in the table, since every state allows it.

Sources: webhook_requests/resend and /delete, R9.0.0. The resend example implies
that resend keeps the record and changes its state. SENDING belongs to the emulator: a record has it
during its delivery, and responses show it as REJECTED.
"""

from enum import StrEnum


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
