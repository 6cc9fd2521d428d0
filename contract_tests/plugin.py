"""The suite under plain pytest: ``pytest --pyargs crmcom_kit.contract_tests``.

The options are those of ``crmcom-kit check`` with ``crmcom-`` in front of their names. pytest
loads this module in every run, so it imports nothing before the options are asked for.
"""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

MARKERS = {
    "readonly": "statements that are checked without changing anything on the target",
    "changes": "statements whose checks change webhook requests on the target",
}


#: What the extra ``crmcom-kit[check]`` installs and the mock alone does not need.
_EXTRA = ("filelock", "httpx", "hypothesis")


def is_installed() -> bool:
    """Whether the suite can run; else pytest's help need not be full of its options."""
    from importlib.util import find_spec

    return all(find_spec(name) is not None for name in _EXTRA)


def pytest_addoption(parser: "pytest.Parser") -> None:
    """Offer the options of a run."""
    if not is_installed():
        return
    from crmcom_kit.contract_tests.options import OPTIONS

    names = "|".join(option.name for option in OPTIONS)
    for option in OPTIONS:
        group = parser.getgroup(f"crmcom-kit {option.heading}", f"crmcom-kit: {option.heading}")
        more: dict[str, Any] = {"type": option.type, "metavar": option.metavar}
        action = "append" if option.repeats else "store"
        if option.type is bool:
            action, more = "store_true", {}
        group.addoption(
            f"--crmcom-{option.name}",
            dest=f"crmcom_{option.key}",
            action=action,
            default=None,
            help=re.sub(rf"--({names})\b", r"--crmcom-\1", option.help).replace("%", "%%"),
            **more,
        )


def pytest_configure(config: "pytest.Config") -> None:
    """Register the markers."""
    for name, text in MARKERS.items() if is_installed() else ():
        config.addinivalue_line("markers", f"{name}: {text} (crmcom-kit)")


def given_options(config: "pytest.Config") -> dict[str, Any]:
    """Return the options of a run: from the command line, the environment, or their defaults."""
    import os

    from crmcom_kit.contract_tests.options import OPTIONS

    values: dict[str, Any] = {}
    recorded = bool(config.getoption("crmcom_from_har"))
    for option in OPTIONS:
        value = config.getoption(f"crmcom_{option.key}")
        if recorded and option.is_about_server:
            value = value or option.default
        elif value is None and option.envvar is not None and option.envvar in os.environ:
            value = option.type(os.environ[option.envvar])
        if value is None:
            value = () if option.repeats else option.default
        values[option.key] = tuple(value) if option.repeats else value
    return values
