"""The tests that docs/how-to/containers.md shows run; for Testcontainers there is a stand-in.

The stand-in has the members that the examples use, and starts the same command without a container.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.tools import FEWER_PLUGINS, tool

PYTHON_STAND_IN = """
import os, re, subprocess, sys

class DockerContainer:
    def __init__(self, image):
        assert image == "crmcom-kit:dev"
        self.environment = dict(os.environ)

    def with_command(self, command):
        self.command = command.split()
        return self

    def with_env(self, name, value):
        self.environment[name] = value
        return self

    def with_exposed_ports(self, *ports):
        assert ports == (8080,)
        return self

    def waiting_for(self, strategy):
        assert (strategy.port, strategy.path) == (8080, "/readyz")
        return self

    def __enter__(self):
        command = [sys.executable, "-m", "crmcom_kit", *self.command, "--port", "0"]
        options = {"env": self.environment, "stdout": subprocess.PIPE, "text": True}
        self.mock = subprocess.Popen(command, **options)
        line = self.mock.stdout.readline()
        self.port = re.match("READY http://127.0.0.1:([0-9]+)/", line)[1]

    def __exit__(self, *exception):
        self.mock.terminate()
        self.mock.communicate()

    def get_container_host_ip(self):
        return "localhost"

    def get_exposed_port(self, port):
        assert port == 8080
        return self.port
"""
PYTHON_STRATEGY = """
class HttpWaitStrategy:
    def __init__(self, port, path="/"):
        self.port, self.path = port, path
"""
NODE_STAND_IN = """
import assert from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";

export const Wait = { forHttp: (path, port) => `${path} ${port}` };

export class GenericContainer {
  constructor(image) { assert.equal(image, "crmcom-kit:dev"); }
  withCommand(command) { this.command = command; return this; }
  withEnvironment(environment) { this.environment = environment; return this; }
  withExposedPorts(port) { assert.equal(port, 8080); return this; }
  withWaitStrategy(strategy) { assert.equal(strategy, "/readyz 8080"); return this; }
  async start() {
    const env = { ...process.env, ...this.environment };
    const command = ["-m", "crmcom_kit", ...this.command, "--port", "0"];
    const stdio = ["ignore", "pipe", "ignore"];
    const mock = spawn(process.env.MOCK_PYTHON, command, { env, stdio });
    const [line] = await once(mock.stdout, "data");
    const port = /READY http:\\/\\/127.0.0.1:(\\d+)/.exec(line)[1];
    return {
      getHost: () => "localhost",
      getMappedPort: (inside) => (assert.equal(inside, 8080), port),
      stop: async () => { mock.kill(); await once(mock, "exit"); },
    };
  }
}
"""


@pytest.fixture(name="examples", scope="module")
def _examples(project_root: Path) -> dict[str, str]:
    """The examples by the names of their files."""
    text = (project_root / "docs/how-to/containers.md").read_text("utf-8")
    blocks = re.findall(r"```(?:py|js|java)\n(?:#|//) (\S+)\n(.*?)```", text, re.DOTALL)
    return dict(blocks)


def test_the_example_in_python_passes(examples: dict[str, str], tmp_path: Path) -> None:
    """Under pytest."""
    core = tmp_path / "testcontainers" / "core"
    core.mkdir(parents=True)
    (core / "container.py").write_text(PYTHON_STAND_IN)
    (core / "wait_strategies.py").write_text(PYTHON_STRATEGY)
    (tmp_path / "test_resend.py").write_text(examples["test_resend.py"])
    command = [sys.executable, "-m", "pytest", "-q", *FEWER_PLUGINS, "test_resend.py"]
    run = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout


def test_the_example_in_javascript_passes(examples: dict[str, str], tmp_path: Path) -> None:
    """Under Node.js's own test runner."""
    package = tmp_path / "node_modules" / "testcontainers"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"type": "module", "main": "index.js"}')
    (package / "index.js").write_text(NODE_STAND_IN)
    (tmp_path / "resend.test.mjs").write_text(examples["resend.test.mjs"])
    _pass_in_node(tmp_path, MOCK_PYTHON=sys.executable)


def _pass_in_node(folder: Path, **environment: str) -> None:
    """Run the one test in a folder under Node.js's own test runner; it must pass."""
    run = subprocess.run(
        [tool("node"), "--test"],
        cwd=folder,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    assert re.search(r"^\S+ pass 1$", run.stdout, re.MULTILINE)


def test_the_example_in_java_says_the_same_as_the_others(examples: dict[str, str]) -> None:
    """It is not run; image, command, environment, port and requests are those of the others."""
    java = examples["ResendTest.java"]
    others = {"test_resend.py", "resend.test.mjs"}
    assert set(examples) == others | {"ResendTest.java"}
    strings = {text.replace('\\"', '"') for text in re.findall(r'"((?:[^"\\]|\\.)*)"', java)}
    for said in (
        *("crmcom-kit:dev", "serve", "--release", "R15", "--token", "mytoken", "/readyz"),
        *("CRMCOM_ADMIN_TOKEN", "for-tests-only", "X-Mock-Admin-Token", "/__admin/reset"),
        "/crmapi/rest/v2/webhook_requests/resend",
        '{"token": "mytoken", "webhook_request_identifier": {"number": "7"}}',
    ):
        assert said in strings
    assert ".withExposedPorts(8080)" in java
