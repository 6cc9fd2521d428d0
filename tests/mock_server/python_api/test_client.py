"""A client of the mock, and how its calls fail: as those of any client over HTTP."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.mock_server.deliveries.outcomes import Outcome


@pytest.fixture(name="mock", scope="module")
def _mock() -> Iterator[Mock]:
    with crmcom_mock() as mock:
        yield mock


def test_a_proxy_of_the_environment_is_not_asked(
    mock: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not reach this machine."""
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.invalid:1")

    assert mock.client().get("webhook_requests/show").is_success


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
