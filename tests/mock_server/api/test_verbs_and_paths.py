"""What surrounds a call: its verb, its path and its headers, right ones and odd ones."""

from itertools import product
from typing import Any

import pytest

from crmcom_kit.schemas import API_PATH, methods, resolve

METHODS = list(methods(resolve("R10")).values())
SHOW = "token=T&webhook_request_identifier=number=7"


@pytest.fixture(scope="module", params=["default", "http"])
def mock(request: pytest.FixtureRequest, make_mock: Any) -> Any:
    return make_mock("R10", dialect=request.param)


def test_a_method_refuses_other_verbs(mock: Any) -> None:
    before = mock.state()
    body = {"token": "T", "webhook_request_identifier": {"number": "7"}}
    for method, verb in product(METHODS, ["GET", "POST", "DELETE", "OPTIONS", "G-E.T"]):
        if verb == method.verb:
            continue
        reply = mock.send(verb, method.path, SHOW, body=body)

        assert (reply.code, reply.statement) == (mock.code_of("wrong_verb"), "methods.verb")
        assert reply.message.endswith(f"{method.path}: seen {verb}; allowed is {method.verb}")
        assert reply.headers.get("Allow") == (method.verb if reply.http == 405 else None)
    assert mock.state() == before


def test_head_returns_the_headers_of_get_without_a_body(mock: Any) -> None:
    for path in ("webhook_requests/show", "webhook_requests/list"):
        head, get = (mock.send(verb, path, f"{SHOW}&entity=JOBS") for verb in ("HEAD", "GET"))

        assert (head.http, head.text) == (get.http, "")
        assert dict(head.headers) == dict(get.headers)


PATHS = [
    *("", "/", "..", "webhook_requests/", "webhook_requests/SHOW", "webhook_requests//show"),
    *("webhook_requests/./show", "webhook_requests/show/7", "webhook_requests/show;v=1"),
    *("webhook_requests/show%00", "%FF%FE", "%E2%80%AE", "x" * 60_000, "../v1/x"),
    "webhook_requests/show%0D%0AX-Injected:%20yes",
]


def test_a_path_without_a_method_is_an_unknown_method(mock: Any) -> None:
    """Any other path below the API's is refused with JSON that names the methods there are."""
    for path in PATHS:
        reply = mock.send("GET", path, SHOW)

        assert (reply.code, reply.statement) == (mock.code_of("unknown_method"), "methods.known")
        assert all(method.path in reply.message for method in METHODS)
        assert len(reply.message) < 700


def test_an_unknown_path_is_refused_with_the_base_paths(mock: Any) -> None:
    """It is a 404 of the mock's own that names the base paths, and no call in the journal."""
    last = mock.world.journal.last
    for url in ("/crmapix/foo", "/crmap", "/CRMAPI/rest", "/x"):
        response = mock.client.get(url)

        assert response.status_code == 404
        assert API_PATH in response.json["error"]
        assert "/__admin" in response.json["error"]
    assert mock.world.journal.last == last


def test_a_path_like_the_api_gets_an_error_of_the_api(mock: Any) -> None:
    """Also what is not below its base path."""
    for url, error in {
        f"{API_PATH}/webhook%5Frequests%2Fshow?{SHOW}": None,  # encoded slashes are slashes
        f"{API_PATH}/webhook_requests/show/?{SHOW}": None,
        f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=%6eumber=%37": None,
        "/crmapi/": "unknown_method",
        API_PATH: "unknown_method",
        "/crmapi/rest/v1/webhook_requests/show": "unknown_method",
    }.items():
        code = mock.client.get(url).json["status"]["code"]
        assert code == ("OK" if error is None else mock.code_of(error)), url
