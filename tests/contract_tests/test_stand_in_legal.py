"""A sample of what ``make measure`` measures: a stand-in that keeps to the pages is not accused."""

import pytest
from helpers.stand_ins import alarms, broken, checked
from mutants.table import ROWS, Row
from stand_in.legal import VARIANTS, random_choices
from stand_in.server import StandIn

from crmcom_kit.contract_tests.client.http import Limits

#: Of the oldest set, which the kit is expected to find as a whole.
SAMPLE = [ROWS[name] for name in (
    "list_stale_for_seconds", "entity_cut_to_six_letters", "list_omits_description",
    "resend_not_available",
)]  # fmt: skip
#: Each breaks one statement, whatever is asked.
PLAIN = [each for each in ROWS.values() if each.set == 6][::16]

#: Each needs something of its own: who changed what is told from others, and a refusal for the
#: token's sake from any other.
TELLING = (
    "resend_touches_record_before", "delete_touches_definition", "entities_with_letter_i_refused",
)  # fmt: skip


def refuses_everything(app: StandIn) -> bool:
    """Whether nothing can be looked at."""
    return app.key >= (18, 0) and app.choices.r18 == "refused"


@pytest.mark.parametrize("seed", range(3))
def test_combinations_raise_no_alarm(seed: int) -> None:
    """What is left open is answered in some way, drawn at random, also with others at work."""
    choices, release = random_choices(seed)
    app = StandIn(choices, release, seed)
    examples = 0 if seed else 3  # the stateful layer takes its time
    assert refuses_everything(app) or alarms(checked(app, seed=seed, max_examples=examples)) == []


@pytest.mark.parametrize("name", [*VARIANTS][::50])
def test_variants_raise_no_alarm(name: str) -> None:
    """One question that is left open is answered in an unusual way."""
    assert alarms(checked(VARIANTS[name].server(), max_examples=0)) == []


#: Of each kind of trouble that a sound server may have during a run.
TROUBLED = (
    "others_every_8", "numbers_reused", "numbers_reused_every_8_R15", "restart_every_11",
    "token_requests_7", "pages_two_nodes", "pages_unstable_others", "hiccup_after_others",
)  # fmt: skip


@pytest.mark.parametrize("name", TROUBLED)
def test_trouble_is_not_taken_for_a_fault(name: str) -> None:
    """Others, moving pages, tokens that end, and a gateway that fails now and then."""
    for seed in range(2):
        results = checked(
            VARIANTS[name].server(seed), limits=Limits(max_requests=600), max_examples=0
        )
        assert alarms(results) == []


@pytest.mark.parametrize("row", SAMPLE, ids=lambda row: row.id)
def test_mutants_are_found(row: Row) -> None:
    """Some mutants of a server that was not written together with the kit."""
    found = broken(checked(row.server(), max_examples=0))
    assert {*row.statements} & {*found}, found


@pytest.mark.parametrize("row", PLAIN, ids=lambda row: row.id)
def test_plain_mutants_are_found(row: Row) -> None:
    """A statement's own requests find a server that breaks it plainly, or else a whole run does."""
    (statement,) = row.statements
    found = broken(checked(row.server(), only=statement, max_examples=0))
    assert statement in (found or broken(checked(row.server())))


@pytest.mark.parametrize("name", TELLING)
def test_the_right_one_is_blamed(name: str) -> None:
    """Nothing else is said to be broken by a fault that looks like somebody else's doing."""
    row = ROWS[name]
    found = {*broken(checked(row.server()))}
    assert found
    assert found <= {*row.statements}
