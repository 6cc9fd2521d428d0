"""A violation is cut to the few requests that it rests on."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.conversations import Conversation, exchange
from helpers.recordings import TOKEN, Entry, changed, listed, login, record, show

from crmcom_kit.contract_tests.campaign.shortening import shorten
from crmcom_kit.contract_tests.client.exchanges import Exchange

ONE, TWO, THREE = record(1), record(2), record(3)
SENT, LESS = record(1, life_cycle_state="SUCCESSFUL"), listed([TWO, THREE])
LOOKS = [listed([ONE, TWO, THREE]), show(TWO, 2), show(THREE, 3), login("OTHER")]


def sent(*entries: Entry) -> list[Exchange]:
    """Return exchanges as a run keeps them, with their parameters."""
    found = [exchange(each, number) for number, each in enumerate(entries, 1)]
    for each in found:
        each.call = replace(each.call, parameters={"token": TOKEN})
    return found


@pytest.mark.parametrize(
    ("before", "last", "rests_on"),
    [
        ([login(), *LOOKS * 5, changed("resend", SENT), *LOOKS[1:]], LESS, [1, 18, 22, 26]),
        ([login(), *LOOKS * 20, changed("delete", ONE), *LOOKS * 5], show(ONE), [1, 78, 82, 103]),
        ([login(), *LOOKS * 5, show(ONE), *LOOKS * 20], listed([ONE, ONE]), [1, 103]),
    ],
    ids=["a resend between two lists", "a delete", "nothing"],
)
def test_a_violation_is_cut_to_what_it_rests_on(
    before: list[Entry], last: Entry, rests_on: list[int]
) -> None:
    """Of some hundred exchanges the login is left, a look, the change, and the last one."""
    conversation, log = Conversation(), sent(*before, last)
    for each in log:
        found = conversation.observe(each).suspicions
    session: Any = SimpleNamespace(
        belief=conversation.belief,
        client=SimpleNamespace(seconds_left=60.0),
        scene=SimpleNamespace(login=SimpleNamespace(token=None)),
    )
    violation = found[0].violation(found[0].hypotheses[0])

    assert [each.number for each in shorten(violation, log, session)] == rests_on
    # Without time, or with a history that does not lead to it, it keeps its own exchanges, and the
    # change of its webhook request.
    causes = [change.exchange for change in conversation.belief.changes]
    own = sorted({*causes, *violation.exchanges}, key=log.index)
    session.client.seconds_left = 0.0
    assert [*shorten(violation, log, session)] == own
    session.client.seconds_left = 60.0
    assert [*shorten(replace(violation, seen="something else"), log, session)] == own
