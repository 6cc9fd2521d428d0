"""What the documents leave open fails no server: every legal oddity passes, alone and together.

``CRMCOM_KIT_SEEDS=20`` tries as many times the combinations.
"""

import os
import random

import pytest
from helpers.stand_ins import alarms
from odd_servers.oddities import ODDITIES, combined, together

from crmcom_kit.contract_tests.config import RunConfig
from crmcom_kit.contract_tests.results import Results
from crmcom_kit.contract_tests.run import run
from crmcom_kit.contract_tests.targets import own_mock
from crmcom_kit.schemas.dialect import load_dialect
from crmcom_kit.schemas.releases import resolve

RELEASES = ("R9", "R10", "R12", "R13", "R15", "R18")
SEEDS = int(os.environ.get("CRMCOM_KIT_SEEDS", "1"))
COMBINATIONS = 3 if SEEDS == 1 else 40 * SEEDS
IN_BUNDLE = 12 if SEEDS == 1 else 1


def checked(names: list[str], release: str, seed: int = 0) -> Results:
    """Check a mock with the oddities ``names``."""
    wrap, dials = combined(names)
    dialect = load_dialect("default").changed(dials)
    return run(own_mock(release, dialect, wrap=wrap), RunConfig(seed=seed))


def test_there_are_enough() -> None:
    """The documents leave more open than a handful."""
    assert sum(oddity.handle is not None for oddity in ODDITIES.values()) >= 15


def bundles() -> list[list[str]]:
    """Return lists that hold each oddity once, and in which no dial is turned twice."""
    found: list[list[str]] = []
    for name, oddity in ODDITIES.items():
        dials = {dial for dial, _ in oddity.dials}
        for bundle in found:
            turned = {dial for each in bundle for dial, _ in ODDITIES[each].dials}
            if len(bundle) < IN_BUNDLE and not dials & turned:
                bundle.append(name)
                break
        else:
            found.append([name])
    return found


@pytest.mark.parametrize(("at", "names"), [*enumerate(bundles())], ids=str)
def test_each_oddity_passes(at: int, names: list[str]) -> None:
    """A difference is no violation."""
    early = all(resolve("R9").at_least(ODDITIES[name].since) for name in names)
    for release in ("R9", "R15") if SEEDS > 1 else ("R9" if at % 2 else "R15",):
        if early or release == "R15":
            assert alarms(checked(names, release)) == []


@pytest.mark.parametrize("seed", range(COMBINATIONS))
def test_oddities_together_pass(seed: int) -> None:
    """Several differences are none, however they meet."""
    draw = random.Random(f"oddities {seed}")
    release = draw.choice(RELEASES)
    names = together(draw, release)
    assert alarms(checked(names, release, seed)) == [], (release, names)
