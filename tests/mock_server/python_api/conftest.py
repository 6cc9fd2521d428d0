"""A mock in Python, as a user of the library makes it."""

from collections.abc import Iterator

import pytest

from crmcom_kit.mock_server import Mock, crmcom_mock


@pytest.fixture
def mock() -> Iterator[Mock]:
    with crmcom_mock() as mock:
        yield mock
