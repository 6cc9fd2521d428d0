"""A client of the mock, and how its calls fail: as those of any client over HTTP."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.schemas import API_PATH


@pytest.fixture(name="mock", scope="module")
def _mock() -> Iterator[Mock]:
    with crmcom_mock() as mock:
        yield mock


def test_the_base_url_can_be_used_for_urls_of_ones_own(mock: Mock) -> None:
    """It is that of the world, so that code which joins URLs by itself gets along."""
    with mock.world("other").client() as client:
        assert str(client.base_url) == f"{mock.origin}/worlds/other{API_PATH}/"
        for url in (f"{client.base_url}webhook_requests/show", "webhook_requests/show"):
            assert client.get(url).headers["X-Crmcom-Mock"]


def test_options_of_the_client_are_httpx_s(mock: Mock) -> None:
    """Whatever httpx.Client takes can be given, another base URL included."""
    headers = {"X-Mock-World": "other"}
    with mock.client(headers=headers, base_url=mock.admin_url) as client:
        assert client.get("health").json()["world"] == "other"


def test_a_proxy_of_the_environment_is_not_asked(
    mock: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not reach this machine."""
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.invalid:1")

    assert mock.client().get("webhook_requests/show").is_success


def test_a_dropped_and_a_cut_response_are_errors(mock: Mock) -> None:
    """A cut response has a status, and then ends too soon."""
    world = mock.world("failing")
    error = httpx.RemoteProtocolError
    with world.fail(drop=True), pytest.raises(error, match="disconnected without sending"):
        world.client().get("webhook_requests/show")
    with world.fail(cut=5), world.client().stream("GET", "webhook_requests/show") as response:
        assert response.status_code == 200
        with pytest.raises(error, match="received 5 bytes, expected"):
            response.read()
    world.end()


class Slow:
    """A delivery that takes until ``ended`` is set."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def send(self, attempt: Any) -> Outcome:
        """Wait, then succeed."""
        del attempt
        self.ended.wait(60)
        return Outcome("success", None, None, 200)

    def reset(self) -> None:
        """Nothing to go back to."""


def test_a_slow_delivery_ends_the_patience_of_a_client() -> None:
    """A resend that waits for its receiver raises ReadTimeout, and ends all the same."""
    delivery = Slow()
    with crmcom_mock(delivery=delivery) as mock:
        body = {"token": mock.token, "webhook_request_identifier": {"number": "7"}}

        with mock.client(timeout=0.2) as client, pytest.raises(httpx.ReadTimeout):
            client.post("webhook_requests/resend", json=body)
        delivery.ended.set()

        mock.wait_for(record="7", state="SUCCESSFUL", timeout=30)


def test_a_client_that_waits_for_less_than_a_fault_takes_times_out(mock: Mock) -> None:
    """The client gives up, and the mock carries the call out all the same."""
    world = mock.world("slow")
    body = {"token": world.token, "webhook_request_identifier": {"number": "7"}}
    with world.client(timeout=0.2) as client, world.fail(delay=60, when="after_commit"):
        with pytest.raises(httpx.ReadTimeout):
            client.post("webhook_requests/delete", json=body)
        world.wait_for(record="7", state="DELETED", timeout=60)
        world.clock.freeze()
        answer = client.post("webhook_requests/delete", json=body, timeout=30)
        assert answer.json()["status"]["code"] != "OK"
    world.end()
