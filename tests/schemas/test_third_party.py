"""The message to a third party: made by the dials, and read back."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcom_kit.schemas import Dialect, dials, validator
from crmcom_kit.schemas.signing import canonical_bytes
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages

DATA = {"number": "A1", "note": "Ω ü", "list": [1, {"data": 2}]}
JSON = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("aΩ\"'\\{}:,\n", max_size=9),
    max_size=5,
)
forms = st.fixed_dictionaries(
    {
        name: st.sampled_from(dials()[f"message.{name}"].choices)
        for name in ("wrapper", "code_place", "code_name")
    }
)
canonicals = st.sampled_from([("compact", "utf-8"), ("spaced", "ascii")])


def messages(**changes: Any) -> ThirdPartyMessages:
    return ThirdPartyMessages(Dialect("test", changes))


def headers(message: Message) -> dict[str, str]:
    """Return a message's headers as a receiver sees them."""
    return {name.lower(): value for name, value in message.headers}


def test_by_default_code_and_data_are_members_of_the_body() -> None:
    message = messages().write(DATA, "C0DE")

    assert message.method == "POST"
    assert json.loads(message.body) == {"authentication_code": "C0DE", "data": DATA}
    assert headers(message) == {"content-type": "application/json", "accept": "application/json"}


@given(form=forms, canonical=canonicals, data=JSON, code=st.text("09aFbC+/=", min_size=1))
def test_what_is_written_is_read_back(
    form: Mapping[str, str], canonical: tuple[str, str], data: dict[str, Any], code: str
) -> None:
    """In every form a receiver finds code and data; these are the bytes that were signed."""
    canonical_form, charset = canonical
    dials_ = {f"message.{name}": value for name, value in form.items()}
    signing = {"signing.canonical_form": canonical_form, "signing.charset": charset}
    known = messages(**dials_, **signing)

    message = known.write(data, code)
    arrived = known.read(headers(message), message.body)

    assert (arrived.code, arrived.data) == (code, data)
    signed = canonical_bytes(data, canonical_form=canonical_form, charset=charset)
    assert signed in message.body
    body = known.body(data, code)
    assert json.loads(message.body) == body
    whole = body if form["wrapper"] == "object" else {"data": body}
    validator("third_party_message", "strict").validate(whole)


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({}, {"body"}),
        ({"message.code_place": "header"}, {"header"}),
        ({"message.code_place": "both"}, {"body", "header"}),
        ({"message.wrapper": "none"}, {"header"}),
    ],
)
def test_the_dial_places_the_code(changes: dict[str, str], places: set[str]) -> None:
    """In the body, in a header, or in both; without a wrapper only a header has room for it."""
    message = messages(**changes, **{"message.code_header": "X-Sign"}).write(DATA, "C0DE")

    assert (b"C0DE" in message.body) is ("body" in places)
    assert (headers(message).get("x-sign") == "C0DE") is ("header" in places)


def test_without_a_key_there_is_no_code() -> None:
    message = messages(**{"message.code_place": "both"}).write(DATA, None)

    assert json.loads(message.body)["authentication_code"] is None
    assert "x-authentication-code" not in headers(message)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'{"data": 1}', b"\xff\xfe", b'{"data":{"a":1}']
)
def test_what_is_no_message_has_no_data(body: bytes) -> None:
    """Whatever arrives, reading it says that there is no data object, and breaks nothing."""
    assert messages().read({}, body).data is None
