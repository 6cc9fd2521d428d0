"""number_of_results and offset of list: pages of it, from R13 on; and lists without a page."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.fixtures import world
from crmcom_kit.schemas import Dialect

PAGING = ["R13", "R14", "R14.1", "R15", "R18"]


def numbers(reply: Any) -> list[str]:
    """The numbers of the webhook requests that a list returned, in order."""
    return [record["number"] for record in reply.data]


@pytest.fixture(scope="module")
def mock_r15(make_mock: Any) -> Any:
    """A mock of R15; list changes nothing, so that all tests can share it."""
    return make_mock("R15")


@pytest.mark.parametrize("release", PAGING)
def test_releases_from_r13_on_have_pages(make_mock: Any, release: str) -> None:
    """number_of_results and offset select a part of the list."""
    mock = make_mock(release)
    whole = numbers(mock.list(entity="SUBSCRIPTIONS"))

    page = mock.list(entity="SUBSCRIPTIONS", number_of_results="7", offset="14")

    assert numbers(page) == whole[14:21]
    assert page.warnings == []


@given(size=st.integers(0, 60), offset=st.integers(0, 60))
def test_a_page_is_a_slice_of_the_list(mock_r15: Any, size: int, offset: int) -> None:
    """Whatever the two numbers are, a page is that slice of the whole list."""
    whole = numbers(mock_r15.list(entity="SUBSCRIPTIONS"))

    page = mock_r15.list(entity="SUBSCRIPTIONS", number_of_results=str(size), offset=str(offset))

    assert numbers(page) == whole[offset : offset + size]


@pytest.mark.parametrize("name", ["number_of_results", "offset"])
@pytest.mark.parametrize(
    "value", ["-1", "1.5", "1e3", "x", "0x10", "٣", "9" * 19, "", "1 000", "--1", "NaN"]
)
def test_paging_numbers_are_whole_and_not_negative(mock_r15: Any, name: str, value: str) -> None:
    """Anything else is refused by the name of the parameter."""
    reply = mock_r15.list(entity="JOBS", **{name: value})

    assert reply.code == mock_r15.code_of("bad_paging" if value else "empty_value")
    assert name in reply.message


@pytest.mark.parametrize("value", ["0", "00", "+3", "999999999999999999"])
def test_odd_but_whole_paging_numbers_are_read(mock_r15: Any, value: str) -> None:
    """Leading zeros, a sign and many digits are no reason to refuse a number."""
    assert mock_r15.list(entity="JOBS", offset=value).code == "OK"


def test_a_list_of_any_length_is_complete(make_mock: Any) -> None:
    """A list long enough to be streamed has every record, and is one JSON document."""
    entries = list(world(count=1, release="R9"))
    template = entries.pop()["webhook_request"]
    for at in range(300):
        record = {**template["record"], "id": f"{at:032X}", "number": str(at + 1)}
        entries.append({"webhook_request": {**template, "record": record}})
    mock = make_mock(data=entries)

    whole = mock.list(entity=template["record"]["entity"])
    selected = mock.list(entity=template["record"]["entity"], fields_set="number")

    assert sorted(numbers(whole), key=int) == [str(at + 1) for at in range(300)]
    assert numbers(selected) == numbers(whole)
    assert int(whole.headers["Content-Length"]) == len(whole.text.encode())


@pytest.mark.parametrize("paging", [{"number_of_results": "0"}, {"number_of_results": "5"}])
def test_nothing_gets_around_the_maximum(make_mock: Any, paging: dict[str, str]) -> None:
    """Where there is a maximum, a request for all results gets no more than it."""
    dialect = Dialect("test", {"paging.maximum_results": 4, "paging.zero": "all"})

    assert len(make_mock("R13", dialect=dialect).list(entity="JOBS", **paging).data) == 4
