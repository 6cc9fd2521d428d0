"""The life cycle of a webhook request: which state allows what, as a table.

Only a REJECTED webhook request may be resent: ``TRANSITIONS`` has no other entry for
``Event.RESEND``. Deleting is not in the table, since every state allows it.

Sources: webhook_requests/resend and /delete, R9.0.0. That resend keeps the record and changes its
state is inferred from the resend example. SENDING is the emulator's own: a record has it while its
delivery runs, and responses show it as REJECTED.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a webhook request is in its life cycle."""

    SUCCESSFUL = "SUCCESSFUL"
    REJECTED = "REJECTED"
    SENDING = "SENDING"

    @property
    def shown(self) -> "State":
        """The ``life_cycle_state`` that responses show."""
        return State.REJECTED if self is State.SENDING else self


class Event(StrEnum):
    """What can happen to a webhook request."""

    RESEND = "resend"
    DELIVERED = "delivered"
    FAILED = "failed"
    ABANDONED = "abandoned"  # the delivery could not be tried: nothing has changed


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
        """Remember the ``state`` that refused ``event``."""
        super().__init__(f"{event} is not possible in state {state}")
        self.state = state


def after(state: State, event: Event) -> State:
    """Return the state that ``event`` leads to. Raises WrongState if there is none."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise WrongState(state, event) from None
