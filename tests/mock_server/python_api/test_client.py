"""A client of the mock, and how its calls fail: as those of any client over HTTP."""

from collections.abc import Iterator

import pytest

from crmcom_kit.mock_server import Mock, crmcom_mock


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
