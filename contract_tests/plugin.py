"""The suite under plain pytest: ``pytest --pyargs crmcom_kit.contract_tests``.

The options are those of ``crmcom-kit check``, with ``crmcom-`` before their names. pytest loads
this module in every run, so it imports the kit only inside of functions.
"""

import importlib.util
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

_FOLDER = pytest.StashKey[str]()


def is_installed() -> bool:
    """Return whether the packages of the extra are installed, which the suite needs."""
    packages = ("filelock", "httpx", "hypothesis")
    return all(importlib.util.find_spec(name) is not None for name in packages)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the options of a run."""
    if not is_installed():
        return
    from crmcom_kit.contract_tests.options.options import PYTEST_OPTIONS

    for option in PYTEST_OPTIONS:
        group = parser.getgroup(f"crmcom-kit {option.heading}", f"crmcom-kit: {option.heading}")
        arguments: dict[str, Any] = {"type": option.type, "metavar": option.metavar}
        action = "append" if option.repeats else "store"
        if option.type is bool:
            action, arguments = "store_true", {}
        group.addoption(
            f"--crmcom-{option.name}",
            dest=f"crmcom_{option.key}",
            action=action,
            default=None,
            help=as_in_pytest(option.help).replace("%", "%%"),
            **arguments,
        )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give the workers of xdist a folder, which is deleted after the last of them has ended."""
    config: pytest.Config = node.config
    if _FOLDER not in config.stash:
        folder = TemporaryDirectory(prefix="crmcom-kit-")
        config.add_cleanup(folder.cleanup)
        config.stash[_FOLDER] = folder.name
    node.workerinput["crmcom_folder"] = config.stash[_FOLDER]


def folder_of_workers(config: pytest.Config) -> Path | None:
    """Return the folder that the workers of xdist share; None without workers on this machine."""
    name = getattr(config, "workerinput", {}).get("crmcom_folder")
    return Path(name) if name is not None and Path(name).is_dir() else None


def as_in_pytest(text: str) -> str:
    """Return a text with the names that options have in pytest."""
    from crmcom_kit.contract_tests.options.options import PYTEST_OPTIONS

    names = "|".join(option.name for option in PYTEST_OPTIONS)
    return re.sub(rf"--({names})\b", r"--crmcom-\1", text)


def given_options(config: pytest.Config) -> dict[str, Any]:
    """Return the values of options: from the command line, the environment, or their defaults."""
    from crmcom_kit.contract_tests.options.options import DEFAULTS, PYTEST_OPTIONS, VARIABLES

    values: dict[str, Any] = dict(DEFAULTS)
    for option in (*PYTEST_OPTIONS, *VARIABLES):
        value = config.getoption(f"crmcom_{option.key}", None)
        is_left_aside = bool(config.getoption("crmcom_from_har")) and option.is_of_server
        if value is None and option.envvar is not None and not is_left_aside:
            value = option.in_environment()
        if value is not None:
            values[option.key] = tuple(value) if option.repeats else value
    return values
