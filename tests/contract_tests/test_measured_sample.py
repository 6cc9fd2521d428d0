"""A sample of what ``make measure`` measures: mutants are found, sound servers not accused.

CI takes four times as many as ``make test`` does elsewhere.
"""

import os
from pathlib import Path
from random import Random

import blind
import pytest
from mutants.clients import clients, judged, recorded, verdict
from mutants.measure import Case, measured
from mutants.table import ROWS
from stand_in.legal import VARIANTS

#: Chosen by a seed: change it, and another part is tested.
SEED = "sample 0"
PARTS, IN_PART = 4 if os.environ.get("CI") else 1, 10
MUTANTS = Random(SEED).sample(sorted(ROWS), 4 * IN_PART)
SOUND = Random(SEED).sample(sorted(VARIANTS), 2 * PARTS)
#: Those that are arguable contradict what is observed, or documented of a user's members, or are a
#: permission for one filter: docs/explanation/measuring.md names the lines.
ARGUABLE = {
    "a_fractions_as_local_date_time", "a_system_records_have_no_created_date",
    "b_may_not_list_by_rule",
}  # fmt: skip
BLIND = Random(SEED).sample(
    [at for at, name in enumerate(blind.names("legal")) if name not in ARGUABLE], 20
)
#: Requests of a run; so few miss some mutants that a whole run finds.
REQUESTS, MAX_MISSED = 700, 2
#: Never serves a method. Permissions may be the reason, so nothing is accused: a run that sends all
#: its requests is INCONCLUSIVE, which the tests of outcomes hold.
NEVER_SERVES = {"resend_is_always_refused"}


@pytest.mark.parametrize("part", range(PARTS))
def test_most_mutants_are_found(part: int) -> None:
    """Servers that are wrong in one way each, by which most of them break a statement."""
    cases = (Case("table", name, budget=REQUESTS) for name in MUTANTS[part::4])
    results = [measured(case) for case in cases]

    assert not [each for each in results if each.trouble]
    missed = {each.case.name for each in results if each.verdict == "missed"} - NEVER_SERVES
    assert len(missed) <= MAX_MISSED, missed


@pytest.mark.parametrize("name", SOUND)
def test_a_variant_raises_no_alarm(name: str) -> None:
    """A sound server that answers what is left open in an unusual way, or has others at work."""
    result = measured(Case("legal", name, budget=REQUESTS))

    assert (result.named, result.trouble) == ([], "")


@pytest.mark.parametrize("place", BLIND)
def test_a_server_that_was_written_blind_raises_no_alarm(place: int) -> None:
    """A legal server that whoever writes the kit has not made up."""
    result = measured(Case("blind legal", str(place), budget=REQUESTS))

    assert (result.named, result.trouble) == ([], "")


@pytest.mark.parametrize("seed", range(100, 100 + PARTS))
def test_variants_together_raise_no_alarm(seed: int) -> None:
    """Several of them in one server."""
    result = measured(Case("combinations", str(seed), seed=seed, budget=REQUESTS))

    assert (result.named, result.trouble) == ([], "")


@pytest.mark.parametrize("number", ["69", "71"])
def test_the_mistake_of_a_client_that_was_written_blind_is_named(
    number: str, tmp_path: Path
) -> None:
    """As the mock has recorded it: a token that was released, and a resend of what was deleted."""
    (client,) = (client for client in clients() if client.number == number)

    assert verdict(client, judged(client, recorded(client, tmp_path))) == "named"
