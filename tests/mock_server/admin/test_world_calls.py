"""Worlds, clocks, settings and evidence by the control API."""

from typing import Any

import pytest

from crmcom_kit import __version__
from crmcom_kit.schemas import Dialect, dials
from crmcom_kit.schemas.statements import EVIDENCE, statements


@pytest.fixture(name="mock")
def _mock(make_mock: Any) -> Any:
    return make_mock("R10")


def test_health_shows_world_release_and_dialect(make_mock: Any, admin_of: Any) -> None:
    mock = make_mock("R14.1", dialect="http")
    mock.delete()

    other = admin_of(mock.client, "/worlds/a").ask("GET", "/health")
    assert (other["world"], other["base_path"]) == ("a", "/worlds/a/crmapi/rest/v2")
    body = admin_of(mock.client).ask("GET", "/health")
    assert (body["release"], body["dialect"]) == ("R14.1.0", "http")
    assert (body["status"], body["version"]) == ("healthy", __version__)
    assert (body["epoch"], body["webhook_requests"]) == (0, len(mock.state()))


def test_worlds_are_listed_and_ended(mock: Any, admin: Any, admin_of: Any) -> None:
    """One by its name, or all of them; then they are not there, and begin anew when used."""
    mock.show()
    admin_of(mock.client, "/worlds/b").ask("GET", "/health")
    admin_of_a = admin_of(mock.client, "/worlds/a")
    admin_of_a.ask("POST", "/reset")
    body = admin.ask("GET", "/worlds")["worlds"]
    assert [(w["name"], w["calls"]) for w in body] == [("default", 1), ("b", 0), ("a", 0)]
    assert {w["webhook_requests"] for w in body} == {len(mock.state())}

    assert admin.ask("DELETE", "/worlds?name=a") == {"ended": 1}
    status, body = admin.refused("DELETE", "/worlds?name=a")
    assert (status, body["parameter"]) == (404, "world")
    assert admin_of_a.ask("GET", "/health")["epoch"] == 0
    assert admin.ask("DELETE", "/worlds") == {"ended": 2}
    assert [w["name"] for w in admin.ask("GET", "/worlds")["worlds"]] == ["default"]
    assert admin.refused("DELETE", "/worlds?name=default")[0] == 400


def test_a_token_is_issued_without_a_login(mock: Any, admin: Any, admin_of: Any) -> None:
    """It is valid until the moment that is named, hidden as any token is, and another elsewhere."""
    admin.ask("PUT", "/clock", {"mode": "frozen", "at": "2031-02-03T04:05:06Z"})

    body = admin.ask("POST", "/tokens")

    assert body["expires"] == "2031-02-03T05:05:06.000Z"
    assert mock.world.redactor.text(f"look: {body['token']}") == "look: ***"
    assert admin_of(mock.client, "/worlds/a").ask("POST", "/tokens")["token"] != body["token"]
    query = f"token={body['token']}&webhook_request_identifier=number=7"
    assert mock.send("GET", "webhook_requests/show", query).code == "OK"
    admin.ask("POST", "/clock/advance", {"seconds": 3600})
    assert mock.send("GET", "webhook_requests/show", query).code == mock.code_of("expired_token")


def test_evidence_has_every_rule(make_mock: Any, admin_of: Any) -> None:
    release = "R18"
    mock = make_mock(release, dialect=Dialect("mine", {"list.order": ["added"]}))

    body = admin_of(mock.client).ask("GET", "/evidence")

    assert [rule["id"] for rule in body["statements"]] == [rule.id for rule in statements(release)]
    assert [rule["key"] for rule in body["dials"]] == list(dials())
    for rule in (*body["statements"], *body["dials"]):
        assert rule["evidence"] in EVIDENCE
        assert rule["source"]
    turned = [rule for rule in body["dials"] if rule["value"] != rule["default"]]
    assert [(rule["key"], rule["value"]) for rule in turned] == [("list.order", ["added"])]


def test_the_reference_needs_no_other_server(mock: Any) -> None:
    """The page and its files come from the mock, name no other host, and may contact none."""
    page = mock.client.get("/worlds/a/__admin/docs")

    parts = ["docs.css", "docs.js", "swagger-ui.css", "swagger-ui-bundle.js"]
    assert all(f'"docs/{name}"' in page.text for name in parts)
    assert "//" not in page.text.replace("<!doctype html>", "")
    for name in parts:
        part = mock.client.get(f"/worlds/a/__admin/docs/{name}")
        assert part.status_code == 200
        assert "default-src 'self'" in part.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in part.headers["Content-Security-Policy"]
        assert part.headers["X-Frame-Options"] == "DENY"
    assert 'url: "openapi.json"' in mock.client.get("/__admin/docs/docs.js").text
