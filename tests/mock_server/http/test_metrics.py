"""`/metrics`: counts of requests, durations, deliveries and worlds."""

import sys
from typing import Any

import pytest
from helpers.served import served_mock
from helpers.tables import looped
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import Client

from crmcom_kit.mock_server import create_app, make_world
from crmcom_kit.mock_server.access import Access
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.request_counts import BOUNDS
from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=number=7"
RESEND = f"{API_PATH}/webhook_requests/resend"
SEVEN = {"token": "T", "webhook_request_identifier": {"number": "7"}}


def samples(text: str) -> dict[tuple[str, ...], float]:
    """The numbers in a text by name and the values of its labels, which are sorted."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def client_of(**access: Any) -> Any:
    """A client of a mock."""
    registry = WorldRegistry(make_world(tokens=["T"], dialect="http"), access=Access(**access))
    return Client(create_app(registry))


def send_all(send: Any) -> None:
    """Send the requests that are counted below, each by verb, path and body."""
    send("GET", SHOW, None)
    send("GET", f"/worlds/w{SHOW}", None)
    send("GET", SHOW.replace("=7", "=0"), None)
    send("POST", RESEND, SEVEN)
    send("GET", f"{API_PATH}/x", None)
    send("GET", "/__admin/health", None)
    send("GET", "/worlds/w/__admin/x", None)
    send("GET", "/livez", None)


def hold_counts(found: dict[tuple[str, ...], float]) -> None:
    """Fail unless exactly those requests are counted."""
    total = "crmcom_mock_requests_total"
    assert {key: number for key, number in found.items() if key[0] == total} == {
        (total, "show", "200"): 2,
        (total, "show", "404"): 1,
        (total, "resend", "200"): 1,
        (total, "unknown", "404"): 1,
        (total, "control", "200"): 1,
        (total, "control", "404"): 1,
        (total, "other", "200"): 1,
    }
    bucket = "crmcom_mock_request_seconds_bucket"
    counted = [found[bucket, str(bound), "show"] for bound in (*BOUNDS, "+Inf")]
    assert counted == sorted(counted)
    assert counted[-1] == found["crmcom_mock_request_seconds_count", "show"] == 3
    assert found["crmcom_mock_request_seconds_sum", "show"] > 0
    assert found["crmcom_mock_deliveries_total", "success"] == 1
    assert found["crmcom_mock_worlds",] == 2


def test_requests_are_counted_by_the_server() -> None:
    """The mock's own server counts the same."""
    with served_mock(dialect="http", deliver="scripted") as mock:
        url = mock.base
        send_all(lambda verb, path, body: mock.client.request(verb, f"{url}{path}", json=body))

        hold_counts(samples(mock.client.get(f"{url}/metrics").text))


@looped("headers", [{}, {"X-Mock-Admin-Token": "wrong"}])
def test_it_needs_the_admin_token(headers: dict[str, str]) -> None:
    """Where there is one; Prometheus sends it as a bearer token."""
    client = client_of(admin_token="secret")

    refused = client.get("/metrics", headers=headers, buffered=True)
    assert refused.status_code == 401
    assert refused.json["error"].startswith("/metrics requires the admin token")
    bearer = {"Authorization": "Bearer secret"}
    assert client.get("/metrics", headers=bearer, buffered=True).status_code == 200


@looped("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Via": "1.1 x"}])
def test_without_a_token_it_is_for_this_machine(headers: dict[str, str]) -> None:
    """Other machines, other names, pages of other origins and proxies get nothing."""
    client = client_of()

    assert client.get("/metrics", headers=headers, buffered=True).status_code == 403
    far = {"REMOTE_ADDR": "10.0.0.1"}
    assert client.get("/metrics", environ_overrides=far, buffered=True).status_code == 403


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line; everything else goes on."""
    for name in [name for name in sys.modules if name.startswith("prometheus_client")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    answer = create_app().test_client().get("/metrics")

    assert answer.status_code == 501
    assert answer.json == {
        "error": "this needs prometheus_client, which is not installed; "
        "run: pip install 'crmcom-kit[metrics]'"
    }


def test_it_belongs_to_the_server() -> None:
    """It is there once and only to be read; asking makes no world."""
    registry = WorldRegistry(make_world())
    client = create_app(registry).test_client()

    assert client.get("/worlds/default/metrics").status_code == 404
    assert client.get("/metrics", headers={"X-Mock-World": "new"}).status_code == 200
    assert registry.names() == ("default",)
    posted = client.post("/metrics")
    assert (posted.status_code, posted.headers["Allow"]) == (405, "GET, HEAD")
    assert client.head("/metrics").data == b""
