"""A dial is tried on the requests that it may affect."""

from typing import Any

from crmcom_kit.contract_tests.calibration.relevance import matcher_of
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange

LIST, SHOW = "webhook_requests/list", "webhook_requests/show"
BEARER = (("Authorization", "Bearer T"),)
TWICE = b'{"token": "T", "token": "T"}'


def get(query: str = "", body: bytes | None = None, **more: Any) -> Call:
    return Call("show", "GET", SHOW, query, body, **more)


def post(query: str = "", body: bytes = b"{}") -> Call:
    return Call("show", "POST", SHOW, query, body)


def test_a_dial_may_affect_some_requests() -> None:
    """By what a request has; a dial without an entry may affect any."""
    for dial, affected, others in (
        ("list.url.match", get("url=x"), get("entity=x")),
        ("list.empty", Call("list", "GET", LIST), get()),
        ("paging.zero", get("number_of_results=0"), get()),
        ("identifiers.json_number", post("", b'{"webhook_request_identifier": 7}'), post()),
        ("requests.repeated_parameters", get("a=1&a="), get("a=1")),
        ("identifiers.repeated", post("", TWICE), post()),
        ("requests.query_on_post", post("a=1"), get("a=1")),
        ("requests.body_on_get", get("", b"{}"), post()),
        ("requests.token_in_header", get(headers=BEARER), get()),
        ("errors.data", get(), None),
        ("errors.token_first", get(), None),
        ("record.unit_form", get(), None),
    ):
        may_affect = matcher_of(dial)

        assert may_affect(Exchange(1, affected, 200, (), b"", 0))
        assert others is None or not may_affect(Exchange(1, others, 200, (), b"", 0))
