"""The life cycle: what may happen in which state, and what comes of it."""

import pytest

from crmcom_kit.mock_server.store.life_cycle import TRANSITIONS, Event, State, WrongState, after
from crmcom_kit.mock_server.store.records import shown_state

#: Written out a second time, so that a slip in the table shows.
EXPECTED = {
    ("REJECTED", "resend"): "SENDING",
    ("SENDING", "delivered"): "SUCCESSFUL",
    ("SENDING", "failed"): "REJECTED",
    ("SENDING", "abandoned"): "REJECTED",
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_pair_either_leads_somewhere_or_is_refused(state: State, event: Event) -> None:
    """Each state and event have one result: the expected state, or WrongState naming both."""
    expected = EXPECTED.get((state.value, event.value))

    if expected is not None:
        assert after(state, event) == expected
        return
    with pytest.raises(WrongState, match=f"{event} is not possible in state {state}") as caught:
        after(state, event)
    assert caught.value.state is state


def test_the_table_holds_nothing_else() -> None:
    """Every transition of the table is one of the expected ones."""
    assert {(s.value, e.value): t.value for (s, e), t in TRANSITIONS.items()} == EXPECTED


def test_a_successful_webhook_request_stays_as_it_is() -> None:
    """Only a rejected webhook request can be sent again; nothing leads out of SUCCESSFUL."""
    assert not [pair for pair in TRANSITIONS if pair[0] is State.SUCCESSFUL]
    assert [state for state, event in TRANSITIONS if event is Event.RESEND] == [State.REJECTED]


def test_a_resend_always_ends() -> None:
    """Whatever comes of a delivery, the record is then in one of the two documented states."""
    ends = {target for (state, _), target in TRANSITIONS.items() if state is State.SENDING}

    assert ends == {State.SUCCESSFUL, State.REJECTED}
    assert set(Event) - {Event.RESEND} == {e for s, e in TRANSITIONS if s is State.SENDING}


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (State.SUCCESSFUL, "SUCCESSFUL"),
        (State.REJECTED, "REJECTED"),
        (State.SENDING, "REJECTED"),
    ],
)
def test_only_documented_states_are_shown(state: State, shown: str) -> None:
    """A record that is on its way shows as REJECTED: no answer has a third state."""
    assert shown_state(state) == shown
