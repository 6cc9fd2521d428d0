"""The plugin's options for the mock, read and checked without importing the mock."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from crmcom_kit.schemas import dialect_names, load_dialect, resolve
from crmcom_kit.schemas.dialect import DialectError
from crmcom_kit.schemas.releases import UnknownRelease


def given_options(config: pytest.Config, names: Sequence[str]) -> dict[str, Any]:
    """Return the options that are given on the command line or in the configuration file.

    Raises:
        UsageError: one of them is not allowed.
    """
    found: dict[str, Any] = {}
    for name in names:
        value = config.getoption(f"crmcom_mock_{name}")
        folder = config.invocation_params.dir
        if value is None:
            value = config.getini(f"crmcom_mock_{name}") or None
            folder = config.rootpath if config.inipath is None else config.inipath.parent
        if value is not None:
            found[name] = _read(name, value, folder)
    return found


def _read(name: str, value: str, folder: Path) -> Any:
    if name == "seed":
        if not re.fullmatch("-?[0-9]{1,18}", value):
            msg = f"crmcom_mock_seed: {value!r} is not allowed; allowed is an integer"
            raise pytest.UsageError(msg)
        return int(value)
    is_file = name == "data" or (name == "dialect" and value not in dialect_names())
    read = folder / value if is_file else value
    try:
        if name == "release":
            resolve(value)
        elif name == "dialect":
            load_dialect(read)
    except (UnknownRelease, DialectError) as error:
        msg = f"crmcom_mock_{name}: {error}"
        raise pytest.UsageError(msg) from None
    return read
