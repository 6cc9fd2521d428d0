"""GET webhook_requests/list: the webhook requests that meet every condition, and its pages."""

from collections.abc import Callable
from itertools import product
from operator import itemgetter
from typing import Any
from urllib.parse import quote

import pytest
from helpers.records import entries_like_one
from hypothesis import given, settings
from hypothesis import strategies as st

GREEK = "Δραστηριότητες προς Ali, Robinson and Armstrong"
AWKWARD = "New = changed & renewed, to Curtis-Davey"


#: Every filter, set so that a record meets it.
FILTERS: dict[str, Callable[[Any], str]] = {
    "webhook_definition_identifier": lambda record: f"name={record['webhook_definition']['name']}",
    "workflow_rule_identifier": lambda record: f"id={record['workflow_rule']['id']}",
    "entity": itemgetter("entity"),
    "entity_id": itemgetter("entity_id"),
    "url": itemgetter("url"),
    "life_cycle_state": itemgetter("life_cycle_state"),
    "created_date": lambda record: str(record["log_information"]["created_date"])[:10],
}


def numbers(reply: Any) -> list[str]:
    return [record["number"] for record in reply.data]


@pytest.fixture(scope="module", params=["R9", "R18"])
def mock(request: pytest.FixtureRequest, make_mock: Any) -> Any:
    """A mock of each release; list changes nothing, so that all tests can share it."""
    return make_mock(request.param)


@pytest.fixture(scope="module")
def mock_r15(make_mock: Any) -> Any:
    return make_mock("R15")


def test_filters_select_what_a_naive_search_finds(mock: Any) -> None:
    records = [*mock.records().values()]
    for at, (first, second) in enumerate(product([*FILTERS][:4], FILTERS)):
        sample = records[at * 5 % len(records)]
        chosen = {name: FILTERS[name](sample) for name in (first, second)}
        expected = [
            record["number"]
            for record in records
            if all(FILTERS[name](record) == value for name, value in chosen.items())
        ]
        assert numbers(mock.list(**chosen, fields_set="number")) == expected, chosen


@pytest.mark.parametrize("name", [GREEK, AWKWARD])
def test_a_name_may_have_any_character(mock_r15: Any, name: str) -> None:
    every = quote(name, safe="")
    few = quote(name, safe=" =,").replace(" ", "+")
    for written in (f"name={every}", f"name%3D{every}", f"name={few}"):
        response = mock_r15.list(f"webhook_definition_identifier={written}")
        assert {record["webhook_definition"]["name"] for record in response.data} == {name}


def test_a_day_ends_at_midnight(make_mock: Any) -> None:
    moments = ["2016-02-28T23:59:59", "2016-02-29T00:00:00", "2016-02-29T23:59:59"]
    entries, entity = entries_like_one(3)
    for entry, moment in zip(entries[-3:], moments, strict=True):
        record = entry["webhook_request"]["record"]
        log = {**record["log_information"], "created_date": moment, "updated_date": moment}
        record["log_information"] = log
    mock = make_mock(data=entries)

    days = [f"2016-02-{day}" for day in ("27", "28", "29")] + ["2016-03-01"]
    listed = [numbers(mock.list(entity=entity, created_date=day)) for day in days]

    assert listed == [[], ["0"], ["2", "1"], []]


@pytest.fixture(scope="module")
def subscriptions(mock_r15: Any) -> list[str]:
    found = numbers(mock_r15.list(entity="SUBSCRIPTIONS"))
    assert len(found) > 20
    return found


@settings(max_examples=40)
@given(size=st.integers(0, 60), offset=st.integers(0, 60))
def test_a_page_is_a_slice_of_the_list(
    mock_r15: Any, subscriptions: list[str], size: int, offset: int
) -> None:
    paging = {"number_of_results": str(size), "offset": str(offset)}
    page = mock_r15.list(entity="SUBSCRIPTIONS", fields_set="number", **paging)

    assert (numbers(page), page.warnings) == (subscriptions[offset : offset + size], [])


def test_a_list_of_any_length_is_complete(make_mock: Any) -> None:
    """A list long enough to be streamed has every record, and is one JSON document."""
    entries, entity = entries_like_one(300)
    mock = make_mock(data=entries)

    whole = mock.list(entity=entity)

    assert sorted(map(int, numbers(whole))) == list(range(300))
    assert numbers(mock.list(entity=entity, fields_set="number")) == numbers(whole)
    assert int(whole.headers["Content-Length"]) == len(whole.text.encode())
