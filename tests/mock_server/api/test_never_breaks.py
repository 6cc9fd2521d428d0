"""Whatever arrives, the response is a JSON envelope, and only a success changes anything."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from crmcom_kit.schemas import API_PATH, Dialect, methods, resolve

METHODS = [(method.verb, method.path) for method in methods(resolve("R15")).values()]
CHANGING = ("webhook_requests/resend", "webhook_requests/delete")
IDENTIFIER = "webhook_request_identifier"
NAMES = st.sampled_from([IDENTIFIER, "token", "entity", "created_date", "fields_set", "number"])
VALUES = st.sampled_from(["T", "", "number=7", "7", "-1", "JOBS", "2015-11-02", "number,id"])
LATIN_1 = st.text(st.characters(max_codepoint=255), max_size=20)

texts = VALUES | st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(NAMES | texts, values, max_size=6)
working = st.builds(
    lambda number, more: {**more, "token": "T", IDENTIFIER: {"number": number}},
    st.sampled_from(["7", "14", "1", "2"]),
    st.just({}) | objects,
)
bodies = (working | objects | values).map(lambda one: json.dumps(one).encode()) | st.binary(
    max_size=40
)
pairs = st.tuples(NAMES | st.binary(max_size=6), VALUES | st.binary(max_size=6))
queries = st.tuples(
    st.sampled_from(["", "token=T", "token=T&entity=JOBS", f"token=T&{IDENTIFIER}=number=7"]),
    st.lists(pairs, max_size=4).map(urlencode) | LATIN_1,
).map("&".join)
verbs = st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "G-E.T"])
calls = st.sampled_from(METHODS) | st.tuples(verbs, LATIN_1)
headers = st.dictionaries(
    st.sampled_from(["CONTENT_TYPE", "HTTP_AUTHORIZATION", "HTTP_ACCEPT"]),
    st.sampled_from(["text/x; charset=utf-16", "Basic QTo=", "Bearer T"]) | LATIN_1,
)
#: A dialect that reads whatever can be read.
ODD = {
    "errors.description": "detail",
    "errors.token_first": False,
    "list.comma_lists": True,
    "list.unknown_reference": "empty",
    "fields_set.unknown_name": "ignore",
    "fields_set.nested": "select",
    "identifiers.unknown_field": "ignore",
    "identifiers.json_number": True,
    "requests.query_on_post": "read",
    "requests.unknown_parameters": "loose",
    "requests.token_in_header": True,
    "paging.negative": "ignore",
}


@pytest.fixture(scope="module", params=["default", "http", Dialect("odd", ODD)])
def mock(request: pytest.FixtureRequest, make_mock: Any) -> Any:
    return make_mock("R15", dialect=request.param)


@settings(max_examples=60)
@given(call=calls, query=queries, body=bodies, sent=headers)
@example(METHODS[0], "token=T&webhook_request_identifier=%ff", b"", {})
@example(("POST", "webhook_requests/resend"), "", b"[" * 2000, {})
@example(("POST", "webhook_requests/resend"), "&", b'{"token":"T","x":1e999}', {})
def test_any_request_gets_a_valid_response(
    mock: Any, call: tuple[str, str], query: str, body: bytes, sent: dict[str, str]
) -> None:
    """Any verb, path, query, body and headers: a JSON response that fits its schema, and no 500.

    (The schemas and headers are held by the mock's client itself.)
    """
    verb, path = call
    before = mock.state()
    target = {"PATH_INFO": f"{API_PATH}/{path}", "QUERY_STRING": query, "REQUEST_METHOD": verb}

    reply = mock.send(verb, path, body=body, environ_overrides={**target, **sent})

    event(f"{verb} {path}: OK" if verb != "HEAD" and reply.code == "OK" else "refused")
    assert verb == "HEAD" or reply.http < 500
    if mock.state() != before:
        assert path in CHANGING
        assert reply.code == "OK"
    mock.world.reset()  # releases of the fixed token, too
