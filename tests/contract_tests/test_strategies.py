"""The kit's own strategies: what they draw is of the right kind, and prints in a line."""

import sys
import unicodedata
from functools import cache
from typing import Any

import pytest
from helpers.tables import raises_for
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import pretty

from crmcom_kit.contract_tests import strategies
from crmcom_kit.contract_tests.belief.interpretations import is_api_date
from crmcom_kit.contract_tests.campaign.discovery import discover
from crmcom_kit.contract_tests.client.exchanges import Call
from crmcom_kit.contract_tests.client.targets import own_mock
from crmcom_kit.contract_tests.oracle.parsing import FIELDS
from crmcom_kit.contract_tests.run.config import RunConfig
from crmcom_kit.contract_tests.run.run import enter, new_session
from crmcom_kit.contract_tests.templates import Scene
from crmcom_kit.contract_tests.templates.open_values import RANGES, numbers
from crmcom_kit.fixtures import webhook_request

RECORDS = [webhook_request(index=at, release="R15") for at in range(3)]


@cache
def scene() -> Scene:
    """Return what is known of a mock, as long as nothing else is sent."""
    session, config = new_session(own_mock("R15"), RunConfig()), RunConfig()
    enter(session, config)
    discover(session)
    return session.scene.frozen()


def test_characters_are_of_every_category() -> None:
    """Except surrogates, which no URL can hold."""
    points = (point for first, last in RANGES for point in range(first, last + 1))
    every = {unicodedata.category(chr(point)) for point in range(sys.maxunicode + 1)}

    assert {unicodedata.category(chr(point)) for point in points} == every - {"Cs"}


@given(strategies.moments())
def test_moments_are_in_the_form_of_the_api(text: str) -> None:
    assert is_api_date(text)


@pytest.mark.parametrize("wanted", ["0001-01-01", "9999-12-31"])
def test_moments_reach_the_ends_of_the_calendar(wanted: str) -> None:
    many = settings(max_examples=20_000)
    assert find(strategies.moments(), lambda text: text == wanted, settings=many) == wanted


@given(strategies.fields_sets())
def test_lists_of_fields_name_fields(text: str) -> None:
    assert {name.strip() for name in text.split(",")} - {""} <= set(FIELDS)


@pytest.mark.parametrize("wanted", [0, 2**63 - 1])
def test_numbers_are_around_powers(wanted: int) -> None:
    many = settings(max_examples=20_000)
    assert find(numbers(), lambda text: int(text) == wanted, settings=many) == str(wanted)


@given(st.sampled_from(["7", "a name", "%", ""]), st.data())
def test_a_near_miss_is_another_text(text: str, data: st.DataObject) -> None:
    assert data.draw(strategies.near_misses(text)) not in ("", text)


@given(strategies.identifiers(RECORDS), strategies.list_filters(RECORDS))
def test_identifiers_and_filters_are_of_records(
    identifier: dict[str, str], filters: dict[str, Any]
) -> None:
    ((field, value),) = identifier.items()
    assert value in [record[field] for record in RECORDS]
    assert any(filters.get("entity", record["entity"]) == record["entity"] for record in RECORDS)
    assert any(name.endswith("_identifier") or name == "entity" for name in filters)


@given(st.deferred(lambda: strategies.calls(scene())))
def test_a_call_prints_in_a_line_without_its_token(call: Call) -> None:
    """By default it reads, perhaps at a path that the API does not have."""
    assert call.method in ("show", "list", "")
    for printed in (repr(call), pretty(call)):
        assert printed.startswith("<Call ")
        assert "\n" not in printed
        assert str(scene().token) not in printed


@given(st.deferred(lambda: strategies.calls(scene(), methods=["resend"], layers=["resend"])))
def test_calls_are_drawn_for_the_named_methods(call: Call) -> None:
    assert "resend" in call.path


def test_a_strategy_of_calls_prints_neither_the_table_nor_the_login() -> None:
    """Hypothesis prints it if something goes wrong."""
    assert repr(strategies.calls(scene(), layers=["login"], methods=["token"])).count("\n") == 0
    assert str(scene().login.password) not in repr(strategies.calls(scene()))


def test_an_unknown_method_or_layer_is_refused() -> None:
    for options, message in (
        ({"methods": ["shwo"]}, "methods: shwo is not allowed; allowed is "),
        ({"layers": ["reads"]}, "layers: reads is not allowed; allowed is read, refusal, login"),
        ({"methods": []}, "methods: nothing is not allowed"),
        ({"methods": ["show"], "layers": ["resend"]}, "layers: resend have no template for"),
    ):
        with raises_for(options, ValueError, match=message):
            strategies.calls(scene(), **options)


def test_records_are_needed() -> None:
    with pytest.raises(ValueError, match="records: none is given"):
        strategies.identifiers([])
