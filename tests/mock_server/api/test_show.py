"""GET webhook_requests/show: one webhook request, named by exactly one identifier field."""

from typing import Any
from urllib.parse import quote

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


@pytest.mark.parametrize("names", ["Number", "number;id", "number,,id", "log.id", "ΑΒΓ"])
def test_fields_set_names_fields_of_the_documents(mock: Any, names: str) -> None:
    """A name that is no field is refused, and the message has it and the names allowed."""
    reply = mock.show(fields_set=names)

    assert reply.code == mock.code_of("bad_fields_set")
    assert reply.statement == "fields_set.names"
    assert "fields_set" in reply.message
    assert all(field in reply.message for field in response_fields())


@pytest.mark.parametrize(
    ("identifier", "kind", "statement"),
    [
        ("", "no_identifier", "identifier.mandatory"),
        ("7", "no_identifier", "identifier.mandatory"),
        ("number", "no_identifier", "identifier.mandatory"),
        ("=7", "unknown_identifier_field", "identifier.fields"),
        ("name=7", "unknown_identifier_field", "identifier.fields"),
        ("NUMBER=7", "unknown_identifier_field", "identifier.fields"),
        ("number=", "empty_value", "parameters.values"),
        ("number=007", "unknown_webhook_request", "identifier.known"),
        ("number= 7", "unknown_webhook_request", "identifier.known"),
        ("id=7", "unknown_webhook_request", "identifier.known"),
        ("id=b28e50d3000e134f0b00fb0d79ac15e0", "unknown_webhook_request", "identifier.known"),
        ("id=7,number=7", "several_identifiers", "identifier.exactly_one"),
    ],
)
def test_the_identifier_is_one_known_field(
    mock: Any, identifier: str, kind: str, statement: str
) -> None:
    """An identifier that does not name one webhook request by one field is refused."""
    reply = mock.show(quote(identifier, safe="="))

    assert (reply.code, reply.statement) == (mock.code_of(kind), statement)
    assert "webhook_request_identifier" in reply.message


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
