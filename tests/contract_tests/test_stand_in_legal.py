"""A sample of what ``make measure`` measures: a stand-in that keeps to the pages is not accused."""

import pytest
from helpers.stand_ins import alarms, broken, checked
from stand_in.fault import Fault
from stand_in.faults import ALL, FAULTS
from stand_in.legal import VARIANTS, random_choices
from stand_in.server import StandIn

from crmcom_kit.contract_tests.client.http import Limits

#: Of the oldest set, which the kit is expected to find as a whole.
SAMPLE = [each for each in ALL if each.number < 200 and not each.doubtful][5::40]

#: Each needs something of its own: who changed what is told from others, and a refusal for the
#: token's sake from any other.
TELLING = (
    "show_sends_again", "resend_touches_record_before", "delete_touches_definition",
    "entities_with_letter_i_refused",
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


@pytest.mark.parametrize("fault", SAMPLE, ids=lambda fault: fault.name)
def test_faults_are_found(fault: Fault) -> None:
    """Some faults of a server that was not written together with the kit."""
    found = broken(checked(fault.server(), max_examples=0))
    assert {*fault.statements} & {*found}, found


@pytest.mark.parametrize("name", TELLING)
def test_the_right_one_is_blamed(name: str) -> None:
    """Nothing else is said to be broken by a fault that looks like somebody else's doing."""
    fault = FAULTS[name]
    found = {*broken(checked(fault.server()))}
    assert found
    assert found <= {*fault.statements}
