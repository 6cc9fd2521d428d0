"""A sample of what ``make measure`` measures: servers that are wrong on purpose are caught.

``docs/explanation/kill-table.md`` has what the kit makes of all of them.
"""

import pytest
from broken_servers.catalogue import BrokenServer, broken_servers
from broken_servers.killing import attack, attack_briefly, attack_narrowly
from measure import TABLE, read_rows, stable_cells

from crmcom_kit.schemas.statements import statements

SERVERS = broken_servers()
#: One for each statement.
FIRSTS = list({server.statement: server for server in reversed(SERVERS)}.values())[::-1]
#: Ten of these, spread over the catalogue; so many of them must be caught by few requests.
TEN = [FIRSTS[at * len(FIRSTS) // 10] for at in range(10)]
FEW_REQUESTS, MIN_OF_TEN = 150, 9


def test_every_checked_statement_has_a_broken_server() -> None:
    """The catalogue of wrong servers is whole."""
    checked = {each.id for each in statements() if each.unchecked is None}
    assert {server.statement for server in SERVERS} == checked


def test_the_table_has_these_servers() -> None:
    """docs/explanation/kill-table.md has a row for each wrong server, with what it breaks."""
    rows = read_rows(TABLE.read_text("utf-8"))
    assert {name: cells[:4] for name, cells in rows.items()} == {
        server.name: stable_cells(server) for server in SERVERS
    }


@pytest.mark.parametrize("server", FIRSTS[::2], ids=lambda server: server.name)
def test_is_caught(server: BrokenServer) -> None:
    """Its statement is named: by its own probes, or else by a whole run."""
    if not attack_narrowly(server).caught:
        kill = attack(server)
        assert kill.caught, kill


@pytest.mark.parametrize("server", FIRSTS[::24], ids=lambda server: server.name)
def test_is_caught_elsewhere(server: BrokenServer) -> None:
    """So it is where the kit has to find the webhook requests first, and others may be at work."""
    if not attack_narrowly(server, elsewhere=True).caught:
        kill = attack(server, elsewhere=True)
        assert kill.caught, kill


def test_a_slash_accuses_nothing_else() -> None:
    """Where a slash behind a method leads nowhere, no other statement is said to be broken."""
    server = next(each for each in SERVERS if each.name == "slash_behind_is_unknown")
    kill = attack_briefly(server)
    assert kill.caught
    assert not kill.others


def test_few_requests_catch_most() -> None:
    """A tight budget goes to where it tells most."""
    kills = [attack_briefly(server, FEW_REQUESTS) for server in TEN]
    missed = [kill.name for kill in kills if not kill.caught]
    assert max(kill.requests for kill in kills) <= FEW_REQUESTS
    assert len(kills) - len(missed) >= MIN_OF_TEN, missed
