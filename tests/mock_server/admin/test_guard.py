"""Who may use the control API: whoever has the token, or this machine, and no foreign page."""

import io
import json
from typing import Any

import pytest
from helpers.shells import AsWsgi
from werkzeug.test import Client

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.access import Access
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


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", None])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Mock-Admin-Token": TOKEN}, 200),
        ({}, 401),
        ({"X-Mock-Admin-Token": TOKEN[:-1]}, 401),
        ({"X-Mock-Admin-Token": TOKEN + "x"}, 401),
        ({"X-Mock-Admin-Token": ""}, 401),
        ({"X-Mock-Admin-Token": "é"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 401),
    ],
)
def test_whoever_has_the_token_may(
    guarded: Any, admin_of: Any, headers: Any, status: int, address: str | None
) -> None:
    """From anywhere; this machine needs it, too, and no answer tells what it is."""
    overrides = {} if address is None else {"REMOTE_ADDR": address}

    found = admin_of(guarded).send("POST", "/reset", headers=headers, environ_overrides=overrides)

    assert found.status_code == status
    assert ("X-Mock-Admin-Token" in found.text) == (status == 401)
    assert TOKEN not in found.text


def test_the_document_does_not_show_it(guarded: Any, admin_of: Any) -> None:
    """It says how to send the token, and not the token itself."""
    headers = {"X-Mock-Admin-Token": TOKEN}
    admin = admin_of(guarded)

    found = admin.ask("GET", "/openapi.json", headers=headers)
    assert found["security"] == [{"adminToken": []}]
    assert set(found["components"]["securitySchemes"]) == {"adminToken"}
    assert TOKEN not in json.dumps(found)


@pytest.mark.parametrize("root", ["", "/worlds/a"])
@pytest.mark.parametrize("token", [TOKEN, "a/secret:with+signs"])
def test_no_view_shows_it_where_it_was_sent_by_mistake(token: str, root: str) -> None:
    """The journal, the archive and the access log hide it outside its header, too."""
    registry = WorldRegistry(make_world(tokens=["T"]), access=Access(token))
    log = io.StringIO()
    access_log = AccessLog(log, form="human", clock=SystemClock())
    client = Client(AsWsgi(AsgiShell(registry, log=access_log)))
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
            ("POST", f"{root}/__admin/verify", {"headers": admin, "json": {**pattern, "times": 1}}),
        )
    ][3:]
    access_log.flush()

    for text in (*shown, log.getvalue()):
        assert "***" in text
        assert token not in text
        assert token.replace("/", "%2F") not in text
