"""Requests that no client should send: each gets its own vendor error, and changes nothing."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from crmcom_kit.schemas import methods, resolve
from crmcom_kit.schemas.dialect import error_kinds

SHOW = "webhook_requests/show"
RESEND = "webhook_requests/resend"
METHODS = methods(resolve("R10"))
POSTS = [method for method in METHODS.values() if method.verb == "POST"]
JSON_VALUES: list[Any] = [
    None, True, 0, -1.5, 1e300, 10**40, [], ["number"], [["id"]], {}, {"a": {}}, "text",
]  # fmt: skip


@pytest.fixture(scope="module")
def shared(make_mock: Any) -> Any:
    return make_mock("R10")


@pytest.fixture
def mock(shared: Any) -> Iterator[Any]:
    """The shared mock; whatever a test here sends must leave it as it was."""
    before = shared.state()
    yield shared
    assert shared.state() == before


def refused(mock: Any, reply: Any, kind: str, *words: str) -> None:
    """Hold that ``reply`` is the error of ``kind``, and says these words."""
    assert reply.code == mock.code_of(kind), reply.message
    assert reply.statement == error_kinds()[kind]["statement"]
    assert "seen " in reply.message
    assert "allowed is " in reply.message
    for word in words:
        assert word in reply.message, reply.message


def test_two_identifiers_in_a_query(mock: Any) -> None:
    """Two fields are refused: two parameters, or a comma between them."""
    for written in (
        "webhook_request_identifier=number=7&webhook_request_identifier=id=X",
        "webhook_request_identifier=number=7&webhook_request_identifier=",
        "webhook_request_identifier=number%3D7&webhook_request%5Fidentifier=id%3DX",
        "webhook_request_identifier=number=7,id=X",
        "webhook_request_identifier=number%3D7%2Cnumber%3D14",
    ):
        reply = mock.send("GET", SHOW, f"token=T&{written}")
        refused(mock, reply, "several_identifiers", "webhook_request_identifier")


@pytest.mark.parametrize("name", ["resend", "delete"])
def test_two_identifiers_in_a_body(mock: Any, name: str) -> None:
    """Two fields are refused, and so are two members of one name."""
    for members in (
        b'"webhook_request_identifier":{"number":"7","id":"X"}',
        b'"webhook_request_identifier":{"number":"7","id":null}',
        b'"webhook_request_identifier":{"number":"7","n\\u0075mber":"14"}',
        b'"webhook_request_identifier":{"number":"7"},"webhook_request_identifier":{"id":"X"}',
        b'"webhook_request_identifier":{"number":"7"},"webhook_request_\\u0069dentifier":{}',
    ):
        reply = mock.send("POST", f"webhook_requests/{name}", body=b'{"token":"T",%b}' % members)
        refused(mock, reply, "several_identifiers", "webhook_request_identifier")


@pytest.mark.parametrize("method", POSTS)
def test_a_wrong_json_type_anywhere(mock: Any, method: Any) -> None:
    """Every parameter of every POST method refuses every JSON type but its own, by name."""
    mandatory = {p.name: "x" for p in method.parameters.values() if p.need == "mandatory"}
    right = {**mandatory, "token": "T", "webhook_request_identifier": {"number": "0"}}
    for (name, parameter), value in product(method.parameters.items(), JSON_VALUES):
        own = {"object": dict, "string": str}[parameter.type]
        if isinstance(value, own) or (name == "fields_set" and value in ([], ["number"])):
            continue
        reply = mock.send("POST", method.path, body={**right, name: value})
        refused(mock, reply, "wrong_type", name, "a string" if own is str else "an object")


def test_a_body_that_is_no_json_object(mock: Any) -> None:
    for body, kind, seen in (
        (b"", "bad_body", "nothing"),
        (b"null", "bad_body", "null"),
        (b"[{}]", "bad_body", "an array"),
        (b"token=T&webhook_request_identifier=number%3D7", "bad_body", "line 1, column 1"),
        (b'{"token": "T",\n x}', "bad_body", "line 2, column 2"),
        (b'{"token": NaN}', "bad_body", "NaN"),
        (b'{"token": ' + b"9" * 5000 + b"}", "bad_body", "too many digits"),
        (b"[" * 200_000, "bad_body", "nesting that is too deep"),
        (b'\xef\xbb\xbf{"token": "T"}', "bad_body", "not JSON"),
        ('{"token": "Σ"}'.encode("iso-8859-7"), "bad_charset", "0xd3 at position 11"),
        (b'{"token": "\xed\xa0\x80"}', "bad_charset", "0xed"),
        (b'{"token": "T"}' + b" " * 1_048_576, "body_too_large", "more than 1048576 bytes"),
    ):
        refused(mock, mock.send("POST", RESEND, body=body), kind, "body: seen ", seen)
    for method in POSTS:
        refused(mock, mock.send("POST", method.path, body=b"null"), "bad_body", "seen null")


@pytest.mark.parametrize("written", ["%FF", "%ED%A0%80", "%F8%88%80%80%80", "%C0%AF"])
def test_a_query_that_is_not_utf_8(mock: Any, written: str) -> None:
    """Bytes that are not UTF-8 are refused by the parameter's name; a token is not shown."""
    for name in ("entity_id", "x", "token"):
        reply = mock.list(f"{name}=abcdef{written}")
        refused(mock, reply, "bad_charset", name)
        assert ("abcdef" in reply.message) == (name != "token")


def test_a_query_with_too_many_parameters(mock: Any) -> None:
    refused(mock, mock.list("&".join(["a=b"] * 501)), "invalid_value", "query: seen 502 parameters")


def test_characters_that_no_value_can_have(mock: Any) -> None:
    """Control characters and halves of surrogate pairs are refused, and shown escaped."""
    for text in ("\x00", "a\x1fb", "\x7f", "7\r\nX: y", "\ud800", "\udfff7"):
        reply = mock.post("delete", webhook_request_identifier={"number": text})
        refused(mock, reply, "invalid_value", "webhook_request_identifier.number", "\\")
        if text.isascii():  # no query in UTF-8 has half of a pair
            refused(mock, mock.list(entity_id=text), "invalid_value", "entity_id", "\\")


@pytest.mark.parametrize("name", ["token", "fields_set"])
def test_a_member_given_twice(mock: Any, name: str) -> None:
    members = b'"token":"T","webhook_request_identifier":{"number":"7"},"%b":"x"' % name.encode()
    body = b"{%b,%b}" % (members, b'"%b":"x"' % name.encode())

    refused(mock, mock.send("POST", RESEND, body=body), "duplicate_parameter", name)
