"""The mock under other WSGI servers: ``crmcom_kit.mock_server.wsgi:app``."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from helpers.mock_processes import reserved_port

from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=number%3D7"
APP = "crmcom_kit.mock_server.wsgi:app"
#: As the documentation shows them.
COMMANDS = {
    "granian": "granian --interface wsgi --no-ws --workers 1 --host 127.0.0.1 --port {} {}",
    "gunicorn": "gunicorn --workers 1 --threads 32 --bind 127.0.0.1:{} {}",
}

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="neither granian nor gunicorn is installed there"
)


class Running:
    """The mock under another server."""

    def __init__(self, name: str, port: int, log: Path) -> None:
        self.port = port
        command = COMMANDS[name].format(port, APP).split()
        environ = {
            **os.environ,
            "CRMCOM_SERVE_TOKEN": "T",
            "CRMCOM_SERVE_RELEASE": "R10",
            "HTTP_PROXY": "http://me:hush@proxy.example",
        }
        self.name = name
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name(command[0])), *command[1:]],
                env=environ,
                stdout=out,
                stderr=out,
                start_new_session=True,  # granian and gunicorn have children of their own
            )
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    def ask(self, verb: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON that a request is answered with."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with closing(connection):
            connection.request(verb, path, None if body is None else json.dumps(body), headers)
            return json.load(connection.getresponse())

    def received(self, path: str, header: str) -> bytes:
        """All that comes until the connection ends."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n"
            connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.fixture(params=COMMANDS)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """The mock under each of the servers."""
    with reserved_port() as port:
        found = Running(request.param, port, tmp_path / "log")
        yield found
        os.killpg(found.process.pid, signal.SIGKILL)
        found.process.wait(20)


def test_it_serves_under_other_servers(running: Running) -> None:
    """API, control API and faults work on one world that the environment configures."""
    body = {"token": "T", "webhook_request_identifier": {"number": "14"}}
    assert running.ask("GET", SHOW)["data"]["number"] == "7"
    assert running.ask("POST", f"{API_PATH}/webhook_requests/delete", body)["data"]
    health = running.ask("GET", "/__admin/health")
    assert (health["release"], health["webhook_requests"]) == ("R10.0.0", 121)

    dropped = running.received(SHOW, "X-Mock-Prefer: fault=drop")
    assert dropped == b"" or (running.name == "granian" and b" 500 " in dropped)
    cut = running.received(SHOW, "X-Mock-Prefer: cut=20").partition(b"\r\n\r\n")[2]
    assert len(cut) in ((20,) if running.name == "gunicorn" else (0, 20))  # granian may lose it
    assert b" 403 " in running.received(SHOW, "Origin: http://evil.example")

    calls = running.ask("GET", "/__admin/requests")["requests"]
    assert "hush" not in json.dumps(calls)


def test_a_mistake_in_the_environment_is_named() -> None:
    """What cannot be served is refused when a server loads the application."""
    done = subprocess.run(
        [sys.executable, "-c", "import crmcom_kit.mock_server.wsgi"],
        env={**os.environ, "CRMCOM_SERVE_RELEASE": "R8"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "release: R8 is older than R9.0.0" in done.stderr
