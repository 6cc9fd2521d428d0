"""Make one test of each statement; the fixtures are those of ``pytest_fixtures``."""

from typing import Any

import pytest

from crmcom_kit.contract_tests.plugin import given_options
from crmcom_kit.contract_tests.pytest_fixtures import records, report, target, target_url, verdicts

__all__ = ["records", "report", "target", "target_url", "verdicts"]

_CHANGING = ("resend", "delete")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each statement that is in force, and fits --crmcom-only."""
    if "statement_id" in metafunc.fixturenames:
        values = given_options(metafunc.config)
        metafunc.parametrize("statement_id", list(_chosen(values)))


def _chosen(values: dict[str, Any]) -> Any:
    from crmcom_kit.contract_tests.options import OptionsError, check_values
    from crmcom_kit.schemas.releases import UnknownRelease
    from crmcom_kit.schemas.statements import checked_statements

    try:
        check_values(values)  # here, since else each test would have the same error
        found = checked_statements(values["release"], values["only"])
    except (OptionsError, UnknownRelease) as error:
        raise pytest.UsageError(str(error)) from None
    for statement in found:
        changes = statement.id.partition(".")[0] in _CHANGING
        mark = pytest.mark.changes if changes else pytest.mark.readonly
        yield pytest.param(statement.id, id=statement.id, marks=mark)
