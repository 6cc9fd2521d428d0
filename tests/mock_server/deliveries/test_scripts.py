"""Delivery scripts of a world and of a webhook request, and the outcomes that they name."""

import pytest
from helpers.calling import resend
from helpers.tables import raises_for
from hypothesis import given, settings
from hypothesis import strategies as st

from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.mock_server.deliveries.messages import OutcomeName, OutgoingMessage
from crmcom_kit.mock_server.deliveries.scripts import MAX_SCRIPTS, ScriptedDelivery
from crmcom_kit.schemas.dialect import delivery_outcomes
from crmcom_kit.usage_errors import LimitExceeded, NotFound, UsageError

URL = "http://receiver/{url}?Ω="
OUTCOMES = st.sampled_from(list(delivery_outcomes()))


def names(delivery: ScriptedDelivery, tries: int, number: str = "") -> list[str]:
    """Try to deliver a webhook request so many times; return what came of it."""
    message = OutgoingMessage(URL, b"{}", "code", number=number)
    return [delivery.send(message).name for _ in range(tries)]


@settings(max_examples=50)
@given(steps=st.lists(st.tuples(st.integers(1, 4), OUTCOMES), min_size=1, max_size=5))
def test_any_script_is_played_as_written(steps: list[tuple[int, str]]) -> None:
    """A script is the list of its outcomes, written out."""
    script = ", ".join(f"{count}*{name}" for count, name in steps)
    written_out = [name for count, name in steps for _ in range(count)]

    played = names(ScriptedDelivery(script), len(written_out) + 3)
    assert played == [*written_out, *[steps[-1][1]] * 3]


def test_an_unknown_script_is_refused() -> None:
    for script in ("", "sucess", "0*timeout, success", "success,", "*success", "3"):
        with raises_for(script, UsageError, match=r"script: seen .*; allowed is .*timeout"):
            ScriptedDelivery(script)


def test_an_outcome_has_error_fields_exactly_where_it_failed() -> None:
    """A success has neither code nor description; a failure has both, with the URL if it shows."""
    for name in delivery_outcomes():
        outcome = ScriptedDelivery(name).send(OutgoingMessage(URL, None, None))

        assert outcome.name == name
        assert outcome.delivered == (name == "success")
        if outcome.delivered:
            assert (outcome.error_code, outcome.error_description) == (None, None)
            assert outcome.status == 200
        else:
            assert outcome.error_code
            assert outcome.error_description
            assert "{" not in outcome.error_description.replace(URL, "")
            assert outcome.status is None or outcome.status >= 400


def test_every_outcome_that_code_chooses_is_in_the_table() -> None:
    """The table has every name of ``OutcomeName``, so that none fails when it is first needed."""
    assert set(OutcomeName) <= set(delivery_outcomes())


def test_the_script_of_a_webhook_request_goes_before_the_worlds() -> None:
    """Each begins with its first outcome; without one of its own the world's decides again."""
    delivery = ScriptedDelivery("refused")
    delivery.put("2*timeout, http_500", "7")
    delivery.put("bad_tls, http_404", None)

    assert names(delivery, 4, "7") == ["timeout", "timeout", "http_500", "http_500"]
    assert names(delivery, 3, "8") == ["bad_tls", "http_404", "http_404"]
    listed = [(script.script, script.record, script.used) for script in delivery.scripts()]
    assert listed == [("bad_tls, http_404", None, 3), ("2*timeout, http_500", "7", 4)]
    delivery.put(None, "7")
    assert names(delivery, 1, "7") == ["http_404"]
    delivery.put(None, None)
    assert names(delivery, 1, "7") == ["refused"]


def test_there_are_only_so_many_scripts() -> None:
    delivery = ScriptedDelivery("refused")
    for number in range(1, MAX_SCRIPTS):
        delivery.put("timeout", str(number))

    with pytest.raises(LimitExceeded, match="at most 1,000 scripts"):
        delivery.put("timeout", "one more")
    delivery.put("success", "1")
    assert names(delivery, 1, "1") == ["success"]


def outcome(mock: Mock) -> str:
    resend(mock)
    last = mock.deliveries.of("7")[-1].outcome
    assert last is not None
    return last.name


def test_a_reset_ends_scripts_and_loaded_content_keeps_them() -> None:
    """They go on at their places; after a reset there is the first one alone."""
    with crmcom_mock(deliver="refused") as mock:
        mock.deliveries.script("timeout, bad_tls, success", record=7)
        outcome(mock)
        begun = mock.export()
        mock.load(begun)
        assert outcome(mock) == "bad_tls"
        mock.load(begun)
        mock.reset()
        assert outcome(mock) == "refused"


def test_what_cannot_be_is_refused() -> None:
    """A record that does not exist; a mock that sends, whose receivers decide."""
    with pytest.raises(NotFound, match='record: seen "nope"'):
        crmcom_mock().deliveries.script("success", record="nope")
    with pytest.raises(UsageError, match="without --deliver http"):
        crmcom_mock(deliver="http").deliveries.script("success", record="7")
