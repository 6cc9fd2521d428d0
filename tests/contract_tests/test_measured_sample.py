"""A sample of what ``make measure`` measures: mutants are found, legal servers not accused.

CI takes 40 mutants and 20 servers that were written blind; ``make test`` elsewhere takes few.
"""

import os

import blind
import pytest
from click.testing import CliRunner
from mutants.measure import Case, main, measured
from sound_server.legal import VARIANTS

IN_CI = bool(os.environ.get("CI"))
#: Mutants whose statement a run names within so few requests.
MUTANTS = """
    any_key_is_good authentication_code_is_a_number business_units_null_in_show dates_are_numbers
    delete_by_number_takes_last_shown delete_has_no_status delete_says_success
    delete_takes_two_fields description_is_array_of_lines empty_number_shows_first
    entity_in_singular failed_resend_half_written id_is_an_object key_is_the_password
    leading_zeros_do_not_count list_doubles_the_first list_has_the_copy_from_before_resend
    list_log_is_text list_numbers_are_integers one_result_is_an_object release_is_missing
    request_is_a_number resend_keeps_description resend_moves_created_date
    resend_of_successful_is_served resend_returns_another show_answers_an_array show_wants_post
    token_is_called_access_token token_is_optional tokens_have_no_typ tokens_have_two_parts
    two_have_the_same_id two_have_the_same_number unit_descriptions_are_arrays
    unknown_entity_selects_all unknown_identifiers_crash unknown_state_selects_all
    webhook_definition_has_no_identifier workflow_rule_has_no_identifier
""".split()  # noqa: SIM905
REQUESTS = 400
LEGAL_REQUESTS = 700 if IN_CI else REQUESTS


@pytest.mark.parametrize("name", MUTANTS[:: 1 if IN_CI else 20])
def test_a_mutant_is_named(name: str) -> None:
    assert measured(Case("table", name, budget=REQUESTS)).verdict == "named"


@pytest.mark.parametrize("name", [*VARIANTS][:: 25 if IN_CI else 100])
def test_a_variant_raises_no_alarm(name: str) -> None:
    assert measured(Case("legal", name, budget=LEGAL_REQUESTS)).verdict == "quiet"


@pytest.mark.parametrize("name", [*blind.LEGAL][:: 1 if IN_CI else 20])
def test_a_server_that_was_written_blind_raises_no_alarm(name: str) -> None:
    assert measured(Case("blind legal", name, budget=LEGAL_REQUESTS)).verdict == "quiet"


@pytest.mark.parametrize("seed", range(100, 104 if IN_CI else 101))
def test_variants_together_raise_no_alarm(seed: int) -> None:
    result = measured(Case("combinations", str(seed), seed=seed, budget=LEGAL_REQUESTS))

    assert result.verdict == "quiet", result


def test_measuring_says_how_many_are_accused() -> None:
    words = ["--set", "legal", "--number", "1", "--budget", "40", "--jobs", "1"]

    assert "legal: 1 servers, 0 alarms" in CliRunner().invoke(main, words).output
