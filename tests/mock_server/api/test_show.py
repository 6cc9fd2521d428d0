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


def test_a_captured_record_is_as_it_was_captured(mock: Any) -> None:
    """What is known of captured webhook request 7 stands in the answer."""
    record = mock.show("number=7").data

    assert set(record) == set(response_fields())
    assert record["id"] == "73F898EBCE6E04A5B05D8ABC992E5F6F"
    assert record["life_cycle_state"] == "REJECTED"
    assert record["error_code"] == "LazyInitializationException"
    assert record["error_description"].startswith("org.hibernate.LazyInitializationException: ")
    assert record["request"] == record["response"] == "4A63ECC0D78946F8BF23D73681D6DA66"
    assert record["url"] == "http://127.0.0.1:9080/crmapi/rest/v2/activities/create"


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("webhook_request_identifier==7", "unknown_identifier_field"),
        ("webhook_request_identifier=NUMBER=7", "unknown_identifier_field"),
        ("webhook_request_identifier=number=%207", "unknown_webhook_request"),
        ("webhook_request_identifier=number=7&fields_set=Number", "bad_fields_set"),
        ("webhook_request_identifier=number=7&fields_set=number;id", "bad_fields_set"),
        ("webhook_request_identifier=number=7&fields_set=number,,id", "bad_fields_set"),
    ],
)
def test_what_nearly_is_a_value_is_refused(mock: Any, query: str, kind: str) -> None:
    """With the name of its parameter; helpers.mistakes has what is further off."""
    reply = mock.get("show", query)

    assert reply.code == mock.code_of(kind)
    assert query.rpartition("&")[2].partition("=")[0] in reply.message
