"""Deliveries: a script decides, try by try, what the built-in receiver answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage
from crmcom_kit.mock_server.deliveries.outcomes import OutcomeName
from crmcom_kit.mock_server.deliveries.scripts import ScriptedDelivery
from crmcom_kit.schemas.dialect import delivery_outcomes
from crmcom_kit.usage_errors import UsageError

ATTEMPT = OutgoingMessage("http://receiver/in", b"{}", "code")
OUTCOMES = st.sampled_from(list(delivery_outcomes()))


def names(delivery: ScriptedDelivery, tries: int) -> list[str]:
    """Try so many times and say what came of it."""
    return [delivery.send(ATTEMPT).name for _ in range(tries)]


@given(steps=st.lists(st.tuples(st.integers(1, 4), OUTCOMES), min_size=1, max_size=5))
def test_any_script_is_played_as_written(steps: list[tuple[int, str]]) -> None:
    """A script is the list of its outcomes, written out."""
    script = ", ".join(f"{count}*{name}" for count, name in steps)
    written_out = [name for count, name in steps for _ in range(count)]
    delivery = ScriptedDelivery(script)

    assert names(delivery, len(written_out) + 3) == [*written_out, *[steps[-1][1]] * 3]


@pytest.mark.parametrize(
    "script", ["", "sucess", "0*timeout, success", "success,", "*success", "3"]
)
def test_an_unknown_script_is_refused(script: str) -> None:
    """A script that cannot be played names what it may hold."""
    with pytest.raises(UsageError, match=r"script: seen .*; allowed is .*timeout"):
        ScriptedDelivery(script)


@pytest.mark.parametrize("name", delivery_outcomes())
def test_an_outcome_has_error_fields_exactly_where_it_failed(name: str) -> None:
    """A success has neither code nor description, and every failure has both."""
    outcome = ScriptedDelivery(name).send(ATTEMPT)

    assert outcome.name == name
    assert outcome.delivered == (name == "success")
    if outcome.delivered:
        assert (outcome.error_code, outcome.error_description, outcome.status) == (None, None, 200)
    else:
        assert outcome.error_code
        assert outcome.error_description
        assert "{" not in outcome.error_description
        assert outcome.status is None or outcome.status >= 400


def test_the_description_names_the_address() -> None:
    """It has the URL of the attempt, whatever that holds."""
    url = "http://receiver/{url}?Ω="
    text = ScriptedDelivery("unknown_host").send(OutgoingMessage(url, None, None)).error_description

    assert text is not None
    assert text.startswith(f"java.net.UnknownHostException: {url}\n")


def test_every_outcome_that_code_chooses_is_in_the_table() -> None:
    """The table has every name of ``OutcomeName``, so that none fails when it is first needed."""
    assert set(OutcomeName) <= set(delivery_outcomes())
