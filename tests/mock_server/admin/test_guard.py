"""Who may use the control API: callers with the token, or this machine, and no foreign page."""

import io
from typing import Any

import pytest
from helpers.shells import AsWsgi
from werkzeug.test import Client

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.access import Access, is_loopback
from crmcom_kit.mock_server.clock import SystemClock
from crmcom_kit.mock_server.http.access_log import AccessLog
from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH

TOKEN = "a-secret-of-27-characters-1"
FAR = {"REMOTE_ADDR": "10.0.0.1"}


@pytest.fixture(name="guarded")
def _guarded() -> Any:
    registry = WorldRegistry(make_world(tokens=["T"]), access=Access(TOKEN))
    return create_app(registry).test_client()


def test_this_machine_is_known_by_any_of_its_addresses() -> None:
    for address in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", None):
        assert is_loopback(address)
    for address in (
        *("10.0.0.1", "0.0.0.0", "::", "::ffff:10.0.0.1", "2001:db8::1"),  # noqa: S104
        *("garbage", "", "localhost", "127.1", "127.0.0.1, 10.0.0.1"),
    ):
        assert not is_loopback(address), address


def test_without_a_token_this_machine_alone_may(mock: Any, admin: Any) -> None:
    """For others nothing happens, and no path reveals whether it exists."""
    mock.delete()
    before = mock.state()
    for path in ("/health", "/reset", "/x"):
        status, error = admin.refused("POST", path, environ_overrides=FAR)

        assert (status, mock.state()) == (403, before)
        assert "callers on this machine; seen 10.0.0.1;" in error["error"]


@pytest.mark.parametrize("address", [{}, FAR])
def test_a_caller_with_the_token_is_served(guarded: Any, admin_of: Any, address: Any) -> None:
    """From anywhere; this machine needs it, too, and no response shows it."""
    name = "X-Mock-Admin-Token"
    for headers, status in (
        ({name: TOKEN}, 200),
        ({}, 401),
        *(({name: wrong}, 401) for wrong in (TOKEN[:-1], TOKEN + "x", "", "é")),
        ({"Authorization": f"Bearer {TOKEN}"}, 401),
    ):
        admin = admin_of(guarded)
        response = admin.send("POST", "/reset", headers=headers, environ_overrides=address)

        assert response.status_code == status
        assert (name in response.text) == (status == 401)
        assert TOKEN not in response.text


def test_the_document_does_not_show_it(guarded: Any, admin_of: Any) -> None:
    response = admin_of(guarded).send("GET", "/openapi.json", headers={"X-Mock-Admin-Token": TOKEN})

    assert response.json["security"] == [{"adminToken": []}]
    assert set(response.json["components"]["securitySchemes"]) == {"adminToken"}
    assert TOKEN not in response.text


@pytest.mark.parametrize(("token", "root"), [(TOKEN, ""), ("a/secret:with+signs", "/worlds/a")])
def test_no_view_shows_it_where_it_was_sent_by_mistake(token: str, root: str) -> None:
    """The journal, the archive and the access log hide it outside its header, too."""
    registry = WorldRegistry(make_world(tokens=["T"]), access=Access(token))
    log = io.StringIO()
    access_log = AccessLog(log, form="human", clock=SystemClock())
    client = Client(AsWsgi(AsgiShell(registry, log=access_log)))
    admin = {"X-Mock-Admin-Token": token}
    assert client.get(f"{root}/__admin/health", headers=admin).status_code == 200
    methods = f"{root}{API_PATH}/webhook_requests"
    client.get(f"{methods}/show", query_string={"odd": token, token: "1", "token": "T"})
    client.post(f"{methods}/delete", json={"odd": [token]}, headers={"X-Odd": token})

    views = ("requests", "requests.har")
    shown = [client.get(f"{root}/__admin/{view}", headers=admin).text for view in views]
    access_log.flush()

    for text in (*shown, log.getvalue()):
        assert "***" in text
        assert token not in text
        assert token.replace("/", "%2F") not in text
