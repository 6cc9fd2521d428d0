"""The kit is measured: every server that is wrong on purpose is caught, with its statement named.

Each server meets the probes of its own statement first, then all fixed layers, then the generated
ones; with ``CRMCOM_KIT_SEEDS`` it meets all of them, with so many seeds.
``CRMCOM_KIT_WRITE_KILL_TABLE=1`` writes ``docs/kill-table.md``, from 20 seeds.
"""

import json
import os
from pathlib import Path

import pytest
from broken_servers.catalogue import BrokenServer, broken_servers
from broken_servers.killing import attack, attack_all, attack_briefly, attack_narrowly
from broken_servers.table import SEEDS, Row, read, rendered, stable_cells

from crmcom_kit.schemas.statements import statements

SERVERS = broken_servers()
#: One for each statement.
FIRSTS = list({server.statement: server for server in reversed(SERVERS)}.values())[::-1]
#: Sixty of these, spread over the catalogue; so many of them must be caught by few requests.
SIXTY = [FIRSTS[at * len(FIRSTS) // 60] for at in range(60)]
FEW_REQUESTS, MIN_OF_SIXTY = 150, 54

_SEEDS = range(int(os.environ.get("CRMCOM_KIT_SEEDS", "1")))
_MORE_SEEDS = range(1, 5)
_WRITES = bool(os.environ.get("CRMCOM_KIT_WRITE_KILL_TABLE"))


@pytest.fixture(scope="module")
def table(project_root: Path) -> dict[str, Row]:
    """The committed kill table, by server."""
    return read((project_root / "docs" / "kill-table.md").read_text(encoding="utf-8"))


def test_every_checked_statement_has_a_broken_server() -> None:
    """The catalogue of wrong servers is whole."""
    checked = {each.id for each in statements() if each.unchecked is None}
    assert {server.statement for server in SERVERS} == checked


def test_table_has_these_servers(table: dict[str, Row]) -> None:
    """Nobody added, renamed or reworded a server without writing the table."""
    assert {name: row.stable for name, row in table.items()} == {
        server.name: stable_cells(server) for server in SERVERS
    }


def test_table_has_none_that_gets_away(table: dict[str, Row]) -> None:
    """What is always wrong was caught with every seed."""
    assert [s.name for s in SERVERS if not s.rare and not table[s.name].always] == []


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_is_caught_as_the_table_says(server: BrokenServer, table: dict[str, Row]) -> None:
    """Its statement is named: by its own probes, or else by a layer that the table knows of."""
    row = table[server.name]
    if len(_SEEDS) == 1 and attack_narrowly(server).caught:
        return
    kills = attack(server, _SEEDS)
    if len(_SEEDS) == 1 and not kills[0].caught:
        # What is drawn hangs on the modules that are loaded, too; several seeds do not miss alike.
        kills = [kill for kill in attack(server, _MORE_SEEDS) if kill.caught] or kills
    missed = [kill for kill in kills if not kill.caught]
    assert not (row.always and missed), f"{server.statement} is not named: {missed}"
    assert {kill.layer for kill in kills if kill.caught} <= row.layers


def test_few_requests_catch_most() -> None:
    """A tight budget goes to where it tells most."""
    kills = [attack_briefly(server, FEW_REQUESTS) for server in SIXTY]
    missed = [kill.name for kill in kills if not kill.caught]
    assert max(kill.requests for kill in kills) <= FEW_REQUESTS
    assert len(kills) - len(missed) >= MIN_OF_SIXTY, missed


@pytest.mark.timeout(7200)
@pytest.mark.skipif(not _WRITES, reason="writes the table; set CRMCOM_KIT_WRITE_KILL_TABLE=1")
def test_table_is_written(project_root: Path) -> None:
    """Not a test of anything: the table's one writer."""
    elsewhere = project_root / "benchmarks" / "schemathesis_kills.json"
    schemathesis = json.loads(elsewhere.read_text()) if elsewhere.exists() else {}
    text = rendered(attack_all(range(SEEDS)), schemathesis)
    path = project_root / "docs" / "kill-table.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    assert set(read(text)) == {server.name for server in SERVERS}
