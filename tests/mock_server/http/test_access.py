"""Who may call: names of the server, web pages, proxies."""

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
    "", "[::1", "::1", "[localhost]", "localhost:x", "localhost:-1", "localhost:65536",
    "localhost:99999", "localhost:8080:8080", "evil@localhost", "localhost/evil", "localhost?evil",
    "localhost#evil", "localhost\\evil", "localhost evil", "localhost, evil", "localhost\xe9",
]  # fmt: skip
#: What proxies and content delivery networks add to a request.
PROXIES = [
    "FORWARDED", "VIA", "X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_ORIGINAL_FORWARDED_FOR",
    "X_REAL_IP", "X_CLIENT_IP", "X_CLUSTER_CLIENT_IP", "CF_CONNECTING_IP", "TRUE_CLIENT_IP",
    "FASTLY_CLIENT_IP", "X_AZURE_CLIENTIP", "X_ENVOY_EXTERNAL_ADDRESS", "X_NF_CLIENT_CONNECTION_IP",
    "CLOUDFRONT_VIEWER_ADDRESS", "X_ORIGINATING_IP",
]  # fmt: skip
#: Headers, and whether the API and the control API answer a GET with them.
CALLERS: list[tuple[dict[str, str], bool, bool]] = [
    (OWN, True, True),
    ({"HTTP_HOST": "127.0.0.1:8080"}, True, True),
    ({"HTTP_HOST": "[::1]:8080"}, True, True),
    ({"HTTP_HOST": "mock.localhost"}, True, True),
    ({"HTTP_HOST": "Mock.Example:8080"}, True, True),  # which the server is called
    # They lead here as well, and browsers send no Sec-Fetch-Site to them.
    ({"HTTP_HOST": "0.0.0.0:8080"}, False, False),
    ({"HTTP_HOST": "[::]:8080"}, False, False),
    ({"HTTP_HOST": "[::ffff:0:0]:8080"}, False, False),
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
    ({**OWN, "HTTP_ORIGIN": ""}, False, False),
    ({**EVIL, "HTTP_ORIGIN": "http://evil.example:8080"}, False, False),
    ({**OWN, "HTTP_SEC_FETCH_SITE": "cross-site"}, False, False),
    ({**OWN, "HTTP_SEC_FETCH_SITE": "same-origin"}, True, True),
    ({**OWN, "HTTP_SEC_FETCH_SITE": "none"}, True, True),
    ({**OWN, "HTTP_SEC_FETCH_SITE": "same-site"}, False, False),  # another port of this machine
    ({**OWN, "HTTP_SEC_FETCH_SITE": "odd"}, False, False),
    # The same from the address bar, a link, a frame or a form.
    *(
        ({**OWN, "HTTP_SEC_FETCH_SITE": site, "HTTP_SEC_FETCH_MODE": "navigate"}, own, own)
        for site, own in (
            ("none", True),
            ("same-origin", True),
            ("same-site", False),
            ("cross-site", False),
        )
    ),
    *(({**OWN, f"HTTP_{name}": "10.0.0.1"}, True, False) for name in PROXIES),
]
#: What a browser says of a navigation that another page causes.
LINKS = [
    {**OWN, "HTTP_SEC_FETCH_SITE": site, "HTTP_SEC_FETCH_MODE": "navigate"}
    for site in ("cross-site", "same-site")
]


@pytest.fixture(params=["flask", "server"])
def client(request: pytest.FixtureRequest) -> Any:
    """A client of the mock behind one of the shells, which is called mock.example."""
    access = Access(names=frozenset(["mock.example"]))
    registry = WorldRegistry(make_world(tokens=["T"]), access=access)
    app = create_app(registry)
    return Client(app if request.param == "flask" else AsWsgi(AsgiShell(registry)))


def _status(client: Any, path: str, headers: dict[str, str], verb: str = "GET") -> int:
    environ = {"REMOTE_ADDR": "127.0.0.1", **headers}
    status: int = client.open(path, method=verb, environ_overrides=environ).status_code
    return status


def test_who_may_call(client: Any) -> None:
    """Web pages and names of others are refused; the control API refuses proxies as well."""
    for headers, api, control in CALLERS:
        assert _status(client, SHOW, headers) == (200 if api else 403), headers
        assert _status(client, "/__admin/health", headers) == (200 if control else 403), headers


def test_the_home_page_and_redirects_know_the_host(client: Any) -> None:
    """Under another's name there is no page, no world, and no redirect to that name."""
    for path in ("/", "/nothing", "/worlds/b", "/worlds/b/", "/worlds/b/nothing"):
        for host in ("evil.example", "evil@localhost", "localhost/evil"):
            answer = client.get(
                path, environ_overrides={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": host}
            )
            assert answer.status_code == 403, (path, host)
            assert "Location" not in answer.headers
            assert "seen host" in answer.json["error"]
    assert [one["name"] for one in client.get("/__admin/worlds").json["worlds"]] == ["default"]
    assert _status(client, "/worlds/b", OWN) == 308


def test_a_link_leads_to_pages_alone(client: Any) -> None:
    """Another page may have links to the console and the references; they create no world."""
    pages = ("/", "/docs", "/__admin/docs")
    others = (SHOW, "/__admin/health", "/__admin/events", "/__admin/requests")
    for link in LINKS:
        assert [_status(client, page, link) for page in pages] == [200] * 3
        assert [_status(client, path, link) for path in others] == [403] * 4
        assert [_status(client, f"/worlds/b{page}", link) for page in pages] == [404] * 3
    image = {**OWN, "HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_SEC_FETCH_MODE": "no-cors"}
    for path in ("/nothing", "/console/app.js", "/docs/docs.js", "/openapi.json"):
        assert _status(client, f"/worlds/b{path}", image) == 404
    assert [one["name"] for one in client.get("/__admin/worlds").json["worlds"]] == ["default"]
    assert client.get("/__admin/requests").json["requests"] == []

    assert client.get("/worlds/b/__admin/health").status_code == 200
    assert [_status(client, f"/worlds/b{page}", LINKS[0]) for page in pages] == [200] * 3


def test_a_refused_caller_leaves_nothing_behind(client: Any) -> None:
    """It changes no record, gets no world, and is not in the journal."""
    body = '{"token":"T","webhook_request_identifier":{"number":"7"}}'
    for root in ("", "/worlds/evil"):
        answer = client.post(
            f"{root}{API_PATH}/webhook_requests/delete",
            data=body,
            content_type="text/plain",
            environ_overrides={"REMOTE_ADDR": "127.0.0.1", "HTTP_ORIGIN": "http://evil.example"},
        )
        assert answer.status_code == 403

    assert client.get("/__admin/requests").json["requests"] == []
    assert [one["name"] for one in client.get("/__admin/worlds").json["worlds"]] == ["default"]
    assert client.get(SHOW).json["data"]["number"] == "7"


def test_any_name_may_be_allowed() -> None:
    """``--allow-name '*'`` is for those whose names lead here on purpose; pages stay out."""
    registry = WorldRegistry(make_world(tokens=["T"]), access=Access(names=frozenset("*")))
    client = create_app(registry).test_client()

    assert _status(client, SHOW, EVIL) == 200
    assert _status(client, SHOW, {**EVIL, "HTTP_ORIGIN": "http://other.example"}) == 403


@pytest.mark.parametrize("allowed", ["http://localhost:3000", "*"])
def test_a_page_may_be_allowed(allowed: str) -> None:
    """Pages of the origins that somebody names may call the API and the control API."""
    access = Access(origins=frozenset([allowed]))
    client = create_app(WorldRegistry(make_world(tokens=["T"]), access=access)).test_client()
    page = {**OWN, "HTTP_ORIGIN": "http://localhost:3000", "HTTP_SEC_FETCH_SITE": "cross-site"}

    assert _status(client, SHOW, page) == 200
    assert _status(client, "/__admin/health", page) == 200
    page["HTTP_ORIGIN"] = "http://localhost:3001"
    assert _status(client, SHOW, page) == (200 if allowed == "*" else 403)


def test_the_token_opens_the_control_api_through_a_proxy() -> None:
    """With an admin token its holders come from anywhere."""
    registry = WorldRegistry(make_world(), access=Access("secret"))
    client = create_app(registry).test_client()
    proxied = {**EVIL, "HTTP_X_FORWARDED_FOR": "10.0.0.1", "REMOTE_ADDR": "10.0.0.1"}

    assert _status(client, "/__admin/health", proxied) == 401
    with_token = {**proxied, "HTTP_X_MOCK_ADMIN_TOKEN": "secret"}
    assert _status(client, "/__admin/health", with_token) == 200
