"""Names that 0.5 removed: the errors for them and the changelog say what to use instead."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from crmcom_kit import mock_server
from crmcom_kit.cli import main
from crmcom_kit.fixtures import stream
from crmcom_kit.mock_server import Mock, crmcom_mock
from crmcom_kit.removed_names import INSTEAD, remedy

#: Uses of names that are arguments.
_ARGUMENTS: dict[str, Callable[[Mock], object]] = {
    "calls": lambda mock: mock.fail("token_expires", calls=1),  # type: ignore[call-arg]
    "lost_answer": lambda mock: mock.fail("lost answer"),
    "deliveries": lambda _: crmcom_mock(deliveries="timeout"),
    "strict": lambda _: crmcom_mock(strict=True),
    "date_from": lambda _: stream("unit", count=1, date_from="2020-01-01"),
    "date_to": lambda _: stream("unit", count=1, date_to="2020-01-01"),
}


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with crmcom_mock() as mock:
        yield mock


def _error_for(name: str, mock: Mock) -> str:
    """Return the error that a user of a removed name gets."""
    if name in _ARGUMENTS:
        with pytest.raises(ValueError, match=name) as caught:
            _ARGUMENTS[name](mock)
        return str(caught.value)
    if name.startswith("mock.") or name == "recorded_response":
        owner: Any = mock if name.startswith("mock.") else mock_server
        with pytest.raises(AttributeError) as missing:
            getattr(owner, name.removeprefix("mock."))
        return str(missing.value)
    if name.startswith("/"):
        return httpx.get(f"{mock.admin_url}{name}").text
    if name.startswith("--"):
        result = CliRunner().invoke(main, ["diff", name, "x"])
    elif name == "COMMAND --config":
        result = CliRunner().invoke(main, ["serve", "--config", "x"])
    else:
        result = CliRunner().invoke(main, [name])
    assert result.exit_code == 2
    return result.output


@pytest.mark.parametrize("name", INSTEAD)
def test_the_error_for_a_removed_name_says_what_replaces_it(name: str, mock: Mock) -> None:
    assert remedy(name) in _error_for(name, mock)


def test_the_changelog_has_each_removed_name(project_root: Path) -> None:
    text = (project_root / "CHANGELOG.md").read_text("utf-8")
    table = re.search("<!-- removed -->(.*)<!-- /removed -->", text, re.DOTALL)

    assert table is not None
    assert [name for name in INSTEAD if name not in table[1] and name != "proxy"] == []
