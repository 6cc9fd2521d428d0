"""Programs that tests run in processes of their own."""

import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

#: Options of pytest, as it is run by tests: these plugins take a second to load.
FEWER_PLUGINS = tuple(
    part
    for name in ("faker", "hypothesispytest", "anyio", "pytest_cov")
    for part in ("-p", f"no:{name}")
)
#: An option for runs that have tests/ in their PYTHONPATH.
PATIENT = ("-p", "helpers.patient_httpx")


def tool(*names: str) -> str:
    """Return the path of a program that has one of these names.

    Without it the test is skipped; in CI it fails, since ``.ci/run`` installs all of them.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail(f"{names[0]} is not installed; .ci/run installs it")
    pytest.skip(f"needs {names[0]}")


def check_form(schema: str, path: Path) -> None:
    """Fail if a file does not have the form that its kind of file has to have."""
    from check_jsonschema import main  # type: ignore[import-untyped]

    done = CliRunner().invoke(main, ["--builtin-schema", schema, str(path)])
    assert done.exit_code == 0, done.output
