"""Connections with a deadline: slow drops do not move it, bytes are bounded, any thread may cut."""

import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import httpcore
import pytest
from helpers.patience import PATIENCE

from crmcom_kit.deadline_streams import Deadline, DeadlineBackend, DeadlineStream, TooManyBytes


class SlowPeer(httpcore.NetworkStream):
    """A peer that takes a second for each byte, and notes how long it may take."""

    def __init__(self) -> None:
        self.time = 0.0
        self.is_closed = False
        self.allowed: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del max_bytes
        self.allowed.append(timeout)
        self.time += 1
        return b"x"

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.allowed.append(timeout)
        self.time += len(buffer)

    def close(self) -> None:
        self.is_closed = True

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        del ssl_context, server_hostname
        self.allowed.append(timeout)
        return self

    def get_extra_info(self, info: str) -> Any:
        return info


@pytest.fixture(name="peer")
def _peer() -> SlowPeer:
    return SlowPeer()


def test_the_deadline_covers_all_steps(peer: SlowPeer) -> None:
    """Each step gets what is left of the whole time, or its own timeout if that is shorter."""
    deadline = Deadline(5, lambda: peer.time)
    stream = DeadlineStream(peer, deadline)

    for _ in range(3):
        stream.read(10, 30)
    stream.write(b"y", 0.5)
    assert stream.start_tls(ssl.create_default_context()) is stream
    assert peer.allowed == [5, 4, 3, 0.5, 1]
    stream.read(10)
    for timeout_error, step in (
        (httpcore.ReadTimeout, lambda: stream.read(1)),
        (httpcore.WriteTimeout, lambda: stream.write(b"z")),
        (httpcore.ConnectTimeout, lambda: stream.start_tls(ssl.create_default_context())),
        (httpcore.ConnectTimeout, lambda: DeadlineBackend(deadline).connect_tcp("127.0.0.1", 1)),
    ):
        with pytest.raises(timeout_error, match="not finished within 5 s"):
            step()
    deadline.restart()
    assert stream.read(1) == b"x"
    stream.close()
    assert peer.is_closed


def test_bytes_are_bounded(peer: SlowPeer) -> None:
    stream = DeadlineStream(peer, Deadline(100, lambda: peer.time), max_bytes=3)

    assert b"".join(stream.read(1) for _ in range(3)) == b"xxx"
    with pytest.raises(TooManyBytes):
        stream.read(1)
    assert stream.get_extra_info("server_addr") == "server_addr"


@pytest.fixture(name="listening")
def _listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_a_cut_ends_a_read_of_another_thread(listening: socket.socket) -> None:
    backend = DeadlineBackend(Deadline(60))
    stream = backend.connect_tcp("127.0.0.1", listening.getsockname()[1])
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(stream.read(1)))
    thread.start()
    thread.join(0.05)

    stream.cut()
    thread.join(PATIENCE)

    assert found == [b""]
    stream.close()
