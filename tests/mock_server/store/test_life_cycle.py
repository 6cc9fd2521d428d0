"""The life cycle: what may happen in which state, and where it leads."""

from contextlib import suppress
from itertools import product

from crmcom_kit.mock_server.store.life_cycle import RESENDABLE, Event, State, WrongState, after

#: Written out a second time, so that a slip in the table shows.
EXPECTED = {
    ("REJECTED", "resend"): "SENDING",
    ("SENDING", "delivered"): "SUCCESSFUL",
    ("SENDING", "failed"): "REJECTED",
    ("SENDING", "abandoned"): "REJECTED",
}


def test_each_state_and_event_lead_to_the_expected_state_or_are_refused() -> None:
    """Only a REJECTED record can be resent, and each delivery ends in a documented state."""
    found = {}
    for state, event in product(State, Event):
        with suppress(WrongState):
            found[state.value, event.value] = after(state, event).value
    assert found == EXPECTED
    assert frozenset({State.REJECTED}) == RESENDABLE


def test_only_documented_states_are_shown() -> None:
    """A record whose delivery runs is shown as REJECTED: no response has a third state."""
    shown = {state.value: state.shown.value for state in State}
    assert shown == {"SUCCESSFUL": "SUCCESSFUL", "REJECTED": "REJECTED", "SENDING": "REJECTED"}
