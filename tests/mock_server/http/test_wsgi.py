"""The mock under another WSGI server: what ``create_app`` returns."""

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
#: As the documentation shows it.
COMMAND = "gunicorn --workers 1 --threads 64 --bind 127.0.0.1:{}"
APP = "crmcom_kit.mock_server:create_app(release='R10', tokens=['T'])"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn is not installed there")


class Running:
    """The mock under another server."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        program, *options = COMMAND.format(port).split()
        environ = {**os.environ, "HTTP_PROXY": "http://me:hush@proxy.example"}
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name(program)), *options, APP],
                env=environ,
                stdout=out,
                stderr=out,
                start_new_session=True,  # gunicorn has children of its own
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


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """The mock under gunicorn."""
    with reserved_port() as port:
        found = Running(port, tmp_path / "log")
        yield found
        os.killpg(found.process.pid, signal.SIGKILL)
        found.process.wait(20)


def test_it_serves_under_another_server(running: Running) -> None:
    """API, control API and faults work on one world."""
    body = {"token": "T", "webhook_request_identifier": {"number": "14"}}
    assert running.ask("GET", SHOW)["data"]["number"] == "7"
    assert running.ask("POST", f"{API_PATH}/webhook_requests/delete", body)["data"]
    health = running.ask("GET", "/__admin/health")
    assert (health["release"], health["webhook_requests"]) == ("R10.0.0", 121)

    assert running.received(SHOW, "X-Mock-Prefer: fault=drop") == b""
    cut = running.received(SHOW, "X-Mock-Prefer: cut=20").partition(b"\r\n\r\n")[2]
    assert len(cut) == 20
    assert b" 403 " in running.received(SHOW, "Origin: http://evil.example")

    calls = running.ask("GET", "/__admin/requests")["requests"]
    assert "hush" not in json.dumps(calls)
