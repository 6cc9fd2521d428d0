"""GET webhook_requests/show: one webhook request, named by exactly one identifier field."""

from typing import Any

import pytest

from crmcom_kit.schemas import response_fields


@pytest.fixture(scope="module", params=["R9", "R14.1", "R18"])
def mock(request: pytest.FixtureRequest, make_mock: Any) -> Any:
    """A mock of each release; show changes nothing, so that all tests can share it."""
    return make_mock(request.param)


def test_it_returns_the_one_that_the_id_names(mock: Any) -> None:
    """Show by id returns the same webhook request, to the byte, as show by number."""
    for number, record in list(mock.records().items())[::20]:
        assert mock.show(f"id={record['id']}").text == mock.show(f"number={number}").text


@pytest.mark.parametrize(
    "written",
    ["number=7", "number%3D7", "number%3d7", "%6eumber=%37", "n%75mber%3D%37"],
)
def test_an_identifier_may_be_raw_or_percent_encoded(mock: Any, written: str) -> None:
    """The identifier's own `=`, and any character, may be encoded or not."""
    assert mock.show(written).data["number"] == "7"


def test_a_trailing_slash_makes_no_difference(mock: Any) -> None:
    """show/ answers what show answers."""
    query = "token=T&webhook_request_identifier=number=14"

    assert mock.send("GET", "webhook_requests/show/", query).text == mock.show("number=14").text


@pytest.mark.parametrize(
    "names",
    ["id", "number,id", "error_code,log_information,url", ",".join(response_fields())],
)
def test_fields_set_returns_the_named_fields(mock: Any, names: str) -> None:
    """With fields_set the record has the fields that it names, whatever their order there."""
    whole = mock.show("number=14").data

    selected = mock.show("number=14", fields_set=names).data

    assert selected == {name: whole[name] for name in names.split(",")}
