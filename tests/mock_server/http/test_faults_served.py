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


def hit_once(server: Any, effect: dict[str, Any], **members: Any) -> None:
    """Let a fault hit the next request."""
    status, _ = server.ask("POST", "/__admin/faults", {"effect": effect, "times": 1, **members})
    assert status == 201


@pytest.mark.parametrize(
    ("effect", "when"),
    [
        ({"drop": True}, "before_commit"),
        ({"drop": True}, "after_commit"),
        ({"drop": True, "delay": 0.03}, "before_commit"),
    ],
)
def test_a_drop_sends_nothing(server: Any, effect: dict[str, Any], when: str) -> None:
    """Not a byte comes, the connection ends, and the server serves the next client."""
    hit_once(server, effect, when=when)
    assert server.sent(get()) == b""
    assert server.ask("GET", SHOW)[1]["data"]["number"] == "7"


def test_a_cut_sends_head_and_some_bytes(server: Any) -> None:
    """Status line and the whole length come, then so many bytes, then the end."""
    whole = server.sent(get("Connection: close")).partition(b"\r\n\r\n")[2]

    hit_once(server, {"cut": 500})
    head, _, body = server.sent(get()).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: %d\r\n" % len(whole) in head.lower()
    assert body == whole[:500]


def test_a_drop_keeps_earlier_responses_of_the_connection(server: Any) -> None:
    """A drop ends the connection behind the responses that are due before it."""
    hit_once(server, {"drop": True}, match={"nth": 2})
    received = server.sent(get() + get() + get())

    assert received.count(b"HTTP/1.1") == 1
    body = received.partition(b"\r\n\r\n")[2]
    assert json.loads(body)["data"]["number"] == "7"


def test_the_log_names_the_fault_and_the_ending(peer: Any) -> None:
    """Each call has its line, with the fault and how the response ended; there is no traceback."""
    out = io.StringIO()
    log = AccessLog(out, form="json", clock=SystemClock())
    world = make_world(tokens=["T"])
    with running(AsgiShell(WorldRegistry(world), log=log)) as port:
        for effect in ({"drop": True}, {"cut": 7}, {"status": 503}):
            world.faults.add({"effect": effect, "times": 1})
            peer(port).sent(get("Connection: close"))
    log.flush()

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    facts = [(e["fault"], e["status"], e["bytes"], e.get("ending")) for e in lines]
    assert facts[:2] == [
        ("fault-1 (drop)", 0, 0, "dropped"),
        ("fault-2 (cut)", 200, 7, "cut"),
    ]
    assert facts[2][::3] == ("fault-3 (status 503)", None)
