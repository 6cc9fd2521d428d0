"""Who may call: names of the server, web pages, proxies."""

from collections.abc import Callable
from typing import Any

import pytest
from helpers.shells import AsWsgi
from werkzeug.test import Client

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=number%3D7"
OWN = {"HTTP_HOST": "localhost:8080"}
EVIL = {"HTTP_HOST": "evil.example:8080"}
NO_HOSTS = [
    "", "[::1", "::1", "[localhost]", "localhost:x", "localhost:65536", "evil@localhost",
    "localhost/evil", "localhost evil", "localhost, evil", "localhost\xe9",
]  # fmt: skip
#: What proxies and content delivery networks add to a request.
PROXIES = [
    "FORWARDED", "VIA", "X_FORWARDED_FOR", "X_ORIGINAL_FORWARDED_FOR", "X_REAL_IP",
    "X_CLUSTER_CLIENT_IP", "CF_CONNECTING_IP", "X_AZURE_CLIENTIP", "X_ENVOY_EXTERNAL_ADDRESS",
    "X_NF_CLIENT_CONNECTION_IP", "CLOUDFRONT_VIEWER_ADDRESS", "X_ORIGINATING_IP",
]  # fmt: skip
#: Headers, and whether the API and the control API serve a GET with them.
CALLERS: list[tuple[dict[str, str], bool, bool]] = [
    (OWN, True, True),
    ({"HTTP_HOST": "127.0.0.1:8080"}, True, True),
    ({"HTTP_HOST": "[::1]:8080"}, True, True),
    ({"HTTP_HOST": "mock.localhost"}, True, True),
    ({"HTTP_HOST": "Mock.Example:8080"}, True, True),  # a name of the server
    # They lead here as well, and browsers send no Sec-Fetch-Site to them.
    ({"HTTP_HOST": "0.0.0.0:8080"}, False, False),
    ({"HTTP_HOST": "[::]:8080"}, False, False),
    ({"HTTP_HOST": "[::ffff:7f00:1]:8080"}, False, False),
    (EVIL, False, False),
    ({"HTTP_HOST": "mock.example.evil.example"}, False, False),
    ({"HTTP_HOST": "localhost.evil.example"}, False, False),
    ({"HTTP_HOST": "localhost:"}, True, True),
    ({"HTTP_HOST": "localhost:65535"}, True, True),
    *(({"HTTP_HOST": host}, False, False) for host in NO_HOSTS),
    ({**EVIL, "REMOTE_ADDR": "::ffff:127.0.0.1"}, False, False),
    ({**EVIL, "REMOTE_ADDR": "10.0.0.1"}, True, False),  # in a network names are others' matter
    ({**OWN, "HTTP_ORIGIN": "http://localhost:8080"}, True, True),
    ({**OWN, "HTTP_ORIGIN": "http://localhost:3000"}, False, False),
    ({**OWN, "HTTP_ORIGIN": "http://evil.example"}, False, False),
    ({**OWN, "HTTP_ORIGIN": "null"}, False, False),
    ({**EVIL, "HTTP_ORIGIN": "http://evil.example:8080"}, False, False),
    ({**OWN, "HTTP_SEC_FETCH_SITE": "cross-site"}, False, False),
    ({**OWN, "HTTP_SEC_FETCH_SITE": "same-origin"}, True, True),
    ({**OWN, "HTTP_SEC_FETCH_SITE": "none"}, True, True),
    ({**OWN, "HTTP_SEC_FETCH_SITE": "same-site"}, False, False),  # another port of this machine
    *(({**OWN, f"HTTP_{name}": "10.0.0.1"}, True, False) for name in PROXIES),
]
#: What a browser says of a navigation that another page causes.
LINKS = [
    {**OWN, "HTTP_SEC_FETCH_SITE": site, "HTTP_SEC_FETCH_MODE": "navigate"}
    for site in ("cross-site", "same-site")
]


@pytest.fixture(params=["flask", "server"])
def client_for(request: pytest.FixtureRequest) -> Callable[[Access], Any]:
    """Make a client of a mock with some access, behind one of the shells."""

    def make(access: Access) -> Any:
        registry = WorldRegistry(make_world(tokens=["T"]), access=access)
        is_flask = request.param == "flask"
        return Client(create_app(registry) if is_flask else AsWsgi(AsgiShell(registry)))

    return make


@pytest.fixture
def client(client_for: Any) -> Any:
    return client_for(Access(names=frozenset(["mock.example"])))


def _status(client: Any, path: str, headers: dict[str, str]) -> int:
    environ = {"REMOTE_ADDR": "127.0.0.1", **headers}
    status: int = client.get(path, environ_overrides=environ).status_code
    return status


def worlds(client: Any) -> list[str]:
    return [world["name"] for world in client.get("/__admin/worlds").json["worlds"]]


def test_pages_and_proxies_are_refused(client: Any) -> None:
    """Web pages and names of others are refused; the control API refuses proxies as well."""
    for headers, api, control in CALLERS:
        assert _status(client, SHOW, headers) == (200 if api else 403), headers
        assert _status(client, "/__admin/health", headers) == (200 if control else 403), headers


def test_the_home_page_and_redirects_know_the_host(client: Any) -> None:
    """Under another's name there is no page, no world, and no redirect to that name."""
    for path in ("/", "/nothing", "/worlds/b", "/worlds/b/nothing"):
        response = client.get(path, environ_overrides={**EVIL, "REMOTE_ADDR": "127.0.0.1"})

        assert response.status_code == 403
        assert "Location" not in response.headers
        assert "seen host" in response.json["error"]
    assert worlds(client) == ["default"]


def test_a_link_leads_to_pages_alone(client: Any) -> None:
    """Another page may have links to the console and the references; they create no world."""
    pages = ("/", "/docs", "/__admin/docs")
    others = (SHOW, "/__admin/health", "/__admin/events", "/__admin/requests")
    for link in LINKS:
        assert [_status(client, page, link) for page in pages] == [200] * 3
        assert [_status(client, path, link) for path in others] == [403] * 4
        assert [_status(client, f"/worlds/b{page}", link) for page in pages] == [404] * 3
    image = {**OWN, "HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_SEC_FETCH_MODE": "no-cors"}
    for path in ("/nothing", "/console/app.js", "/openapi.json"):
        assert _status(client, f"/worlds/b{path}", image) == 404
    assert worlds(client) == ["default"]
    assert client.get("/__admin/requests").json["requests"] == []

    assert client.get("/worlds/b/__admin/health").status_code == 200
    assert [_status(client, f"/worlds/b{page}", LINKS[0]) for page in pages] == [200] * 3


def test_a_refused_caller_leaves_nothing_behind(client: Any) -> None:
    """It changes no record, gets no world, and is not in the journal."""
    body = '{"token":"T","webhook_request_identifier":{"number":"7"}}'
    for root in ("", "/worlds/evil"):
        response = client.post(
            f"{root}{API_PATH}/webhook_requests/delete",
            data=body,
            content_type="text/plain",
            environ_overrides={"REMOTE_ADDR": "127.0.0.1", "HTTP_ORIGIN": "http://evil.example"},
        )
        assert response.status_code == 403

    assert client.get("/__admin/requests").json["requests"] == []
    assert worlds(client) == ["default"]
    assert client.get(SHOW).json["data"]["number"] == "7"


def test_any_name_may_be_allowed(client_for: Any) -> None:
    """``--allow-name '*'`` is for those whose names lead here on purpose; pages stay out."""
    client = client_for(Access(names=frozenset("*")))

    assert _status(client, SHOW, EVIL) == 200
    assert _status(client, SHOW, {**EVIL, "HTTP_ORIGIN": "http://other.example"}) == 403


@pytest.mark.parametrize("allowed", ["http://localhost:3000", "*"])
def test_a_page_may_be_allowed(client_for: Any, allowed: str) -> None:
    """Pages of the origins that somebody names may call the API and the control API."""
    client = client_for(Access(origins=frozenset([allowed])))
    page = {**OWN, "HTTP_ORIGIN": "http://localhost:3000", "HTTP_SEC_FETCH_SITE": "cross-site"}

    assert _status(client, SHOW, page) == 200
    health = client.get("/__admin/health", environ_overrides=page)
    assert health.status_code == 200
    assert health.headers["Access-Control-Expose-Headers"] == "*"
    page["HTTP_ORIGIN"] = "http://localhost:3001"
    assert _status(client, SHOW, page) == (200 if allowed == "*" else 403)
    plain = client.get(SHOW, environ_overrides=OWN)
    assert not any(name.startswith("Access-Control") for name, _ in plain.headers)


def test_a_preflight_request_permits_allowed_origins_only(client_for: Any) -> None:
    """It names what may be sent, and reaches neither the API nor its journal."""
    client = client_for(Access(origins=frozenset(["http://a.example"])))
    asked = {
        "HTTP_ORIGIN": "http://a.example",
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST",
        "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "content-type, x-request-id",
        "HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK": "true",
    }
    response = client.options(SHOW, environ_overrides={**OWN, **asked})

    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == "http://a.example"
    assert response.headers["Access-Control-Allow-Headers"] == "content-type, x-request-id"
    assert response.headers["Access-Control-Allow-Private-Network"] == "true"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert client.get("/__admin/requests").json["requests"] == []
    asked["HTTP_ORIGIN"] = "http://b.example"
    refused = client.options(SHOW, environ_overrides={**OWN, **asked})
    assert refused.status_code == 403
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_the_token_opens_the_control_api_through_a_proxy(client_for: Any) -> None:
    """With an admin token its holders come from anywhere."""
    proxied = {**EVIL, "HTTP_X_FORWARDED_FOR": "10.0.0.1", "HTTP_X_MOCK_ADMIN_TOKEN": "secret"}

    assert _status(client_for(Access("secret")), "/__admin/health", proxied) == 200
