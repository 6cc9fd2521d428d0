"""A violation is cut to the few requests that it rests on."""

from dataclasses import replace

import pytest
from helpers.conversations import Conversation, exchange
from helpers.recordings import ONE, THREE, TOKEN, TWO, Entry, changed, listed, login, record, show

from crmcom_kit.contract_tests.campaign.connection import Connection
from crmcom_kit.contract_tests.campaign.session import Session
from crmcom_kit.contract_tests.campaign.shortening import shorten
from crmcom_kit.contract_tests.campaign.stopping import Stop
from crmcom_kit.contract_tests.client.exchanges import Exchange
from crmcom_kit.contract_tests.client.http import Client, Limits
from crmcom_kit.contract_tests.client.targets import own_mock
from crmcom_kit.contract_tests.templates import Scene

SENT, LESS = record(1, life_cycle_state="SUCCESSFUL"), listed([TWO, THREE])
LOOKS = [listed([ONE, TWO, THREE]), show(TWO, 2), show(THREE, 3), login("OTHER")]


def sent(*entries: Entry) -> list[Exchange]:
    """Return exchanges as a run keeps them, with their parameters."""
    exchanges = [exchange(entry, number) for number, entry in enumerate(entries, 1)]
    return [
        made.changed(call=replace(made.call, parameters={"token": TOKEN})) for made in exchanges
    ]


def session_of(conversation: Conversation) -> Session:
    """Return a session with the oracle of a conversation, whose time ends in a minute."""
    target = own_mock("R13")
    client = Client(target, Limits(), ends_at=60.0, now=lambda: 0.0)
    return Session(Connection(client, Scene(conversation.belief), None, Stop()))


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
    *_, (suspicion, *_) = [conversation.observe(made).suspicions for made in log]
    session = session_of(conversation)
    violation = suspicion.violation(suspicion.hypotheses[0])

    assert [exchange.number for exchange in shorten(violation, log, session)] == rests_on
    # Without time, or with a history that does not lead to it, a violation keeps its own exchanges,
    # and the change of its webhook request.
    causes = [change.exchange for change in conversation.belief.changes.sent]
    kept = sorted({*causes, *violation.exchanges}, key=log.index)
    session.client.ends_at = 0.0
    assert [*shorten(violation, log, session)] == kept
    session.client.ends_at, unseen = 60.0, replace(violation, seen="something else")
    assert [*shorten(unseen, log, session)] == kept
