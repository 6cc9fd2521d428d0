"""Who may use the control API: whoever has the token, or this machine, and no foreign page."""

import http.client
import io
import json
from typing import Any

import pytest
from werkzeug.test import Client

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.admin.document import operations
from crmcom_kit.mock_server.clock import SystemClock
from crmcom_kit.mock_server.http.access_log import AccessLog
from crmcom_kit.mock_server.http.wsgi_shell import LoggedApp
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH

TOKEN = "a-secret-of-27-characters-1"
FAR = {"REMOTE_ADDR": "10.0.0.1"}


@pytest.fixture(name="guarded")
def _guarded() -> Any:
    registry = WorldRegistry(make_world(tokens=["T"]), access=Access(TOKEN))
    return create_app(registry).test_client()


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", None])
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Mock-Admin-Token": TOKEN},
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": f"bearer  {TOKEN} "},
    ],
)
def test_whoever_has_the_token_may(
    guarded: Any, admin_of: Any, headers: Any, address: str | None
) -> None:
    """The token opens the control API from anywhere, in its own header or as a bearer token."""
    overrides = {} if address is None else {"REMOTE_ADDR": address}

    found = admin_of(guarded).ask("GET", "/health", headers=headers, environ_overrides=overrides)

    assert found["status"] == "healthy"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", None])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Mock-Admin-Token": TOKEN[:-1]},
        {"X-Mock-Admin-Token": TOKEN + "x"},
        {"X-Mock-Admin-Token": ""},
        {"X-Mock-Admin-Token": "é"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"X-Mock-Admin-Token": "wrong", "Authorization": f"Bearer {TOKEN}"},
    ],
)
def test_nobody_else_may(guarded: Any, admin_of: Any, headers: Any, address: str | None) -> None:
    """Where a token was named, this machine needs it, too; no answer tells what it is."""
    overrides = {} if address is None else {"REMOTE_ADDR": address}

    status, found = admin_of(guarded).refused(
        "POST", "/reset", headers=headers, environ_overrides=overrides
    )

    assert status == 401
    assert "X-Mock-Admin-Token" in found["error"]
    assert TOKEN not in str(found)


def test_the_token_is_for_the_control_api_alone(guarded: Any) -> None:
    """The API itself asks for its own tokens, not for this one."""
    query = "token=T&webhook_request_identifier=number=7"

    answer = guarded.get(f"{API_PATH}/webhook_requests/show?{query}", environ_overrides=FAR)

    assert answer.json["status"]["code"] == "OK"


def test_settings_do_not_show_it(guarded: Any, admin_of: Any) -> None:
    """The mock says that there is a token, and its document how to send it, but not the token."""
    headers = {"X-Mock-Admin-Token": TOKEN}
    admin = admin_of(guarded)

    assert admin.ask("GET", "/settings", headers=headers)["admin_token"] == "***"
    found = admin.ask("GET", "/openapi.json", headers=headers)
    assert found["security"] == [{"adminToken": []}, {"bearer": []}]
    assert set(found["components"]["securitySchemes"]) == {"adminToken", "bearer"}
    assert TOKEN not in json.dumps(found)


@pytest.mark.parametrize("root", ["", "/worlds/a"])
@pytest.mark.parametrize("token", [TOKEN, "a/secret:with+signs"])
def test_no_view_shows_it_where_it_was_sent_by_mistake(token: str, root: str) -> None:
    """The journal, the archive and the access log hide it outside its header, too."""
    registry = WorldRegistry(make_world(tokens=["T"]), access=Access(token))
    log = io.StringIO()
    access_log = AccessLog(log, form="human", clock=SystemClock())
    client = Client(LoggedApp(create_app(registry), registry, access_log))
    admin = {"X-Mock-Admin-Token": token}
    assert client.get(f"{root}/__admin/health", headers=admin).status_code == 200
    methods = f"{root}{API_PATH}/webhook_requests"
    pattern = {"operation": "list", "parameters": {"entity": "JOBS"}}

    shown = [
        client.open(path, method=verb, buffered=True, **more).text
        for verb, path, more in (
            ("GET", f"{methods}/show", {"query_string": {"odd": token, token: "1", "token": "T"}}),
            ("GET", f"{methods}/list", {"query_string": {"entity": token, "token": "T"}}),
            ("POST", f"{methods}/delete", {"json": {"odd": [token]}, "headers": {"X-Odd": token}}),
            ("GET", f"{root}/__admin/requests", {"headers": admin}),
            ("GET", f"{root}/__admin/requests/0-2", {"headers": admin}),
            ("GET", f"{root}/__admin/requests.har", {"headers": admin}),
            (
                "POST",
                f"{root}/__admin/verify",
                {"headers": admin, "json": {"pattern": pattern, "times": 1}},
            ),
        )
    ][3:]
    access_log.flush()

    for text in (*shown, log.getvalue()):
        assert "***" in text
        assert token not in text
        assert token.replace("/", "%2F") not in text


@pytest.mark.parametrize("verb", ["GET", "HEAD", "POST", "OPTIONS", "BREW"])
@pytest.mark.parametrize("path", ["", "/", "/health", "/nothing", "/docs/docs.js", "/state"])
@pytest.mark.parametrize("root", ["", "/worlds/a"])
def test_strangers_are_told_nothing(make_mock: Any, verb: str, path: str, root: str) -> None:
    """From another address all paths and verbs are refused alike, also where there is nothing."""
    answer = make_mock().client.open(f"{root}/__admin{path}", method=verb, environ_overrides=FAR)

    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "http://127.0.0.1:3000",
        "http://localhost:8080.example.com",
        "http://rebound.example:8080",
        "null",
        "http://[",
        "",
    ],
)
def test_a_page_of_another_origin_may_not(make_mock: Any, admin_of: Any, origin: str) -> None:
    """What a foreign page sends through this machine's browser is refused, and does nothing."""
    mock = make_mock()
    mock.delete()
    before = mock.state()

    status, found = admin_of(mock.client).refused(
        "POST", "/reset", headers={"Origin": origin}, base_url="http://localhost:8080"
    )

    assert status == 403
    assert "other origins" in found["error"]
    assert mock.state() == before


def test_a_rebound_name_is_not_this_server(make_mock: Any, admin_of: Any) -> None:
    """A page whose own host name was made to lead here is refused, though origin and host agree."""
    base = "http://rebound.example:8080"

    status, _ = admin_of(make_mock().client).refused(
        "POST", "/reset", headers={"Origin": base}, base_url=base
    )

    assert status == 403


@pytest.mark.parametrize("path", ["/state", "/requests", "/docs", "/nothing"])
@pytest.mark.parametrize(
    "host", ["rebound.example:8080", "localhost.example", "127.0.0.1.example", "mock.example"]
)
def test_a_rebound_name_cannot_read(make_mock: Any, admin_of: Any, path: str, host: str) -> None:
    """A browser sends no Origin with what a page reads from its own host."""
    client = make_mock().client

    status, found = admin_of(client).refused("GET", path, base_url=f"http://{host}")

    assert status == 403
    assert f'seen host "{host}"; --allow-name allows another name' in found["error"]


def test_the_name_that_it_is_served_under_is_its_own(admin_of: Any) -> None:
    """Whoever says --host mock.example may call it so."""
    client = create_app(
        WorldRegistry(make_world(), access=Access(names=frozenset(["mock.example"])))
    ).test_client()

    found = admin_of(client).ask("GET", "/health", base_url="http://mock.example:8080")

    assert found["status"] == "healthy"


@pytest.mark.parametrize(
    "base",
    ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080", "http://a.localhost"],
)
def test_the_mocks_own_pages_may(make_mock: Any, admin_of: Any, base: str) -> None:
    """The form of the reference works under every name that this machine has by itself."""
    found = admin_of(make_mock().client).ask(
        "POST", "/reset", headers={"Origin": base}, base_url=base
    )

    assert found["epoch"] == 1


def test_serve_takes_the_token_from_the_environment(
    start_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CRMCOM_ADMIN_TOKEN is --admin-token; neither what is printed nor the log shows it."""
    monkeypatch.setenv("CRMCOM_ADMIN_TOKEN", TOKEN)
    server = start_server()
    found = []
    for headers in ({}, {"X-Mock-Admin-Token": TOKEN}, {"Authorization": f"Bearer {TOKEN}"}):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", f"/__admin/version?token={TOKEN}", headers=headers)
        found.append(connection.getresponse().status)
        connection.close()

    server.process.terminate()
    _, out, log = server.end()

    assert found == [401, 400, 400]  # it is no parameter of the query
    assert "admin token   (as given)" in out
    assert TOKEN not in out + log


def test_every_operation_is_guarded(make_mock: Any) -> None:
    """No operation of the document answers another machine."""
    client = make_mock().client

    for verb, path, _ in operations().values():
        url = "/__admin" + path.replace("{", "").replace("}", "")
        assert client.open(url, method=verb, environ_overrides=FAR).status_code == 403, path


def test_a_refused_request_creates_no_world() -> None:
    """A foreign page, host or proxy is refused before the world that it names is made."""
    registry = WorldRegistry(make_world())
    client = create_app(registry).test_client()
    for headers in (
        {"Origin": "http://evil.example"},
        {"Host": "evil.example"},
        {"X-Forwarded-For": "10.0.0.1"},
    ):
        for path, more in (
            ("/worlds/x/__admin/reset", {}),
            ("/__admin/reset", {"X-Mock-World": "x"}),
        ):
            assert client.post(path, headers={**headers, **more}).status_code == 403

    assert registry.names() == ("default",)
    assert client.post("/worlds/x/__admin/reset").status_code == 200
    assert registry.names() == ("default", "x")
