"""The files for deployment: each is valid against its schema, and the commands in it are run."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from helpers.patience import PATIENCE
from helpers.serving import LOGIN
from helpers.tools import check_form, tool

from crmcom_kit.schemas import API_PATH

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
COMPOSE = sorted((ROOT / "deploy").glob("compose*.yaml"))
COMMANDS = Path(sys.executable).parent
ADMIN_TOKEN = "for-tests-only"
#: Where the image has room for a volume with the state.
STATE_FOLDER = "/state"


class MockProcess:
    """A mock that is ready for requests, until it is stopped."""

    def __init__(
        self, *options: str, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it, and wait for its READY line."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "crmcom_kit", "serve", *options, "--log", "off"],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        ready = re.match(r"READY (http://[^/]*:(\d+))/", line)
        assert ready is not None, line
        self.base, self.port = ready[1], int(ready[2])

    def stop(self) -> int:
        """End it as an operator would; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


def yaml_of(path: str) -> Any:
    """Return a YAML file of one document."""
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


# --- forms


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-actions", ROOT / "action.yml"),
        ("vendor.dependabot", ROOT / ".github" / "dependabot.yml"),
        *(("vendor.compose-spec", path) for path in COMPOSE),
        *(("vendor.github-workflows", path) for path in WORKFLOWS),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_a_file_has_the_form_of_its_schema(schema: str, path: Path) -> None:
    """As GitHub and Compose publish it."""
    check_form(schema, path)


def test_no_step_has_an_expression_in_its_script() -> None:
    """What others can choose, such as an input or a tag's name, comes by the environment."""
    scripts = [step["run"] for step in all_steps() if "run" in step]
    assert len(scripts) >= 7
    assert not [script for script in scripts if "${{" in script]


def test_what_others_publish_is_pinned() -> None:
    """An action by its commit, the base image by its digest: a tag may move."""
    actions = [step["uses"] for step in all_steps() if "uses" in step]
    assert len(actions) >= 9
    assert not [action for action in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)]
    containerfile = (ROOT / "Containerfile").read_text("utf-8")
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", containerfile, re.MULTILINE)


def test_only_the_job_that_publishes_may_write_to_the_repository() -> None:
    """It checks out nothing, and runs neither tests nor builds."""
    jobs = {
        (path.stem, name): job
        for path in WORKFLOWS
        for name, job in yaml.safe_load(path.read_text("utf-8"))["jobs"].items()
    }
    writing = {
        name for name, job in jobs.items() if job.get("permissions", {}).get("contents") == "write"
    }
    assert writing == {("release", "release")}
    used = [step.get("uses", "").partition("@")[0] for step in jobs["release", "release"]["steps"]]
    assert used == ["actions/download-artifact", ""]


def all_steps() -> list[Any]:
    """Return the steps of all workflows and of the action."""
    of_workflows = [step for path in WORKFLOWS for step in steps_of(path)]
    return [*of_workflows, *yaml_of("action.yml")["runs"]["steps"]]


def steps_of(path: Path) -> list[Any]:
    """Return the steps of a workflow's jobs."""
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


# --- Compose


def test_the_containers_of_compose_find_each_other(tmp_path: Path) -> None:
    """The mock's command serves, and the check container checks it in its own world."""
    services = yaml_of("deploy/compose.yaml")["services"]
    mock, check = services["mock"], services["check"]
    assert check["network_mode"] == "service:mock"
    assert check["depends_on"]["mock"]["condition"] == "service_healthy"
    assert check["build"]["args"] == {"EXTRAS": "[check]"}
    serve, *options = mock["command"]
    assert serve == "serve"

    served = MockProcess(*options, "--port=0", folder=tmp_path, environment=variables(mock))
    try:
        command = [argument.replace(":8080", f":{served.port}") for argument in check["command"]]
        run = subprocess.run(
            [COMMANDS / "crmcom-kit", *command, "--max-requests=60"],
            env={**os.environ, **variables(check)},
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        headers = {"X-Mock-Admin-Token": ADMIN_TOKEN}
        journal = httpx.get(f"{served.base}/__admin/requests", headers=headers).json()
    finally:
        assert served.stop() == 0
    assert run.returncode == 0, run.stdout + run.stderr
    assert "PASSED" in run.stdout
    assert journal["requests"] == []


def variables(service: Any) -> dict[str, str]:
    """Return a service's environment, with the defaults of all ${…} variables."""
    return {
        name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
        for name, value in service["environment"].items()
    }


def test_the_state_can_be_kept_in_a_volume() -> None:
    """Compose's second file mounts the image's folder.

    The folder belongs to the image's user, so a new volume belongs to that user.
    """
    added = yaml_of("deploy/compose.state.yaml")
    (mock,), (volume,) = added["services"].values(), added["volumes"]
    assert set(added["services"]) <= set(yaml_of("deploy/compose.yaml")["services"])
    assert mock["volumes"] == [f"{volume}:{STATE_FOLDER}"]
    assert mock["environment"] == {"CRMCOM_SERVE_STATE": f"{STATE_FOLDER}/world.state"}

    image = (ROOT / "Containerfile").read_text("utf-8")
    assert f"COPY --from=build --chown=10001:10001 {STATE_FOLDER} {STATE_FOLDER}\n" in image
    assert "USER 10001:10001\n" in image


# --- the GitHub action and the workflows


class Runner:
    """Runs shell steps as GitHub's runner does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output"
        self.summary = folder / "summary.md"

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script with its environment."""
        return subprocess.run(
            [tool("bash"), "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env={
                "PATH": f"{COMMANDS}{os.pathsep}{os.environ['PATH']}",
                "RUNNER_TEMP": str(self.folder),
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_OUTPUT": str(self.output),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                **environment,
            },
            check=False,
            capture_output=True,
            text=True,
        )


@pytest.fixture(name="runner")
def _runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def action_step(name: str) -> Any:
    """Return a step of the action."""
    steps = yaml_of("action.yml")["runs"]["steps"]
    return next(step for step in steps if step.get("name") == name)


def environment_of(step: Any, **inputs: str) -> dict[str, str]:
    """Return the environment of a step, with these inputs; others have their defaults."""
    declared = yaml_of("action.yml")["inputs"]
    defaults = {name: str(about.get("default", "")) for name, about in declared.items()}
    values = defaults | inputs
    return {
        name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], value)
        for name, value in step["env"].items()
    }


@pytest.fixture(name="checking")
def _checking(runner: Runner) -> Runner:
    """A runner on which the kit is installed as the action installs it."""
    installed = runner.folder / "crmcom-kit" / "bin"
    installed.mkdir(parents=True)
    (installed / "crmcom-kit").symlink_to(COMMANDS / "crmcom-kit")
    return runner


def test_the_action_checks_a_server_and_leaves_its_reports(checking: Runner) -> None:
    """A summary, three reports, and the status of the check, also if that is not 0."""
    served = MockProcess("--release=R15", "--port=0", folder=checking.folder)
    step = action_step("Check")
    inputs = {
        "base-url": f"{served.base}{API_PATH}",
        "release": "R15",
        "arguments": "--max-requests=20\n--rate=1000\n",
    }
    try:
        run = checking.run(step["run"], **environment_of(step, **inputs), **LOGIN)
    finally:
        served.stop()
    assert run.returncode == 3, run.stdout + run.stderr
    reports = checking.folder / "crmcom-reports"
    assert checking.output.read_text() == f"reports={reports}\n"
    names = {path.name for path in reports.iterdir()}
    assert names == {"junit.xml", "report.json", "contract.html"}
    assert json.loads((reports / "report.json").read_text("utf-8"))
    assert checking.summary.read_text("utf-8").splitlines()[1].startswith("INCONCLUSIVE")

    upload = yaml_of("action.yml")["runs"]["steps"][-1]
    assert upload["if"] == "always()"
    assert upload["with"]["path"] == "${{ runner.temp }}/" + reports.name


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "base-url is empty"),
        ({"base-url": "$(touch made)", "arguments": "`touch made`;touch made"}, "unexpected"),
        ({"base-url": "http://127.0.0.1:1", "arguments": "--rate 5"}, "--rate 5"),
    ],
)
def test_the_action_fails_where_nothing_was_checked(
    checking: Runner, inputs: dict[str, str], message: str
) -> None:
    step = action_step("Check")
    environment = environment_of(step, **{"release": "R15", **inputs})
    run = checking.run(step["run"], **environment, **LOGIN)
    assert run.returncode == 2, run.stdout + run.stderr
    assert message in run.stdout + run.stderr
    assert not (checking.folder / "made").exists()


def test_the_action_takes_each_line_as_one_argument(runner: Runner) -> None:
    """To the last one, which may narrow what is changed, with the blanks and quotes inside it."""
    command = runner.folder / "crmcom-kit" / "bin" / "crmcom-kit"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n', "utf-8")
    command.chmod(0o755)
    lines = ("--allow=delete", "", "  --scope=definition=Contract  tests \r", "--x=\"a 'b' \\ $c",
             "--scope=number=7")  # fmt: skip
    step = action_step("Check")

    run = runner.run(step["run"], **environment_of(step, arguments="\n".join(lines)))

    assert run.returncode == 0, run.stderr
    arguments = "<--allow=delete><--scope=definition=Contract  tests>"
    assert run.stdout.endswith(f"{arguments}<--x=\"a 'b' \\ $c><--scope=number=7>")


def test_a_release_is_made_of_a_tag_with_the_version(runner: Runner) -> None:
    version = subprocess.run(
        [COMMANDS / "crmcom-kit", "--version"], check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    (script,) = (
        step["run"]
        for step in steps_of(ROOT / ".github" / "workflows" / "release.yml")
        if step.get("name") == "The tag is the version"
    )
    (runner.folder / "src").symlink_to(ROOT / "src")
    assert runner.run(script, TAG=f"v{version}").returncode == 0
    for tag in (f"v{version}0", version, "v", ""):
        run = runner.run(script, TAG=tag)
        assert run.returncode == 1
        assert f"the tag is {tag}, and" in run.stderr
