"""A mock in Python: made, served, asked, and ended."""

import threading

import httpx
import pytest
from helpers.calling import delete
from helpers.serving import origin_of

from crmcom_kit.mock_server import Mock, MockWorld, create_app, crmcom_mock
from crmcom_kit.schemas import API_PATH
from crmcom_kit.usage_errors import UsageError

SHOW = "webhook_requests/show"


def serving_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "crmcom-mock"]


def test_no_socket_is_opened_before_the_address_is_asked_for() -> None:
    """A test that needs no address starts no server; who forbids sockets has the application."""
    with crmcom_mock() as mock:
        transport = httpx.WSGITransport(create_app(mock.emulated))
        with httpx.Client(transport=transport, base_url=f"http://localhost{API_PATH}") as client:
            assert client.get(SHOW).is_success
        mock.assert_called(operation="show", times=1)
        assert not serving_threads()

        assert mock.url == f"{origin_of(mock)}{API_PATH}"
        assert len(serving_threads()) == 1
    assert not serving_threads()


def test_a_plain_object_starts_and_stops() -> None:
    """Without a with block start and stop do the same, again and again, and the state stays."""
    mock = crmcom_mock()
    for _ in range(2):
        assert mock.start() is mock
        mock.start()
        assert httpx.get(f"{origin_of(mock)}/__admin/health").json()["status"] == "healthy"
        mock.records["7"]
        mock.stop()
        mock.stop()

    assert not serving_threads()
    with pytest.raises(UsageError, match=r"allowed is a running mock; call start\(\)"):
        _ = mock.url


def test_the_address_has_the_host_and_port() -> None:
    """Host and port are those that are given, and an address of IPv6 is written as URLs want it."""
    with crmcom_mock(host="::1") as mock:
        try:
            assert origin_of(mock).startswith("http://[::1]:")
        except OSError:
            pytest.skip("this machine has no IPv6")
        assert httpx.get(f"{mock.admin_url}/health").json()["world"] == "default"


def test_a_world_has_an_address_and_a_state_of_its_own() -> None:
    """Another world of a mock is reached below its name and keeps what happens there to itself."""
    with crmcom_mock() as mock:
        other = mock.world("other")
        assert isinstance(other, MockWorld)
        assert not isinstance(other, Mock)
        assert other.url == f"{origin_of(mock)}/worlds/other{API_PATH}"
        assert httpx.get(f"{other.admin_url}/health").json()["world"] == "other"

        delete(other)
        assert "7" not in other.records
        assert "7" in mock.records
        assert "7" not in mock.world("other").records


def test_an_ended_world_begins_anew() -> None:
    """What was in a world is gone when it is ended, with the worlds that were made through it."""
    mock = crmcom_mock()
    mock.world("kept")
    other = mock.world("other")
    other.world("child").clock.freeze("2020-01-01T00:00:00Z")
    other.world("kept").clock.freeze("2020-01-01T00:00:00Z")
    other.clock.freeze("2020-01-01T00:00:00Z")

    other.end()
    other.end()

    assert other.clock.state.mode == "real"
    assert mock.world("child").clock.state.mode == "real"
    assert mock.world("kept").clock.state.mode == "frozen"


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not reach this machine."""
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.invalid:1")

    with crmcom_mock() as mock:
        assert mock.client().get(SHOW).is_success
