"""The test that docs/how-to/containers.md shows runs; for Testcontainers there is a stand-in.

The stand-in has the members that the example uses, and starts the same command without a container.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from helpers.tools import FEWER_PLUGINS, PATIENT

SOUND_SERVER = """
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
STRATEGY = """
class HttpWaitStrategy:
    def __init__(self, port, path="/"):
        self.port, self.path = port, path
"""


def test_the_example_passes(project_root: Path, tmp_path: Path) -> None:
    text = (project_root / "docs/how-to/containers.md").read_text("utf-8")
    (example,) = re.findall(r"```py\n# test_resend.py\n(.*?)```", text, re.DOTALL)
    core = tmp_path / "testcontainers" / "core"
    core.mkdir(parents=True)
    (core / "container.py").write_text(SOUND_SERVER)
    (core / "wait_strategies.py").write_text(STRATEGY)
    (tmp_path / "test_resend.py").write_text(example)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *FEWER_PLUGINS, *PATIENT, "test_resend.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{project_root / 'tests'}"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout
