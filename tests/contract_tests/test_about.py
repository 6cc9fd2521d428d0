"""A dial is tried on the requests that it may be about."""

from typing import Any

import pytest

from crmcom_kit.contract_tests.calibration.about import matcher_of
from crmcom_kit.contract_tests.client.exchanges import Call, Exchange

LIST, SHOW = "webhook_requests/list", "webhook_requests/show"
BEARER = (("Authorization", "Bearer T"),)
TWICE = b'{"token": "T", "token": "T"}'


def get(query: str = "", body: bytes | None = None, **more: Any) -> Call:
    """A GET of show."""
    return Call("show", "GET", SHOW, query, body, **more)


def post(query: str = "", body: bytes = b"{}") -> Call:
    """A POST of show."""
    return Call("show", "POST", SHOW, query, body)


@pytest.mark.parametrize(
    ("dial", "about", "others"),
    [
        ("list.url.match", get("url=x"), get("entity=x")),
        ("list.empty", Call("list", "GET", LIST), get()),
        ("requests.repeated_parameters", get("a=1&a="), get("a=1")),
        ("identifiers.repeated", post("", TWICE), post()),
        ("requests.query_on_post", post("a=1"), get("a=1")),
        ("requests.body_on_get", get("", b"{}"), post()),
        ("requests.token_in_header", get(headers=BEARER), get()),
        ("errors.data", get(), None),
        ("record.unit_form", get(), None),
    ],
)
def test_a_dial_is_about_some_requests(dial: str, about: Call, others: Call | None) -> None:
    """By what a request has; a dial that nothing is said of may be about any."""
    is_about = matcher_of(dial)

    assert is_about(Exchange(1, about, 200, (), b"", 0))
    assert others is None or not is_about(Exchange(1, others, 200, (), b"", 0))
