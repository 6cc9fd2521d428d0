"""A client in TypeScript, generated from the control API's document and used by tests."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.serving import origin_of
from helpers.tools import tool

from crmcom_kit.mock_server import crmcom_mock
from crmcom_kit.mock_server.admin.document import document

PROJECT = Path(__file__).with_name("typescript")
PACKAGES = PROJECT / "node_modules"


def run(folder: Path, *command: str, **variables: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_generated_client_is_strict_and_works(tmp_path: Path) -> None:
    """It is made without a warning, compiles with all checks, and its tests pass on a mock."""
    if not (PACKAGES / ".bin/openapi-typescript").exists():
        pytest.skip("needs npm packages: make typescript")
    for path in PROJECT.glob("*.*"):
        shutil.copy(path, tmp_path)
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    (tmp_path / "openapi.json").write_text(json.dumps(document()), "utf-8")
    node, programs = tool("node"), tmp_path / "node_modules/.bin"

    run(tmp_path, str(programs / "openapi-typescript"), "openapi.json", "--output", "api.d.ts")
    run(tmp_path, str(programs / "tsc"))
    with crmcom_mock() as mock:
        variables = {"MOCK": origin_of(mock), "TOKEN": mock.token}
        output = run(tmp_path, node, "--test", "--test-reporter=tap", "client.test.js", **variables)

    assert "# pass 4" in output
    assert "# fail 0" in output
