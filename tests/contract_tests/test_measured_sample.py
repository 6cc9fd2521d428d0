"""A sample of what ``make measure`` measures: mutants are found, right servers not accused.

CI takes 40 mutants and 20 servers that were written blind; ``make test`` elsewhere takes few.
"""

import os
from pathlib import Path
from random import Random

import blind
import pytest
from click.testing import CliRunner
from mutants.clients import checked, clients, recorded, verdict
from mutants.measure import Case, main, measured
from mutants.table import ROWS
from sound_server.legal import VARIANTS

#: Chosen by a seed: change it, and another part is tested.
SEED = "sample 0"
IN_CI = bool(os.environ.get("CI"))
#: Requests of a run; so few miss some mutants that a whole run finds.
PARTS, IN_PART, REQUESTS = (4, 10, 700) if IN_CI else (1, 2, 400)
MAX_MISSED = IN_PART // 5
MUTANTS = Random(SEED).sample(sorted(ROWS), 40)[: PARTS * IN_PART]
SOUND = Random(SEED).sample(sorted(VARIANTS), 2 * PARTS)
#: Those that are arguable contradict what is observed, or documented of a user's members, or are a
#: permission for one filter: docs/explanation/measuring.md names the lines.
ARGUABLE = {
    "a_fractions_as_local_date_time", "a_system_records_have_no_created_date",
    "b_may_not_list_by_rule",
}  # fmt: skip
BLIND = Random(SEED).sample(
    [at for at, name in enumerate(blind.names("legal")) if name not in ARGUABLE], 20
)[: 20 if IN_CI else 1]
#: Never serves a method. Permissions may be the reason, so nothing is accused: a run that sends all
#: its requests is INCONCLUSIVE, which the tests of outcomes hold.
NEVER_SERVES = {"resend_is_always_refused"}


@pytest.mark.parametrize("part", range(PARTS))
def test_few_mutants_are_missed(part: int) -> None:
    cases = (Case("table", name, budget=REQUESTS) for name in MUTANTS[part::PARTS])
    results = [measured(case) for case in cases]

    assert not [result for result in results if result.trouble]
    missed = {result.case.name for result in results if result.verdict == "missed"} - NEVER_SERVES
    assert len(missed) <= MAX_MISSED, missed


@pytest.mark.parametrize("name", SOUND)
def test_a_variant_raises_no_alarm(name: str) -> None:
    result = measured(Case("legal", name, budget=REQUESTS))

    assert (result.named, result.trouble) == ([], "")


@pytest.mark.parametrize("place", BLIND)
def test_a_server_that_was_written_blind_raises_no_alarm(place: int) -> None:
    result = measured(Case("blind legal", str(place), budget=REQUESTS))

    assert (result.named, result.trouble) == ([], "")


@pytest.mark.parametrize("seed", range(100, 100 + PARTS))
def test_variants_together_raise_no_alarm(seed: int) -> None:
    result = measured(Case("combinations", str(seed), seed=seed, budget=REQUESTS))

    assert (result.named, result.trouble) == ([], "")


@pytest.mark.parametrize("number", ["69", "71"])
def test_the_mistake_of_a_client_that_was_written_blind_is_named(
    number: str, tmp_path: Path
) -> None:
    """As the mock has recorded it: a token that was released, and a resend of what was deleted."""
    (client,) = (client for client in clients() if client.number == number)

    assert verdict(client, checked(client, recorded(client, tmp_path))) == "named"


def test_measuring_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    words = ["--set", "legal", "--number", "1", "--budget", "40", "--jobs", "1"]

    first = CliRunner().invoke(main, [*words, "--results", str(path)])
    lines = path.read_text()
    second = CliRunner().invoke(main, [*words, "--results", str(path)])

    assert "legal: 1 servers" in first.output
    assert second.output == first.output
    assert path.read_text() == lines
