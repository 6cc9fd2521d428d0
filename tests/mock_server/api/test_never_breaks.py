"""Whatever arrives, the answer is a JSON envelope, and only a success changes anything."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from crmcom_kit.schemas import API_PATH, Dialect, methods, resolve, response_fields
from crmcom_kit.schemas.dialect import delivery_outcomes

METHODS = list(methods(resolve("R15")).values())
CHANGING = ("webhook_requests/resend", "webhook_requests/delete")
NAMES = sorted({name for method in METHODS for name in method.parameters} | {"id", "number", "x"})
VALUES = [
    "T", "", "number=7", "number=14", "id=7", "number", "ACTIVITIES", "REJECTED", "2015-11-02",
    "7", "-1", "number,id", "name=Activities to Ellis LLC", "mpadministrator", "crmcom-kit",
    "CRMDEMO", *response_fields(),
]  # fmt: skip

texts = st.sampled_from(VALUES) | st.text(max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | texts, inner, max_size=3)
    ),
    max_leaves=6,
)
objects = st.dictionaries(st.sampled_from(NAMES) | texts, values, max_size=6)
working = st.builds(
    lambda field, value, more: {
        **more,
        "token": "T",
        "webhook_request_identifier": {field: value},
    },
    st.sampled_from(["number", "id"]),
    st.sampled_from(["7", "14", "1", "2", "3"]),
    st.just({}) | objects,
)
bodies = st.one_of(
    (working | objects | values).map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda text: text.encode("utf-16")),
)
pairs = st.tuples(
    st.sampled_from(NAMES) | st.binary(max_size=6), st.sampled_from(VALUES) | st.binary(max_size=6)
)
right_queries = st.sampled_from(
    ["", "token=T", "token=T&entity=JOBS", "token=T&webhook_request_identifier=number=7"]
)
odd_queries = st.lists(pairs, max_size=4).map(urlencode) | st.text(
    st.characters(max_codepoint=255), max_size=30
)
queries = st.tuples(right_queries, st.just("") | odd_queries).map("&".join)
right_calls = st.sampled_from([(method.verb, method.path) for method in METHODS])
verbs = st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"]) | st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8
)
paths = st.sampled_from([method.path for method in METHODS]) | st.text(
    st.characters(max_codepoint=255), max_size=20
)
calls = right_calls | right_calls | st.tuples(verbs, paths)
headers = st.dictionaries(
    st.sampled_from(["CONTENT_TYPE", "HTTP_AUTHORIZATION", "HTTP_ACCEPT"]),
    st.sampled_from(["application/json", "text/x; charset=utf-16", "Basic QTo=", "Bearer T"])
    | st.text(st.characters(max_codepoint=255), max_size=12),
)


#: A dialect that reads whatever can be read.
ODD = {
    "delivery.script": ", ".join(delivery_outcomes()),
    "errors.description": "detail",
    "errors.token_first": False,
    "envelope.key_order": "newer",
    "list.comma_lists": True,
    "list.combine": "any",
    "list.unknown_reference": "empty",
    "fields_set.unknown_name": "ignore",
    "fields_set.nested": "select",
    "identifiers.unknown_field": "ignore",
    "identifiers.json_number": True,
    "requests.query_on_post": "read",
    "requests.unknown_parameters": "loose",
    "requests.token_in_header": True,
    "login.basic_without_colon": True,
    "paging.negative": "ignore",
    "paging.zero": "all",
    "resend.failed": "error",
    "errors.delivery_failed.status": 502,
}


@pytest.fixture(scope="module", params=["default", "http", Dialect("odd", ODD)])
def mock(request: pytest.FixtureRequest, make_mock: Any) -> Any:
    """A mock in each built-in dialect, and in an odd one."""
    return make_mock("R15", dialect=request.param)


@given(call=calls, query=queries, body=bodies, sent=headers)
@example(("GET", "webhook_requests/show"), "token=T&webhook_request_identifier=%ff", b"", {})
@example(("POST", "webhook_requests/resend"), "", b"[" * 2000, {})
@example(("POST", "webhook_requests/resend"), "&", b'{"token":"T","x":1e999}', {})
def test_any_request_has_a_proper_answer(
    mock: Any, call: tuple[str, str], query: str, body: bytes, sent: dict[str, str]
) -> None:
    """Any verb, path, query, body and headers: a JSON answer that fits its schema, and no 500.

    (The schemas and headers are held by the mock's client itself.)
    """
    verb, path = call
    before = mock.state()
    target = {"PATH_INFO": f"{API_PATH}/{path}", "QUERY_STRING": query, "REQUEST_METHOD": verb}

    reply = mock.send(verb, path, body=body, environ_overrides={**target, **sent})

    event(f"{verb} {path}: OK" if verb != "HEAD" and reply.code == "OK" else "refused")
    failed = mock.code_of("delivery_failed")
    if verb != "HEAD":
        assert reply.http < 500 or reply.code == failed
    if mock.state() != before:
        assert path.removesuffix("/") in CHANGING
        assert reply.code in ("OK", failed)
    mock.world.reset()  # releases of the fixed token, too
