"""What the documents leave open fails no server: every legal oddity passes, alone and together.

``CRMCOM_KIT_SEEDS=20`` tries as many times the combinations, and with more generated calls.
"""

import os
import random
from typing import Any

import pytest
from broken_servers.oddities import ODDITIES, combined, together

from crmcom_kit.contract_tests.findings import Verdict
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.run import RunConfig, run
from crmcom_kit.contract_tests.targets import own_mock
from crmcom_kit.schemas.dialect import load_dialect
from crmcom_kit.schemas.releases import resolve

RELEASES = ("R9", "R10", "R12", "R13", "R15", "R18")
SEEDS = int(os.environ.get("CRMCOM_KIT_SEEDS", "1"))
COMBINATIONS = 40 * SEEDS
#: Of each generated layer: few by default, for there are many servers to check.
EXAMPLES = 5 if SEEDS == 1 else RunConfig().max_examples


def checked(names: list[str], release: str, seed: int = 0) -> Results:
    """Check a mock with the oddities ``names``."""
    wrap, dials = combined(names)
    dialect = load_dialect("default").changed(dials)
    return run(own_mock(release, dialect, wrap=wrap), RunConfig(seed=seed, max_examples=EXAMPLES))


def alarms(results: Results) -> list[Any]:
    """Return everything that a run holds against its target, or that went wrong."""
    wrong = (Verdict.BROKEN, Verdict.ERROR)
    found = [
        (result.statement.id, result.why, *map(str, result.violations[:2]))
        for result in results.statements
        if result.verdict in wrong
    ]
    return found if results.trouble is None else [*found, results.trouble]


def test_there_are_enough() -> None:
    """The documents leave more open than a handful."""
    assert sum(oddity.handle is not None for oddity in ODDITIES.values()) >= 15


@pytest.mark.parametrize(
    ("name", "release"),
    [
        (name, release)
        for name, oddity in ODDITIES.items()
        for release in ("R9", "R15")
        if resolve(release).at_least(oddity.since)
    ],
)
def test_oddity_alone_passes(name: str, release: str) -> None:
    """One difference is no violation."""
    assert alarms(checked([name], release)) == []


@pytest.mark.parametrize("seed", range(COMBINATIONS))
def test_oddities_together_pass(seed: int) -> None:
    """Several differences are none, however they meet."""
    draw = random.Random(f"oddities {seed}")
    release = draw.choice(RELEASES)
    names = together(draw, release)
    assert alarms(checked(names, release, seed)) == [], (release, names)
