"""Callers who leave give their waiting place back: nobody else is kept from waiting."""

import json
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from helpers.patience import comes
from helpers.serving import origin_of

from crmcom_kit.mock_server import crmcom_mock

LONG = 200  # seconds; nobody of these is served in a test's time
WAIT = json.dumps({"operation": "delete", "timeout": LONG})
ASKED = {
    "wait": f"POST /__admin/wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(WAIT)}"
    f"\r\n\r\n{WAIT}".encode(),
    "events": b"GET /__admin/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


def asked(server: Any, request: bytes) -> socket.socket:
    """A connection over which something is asked that takes long."""
    connection: socket.socket = server.connect()
    connection.sendall(request)
    return connection


@contextmanager
def full(server: Any, request: bytes) -> Iterator[list[socket.socket]]:
    """Ask until there is no place left."""
    with ExitStack() as stack:
        callers: list[socket.socket] = []
        while comes(lambda: may_wait(server), seconds=0.5):  # those who left may still have some
            callers.append(stack.enter_context(asked(server, request)))
        yield callers


def may_wait(server: Any) -> bool:
    """Return whether there is a place for one more."""
    status, _ = server.ask("POST", "/__admin/wait", {"operation": "delete", "timeout": 0.001})
    assert status in (408, 503)
    return bool(status == 408)


@pytest.mark.parametrize("what", ASKED)
def test_a_disconnected_wait_frees_its_place(server: Any, what: str) -> None:
    """Who stops waiting, or listening to events, makes room before long."""
    with full(server, ASKED[what]):
        pass

    assert comes(lambda: may_wait(server))


def test_a_half_closed_connection_gets_its_response(server: Any) -> None:
    """A caller who sends no more may still read: the wait ends with a response."""
    response = server.sent(ASKED["wait"])

    assert response.startswith(b"HTTP/1.1 408 ")
    body = json.loads(response.partition(b"\r\n\r\n")[2])
    assert (body["ok"], body["why"]) == (False, "closing")


def test_a_connected_wait_keeps_its_place(peer: Any) -> None:
    """A caller who is there keeps its place, also where it has sent its next request."""
    with crmcom_mock() as mock:  # which those who have left elsewhere don't hold up
        server = peer(int(origin_of(mock).rpartition(":")[2]))
        with full(server, ASKED["wait"]) as connections:
            for connection in connections:
                connection.sendall(b"GET /__admin/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert not comes(lambda: may_wait(server), seconds=1)


def test_an_early_disconnect_logs_nothing(start_server: Any) -> None:
    """At once or amid long responses: the operator can do nothing about clients that go."""
    server = start_server("--log", "off")
    for _ in range(20):
        with server.connect() as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    asked = b"GET /__admin/state HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20
    for _ in range(2):
        with ExitStack() as stack:
            connections = [stack.enter_context(server.connect()) for _ in range(10)]
            for connection in connections:
                connection.sendall(asked)
            for connection in connections:
                assert connection.recv(1)

    assert server.end(signal.SIGTERM)[::2] == (0, "")
