"""The pages on CI: each of their files has its schema's form, and its commands are run here.

Programs that would install something are replaced; mock, pytest and Node.js are the real ones.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from helpers.patience import comes
from helpers.tools import FEWER_PLUGINS, check_form, tool

PAGES = Path(__file__).resolve().parents[2] / "docs" / "how-to"
GITHUB, GITLAB = "vendor.github-workflows", "vendor.gitlab-ci"


def files(page: str) -> dict[str, str]:
    """Return the YAML files of a page, by the schema of their form."""
    texts = re.findall(r"```yaml\n(.*?)```", (PAGES / page).read_text("utf-8"), re.DOTALL)
    return {GITHUB if "runs-on:" in text else GITLAB: text for text in texts}


WITH_WORKFLOW = ("ci.md", "drift.md", "recorded-traffic.md", "tests-in-ci.md")
FILES = [(page, schema) for page in WITH_WORKFLOW for schema in files(page)]


@pytest.mark.parametrize(("page", "schema"), FILES)
def test_a_file_has_the_form_of_its_schema(page: str, schema: str, tmp_path: Path) -> None:
    """As GitHub and GitLab publish it."""
    path = tmp_path / "ci.yml"
    path.write_text(files(page)[schema], "utf-8")
    check_form(schema, path)


@pytest.mark.parametrize("page", WITH_WORKFLOW)
def test_a_workflow_only_reads_ends_in_time_and_pins_its_actions(page: str) -> None:
    workflow = yaml.safe_load(files(page)[GITHUB])
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 30
        for step in job["steps"]:
            assert re.search("@([0-9a-f]{40}|COMMIT)$", step.get("uses", "@COMMIT"))


def github_job(workflow: Any, name: str) -> tuple[list[str], dict[str, str], str]:
    """Return scripts, variables and the folder of the reports of a job."""
    job = workflow["jobs"][name]
    *steps, upload = job["steps"]
    assert upload["if"] == "always()"
    scripts = [step["run"] for step in steps if "run" in step]
    return scripts, job.get("env", {}), upload["with"]["path"]


def gitlab_job(pipeline: Any, name: str) -> tuple[list[str], dict[str, str], str]:
    """Return the script, the variables and the folder of the reports of a job."""
    artifacts = pipeline["default"]["artifacts"]
    assert artifacts["when"] == "always"
    (folder,) = artifacts["paths"]
    assert artifacts["reports"]["junit"] == f"{folder}/junit.xml"
    job = pipeline[name]
    return ["\n".join(job["script"])], job.get("variables", {}), folder


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    """A project with the tests that the page shows, and with nothing to install."""
    folder = tmp_path / "project"
    folder.mkdir()
    page = (PAGES / "tests-in-ci.md").read_text("utf-8")
    for name, text in re.findall(
        r"```(?:text|javascript)\n(?:#|//) (\S+)\n(.*?)```", page, re.DOTALL
    ):
        (folder / name).write_text(text, "utf-8")
    shown = (PAGES.parents[1] / "README.md").read_text("utf-8")
    (text,) = re.findall(r"```python\n# test_integration.py\n(.*?)```", shown, re.DOTALL)
    (folder / "test_integration.py").write_text(text, "utf-8")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("pip", "python3", "apt-get"):
        (programs / name).write_text('#!/bin/sh\necho "$(basename "$0") $*" >> installed.txt\n')
        (programs / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(("schema", "job_of"), [(GITHUB, github_job), (GITLAB, gitlab_job)])
@pytest.mark.parametrize("name", ["pytest", "node"])
def test_a_job_installs_runs_the_tests_and_leaves_its_reports(
    schema: str, job_of: Any, name: str, project: Path
) -> None:
    if name == "node":
        tool("node")
    scripts, variables, reports = job_of(yaml.safe_load(files("tests-in-ci.md")[schema]), name)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    environment = {key: value.replace(":8080", f":{port}") for key, value in variables.items()}
    environment["CRMCOM_SERVE_PORT"] = str(port)
    scripts = [script.replace(":8080", f":{port}") for script in scripts]

    run_scripts(scripts, project, environment)

    assert "pip install -r requirements-test.txt\n" in (project / "installed.txt").read_text()
    case = ET.parse(project / reports / "junit.xml").find(".//testcase")  # noqa: S314 - ours
    assert case is not None
    assert case.find("failure") is None
    if name == "node":
        log = project / reports / "mock.log"  # written in batches, at the latest when the mock ends
        assert comes(lambda: "resend" in log.read_text("utf-8"))


def run_scripts(scripts: list[str], folder: Path, variables: Mapping[str, str]) -> None:
    """Run shell scripts as runners do, each in a shell of its own; then end what they started."""
    path = [str(folder.parent / "programs"), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(path),
        "PYTEST_ADDOPTS": " ".join(FEWER_PLUGINS),
        **variables,
    }
    shells = []
    try:
        for script in scripts:
            shell = subprocess.Popen(
                [tool("bash"), "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            shells.append(shell)
            output, _ = shell.communicate(timeout=300)
            assert shell.returncode == 0, output
    finally:
        for shell in shells:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
