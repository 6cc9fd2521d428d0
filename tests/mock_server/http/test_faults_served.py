"""Faults on real connections: what a client's socket sees."""

import io
import json
from typing import Any

import pytest
from helpers.serving import running

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.clock import SystemClock
from crmcom_kit.mock_server.http.access_log import AccessLog
from crmcom_kit.mock_server.http.asgi_shell import AsgiShell
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=number=7"


def get(*headers: str) -> bytes:
    return "\r\n".join([f"GET {SHOW} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


@pytest.mark.parametrize("prefer", ["fault=drop", "fault=lost_response", "delay=0.03,fault=drop"])
def test_a_drop_sends_nothing(server: Any, prefer: str) -> None:
    """Not a byte comes, the connection ends, and the server serves the next client."""
    assert server.sent(get(f"X-Mock-Prefer: {prefer}")) == b""
    assert server.ask("GET", SHOW)[1]["data"]["number"] == "7"


def test_a_cut_sends_head_and_some_bytes(server: Any) -> None:
    """Status line and the whole length come, then so many bytes, then the end."""
    whole = server.sent(get("Connection: close")).partition(b"\r\n\r\n")[2]

    head, _, body = server.sent(get("X-Mock-Prefer: cut=500")).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: %d\r\n" % len(whole) in head.lower()
    assert body == whole[:500]


def test_a_drop_keeps_earlier_responses_of_the_connection(server: Any) -> None:
    """A drop ends the connection behind the responses that are due before it."""
    received = server.sent(get() + get("X-Mock-Prefer: fault=drop") + get())

    assert received.count(b"HTTP/1.1") == 1
    body = received.partition(b"\r\n\r\n")[2]
    assert json.loads(body)["data"]["number"] == "7"


def test_the_log_names_the_fault_and_the_ending(peer: Any) -> None:
    """Each call has its line, with the fault and how the response ended; there is no traceback."""
    out = io.StringIO()
    log = AccessLog(out, form="json", clock=SystemClock())
    with running(AsgiShell(WorldRegistry(make_world(tokens=["T"])), log=log)) as port:
        for prefer in ("fault=drop", "cut=7", "status=503"):
            peer(port).sent(get(f"X-Mock-Prefer: {prefer}", "Connection: close"))
    log.flush()

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    facts = [(e["fault"], e["status"], e["bytes"], e.get("ending")) for e in lines]
    assert facts[:2] == [
        ("prefer (fault=drop)", 0, 0, "dropped"),
        ("prefer (cut=7)", 200, 7, "cut"),
    ]
    assert facts[2][::3] == ("prefer (status=503)", None)
