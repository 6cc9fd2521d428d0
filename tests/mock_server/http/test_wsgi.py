"""The mock under another WSGI server: what ``create_app`` returns."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=number%3D7"
GUNICORN = str(Path(sys.executable).with_name("gunicorn"))
#: As the documentation shows it.
FLAGS = ["--workers", "1", "--threads", "64", "--bind", "127.0.0.1:0"]
APP = "crmcom_kit.mock_server:create_app(release='R10', tokens=['T'])"


@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn is not installed there")
def test_it_serves_under_another_server(start_server: Any) -> None:
    server = start_server(command=(GUNICORN, *FLAGS, APP), stderr=subprocess.STDOUT)
    while "Listening at: " not in server.first_line:
        assert server.process.poll() is None
        server.first_line = server.process.stdout.readline().replace(" (", "/ (")

    def received(*headers: str) -> bytes:
        lines = (f"GET {SHOW} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", "")
        response: bytes = server.sent("\r\n".join(lines).encode())
        return response

    body = {"token": "T", "webhook_request_identifier": {"number": "14"}}
    assert server.ask("GET", SHOW)[1]["data"]["number"] == "7"
    deleted = server.ask("POST", f"{API_PATH}/webhook_requests/delete", body)[1]
    assert deleted["data"]["number"] == "14"
    health = server.ask("GET", "/__admin/health")[1]
    assert (health["release"], health["webhook_requests"]) == ("R10.0.0", 121)

    for effect in ({"drop": True}, {"cut": 20}):
        assert server.ask("POST", "/__admin/faults", {"effect": effect, "times": 1})[0] == 201
    assert received() == b""
    cut = received().partition(b"\r\n\r\n")[2]
    assert len(cut) == 20
    assert b" 403 " in received("Origin: http://evil.example")
    assert server.end(signal.SIGTERM)[0] == 0
