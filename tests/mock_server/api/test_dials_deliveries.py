"""Each dial of real deliveries does what it says, to receivers on loopback."""

import socket
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import httpcore
import pytest
from helpers.receivers import listening

from crmcom_kit.mock_server.deliveries.allowed_hosts import AllowedHosts
from crmcom_kit.mock_server.deliveries.http_delivery import HttpDelivery, tcp_connect
from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage
from crmcom_kit.schemas import Dialect

SHORT, LONG, LONGER = 50, 20_000, 30_000
CONNECTING = (1, 5_000, 20_000)


def sent(dialect: Dialect, url: str, connect: Any = tcp_connect) -> str:
    """Send to a URL and return the outcome's name."""
    return (
        HttpDelivery(dialect, AllowedHosts(), connect=connect)
        .send(OutgoingMessage(url, b"{}", None))
        .name
    )


def connecting_time(dialect: Dialect) -> int:
    """Which of the tried times a receiver has to accept, in milliseconds, less what has passed."""
    allowed: list[float] = []

    def connect(address: str, port: int, seconds: float) -> httpcore.NetworkStream:
        del address, port
        allowed.append(seconds)
        raise httpcore.ConnectTimeout

    assert sent(dialect, "http://127.0.0.1/", connect) == "connect_timeout"
    return min(CONNECTING, key=lambda tried: abs(tried - allowed[0] * 1000))


def _late(connection: socket.socket) -> None:
    threading.Event().wait(0.4)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def _slow(connection: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
        threading.Event().wait(0.01)
        connection.sendall(bytes([byte]))


def to(handle: Callable[[socket.socket], None]) -> Callable[[Dialect], str]:
    """Return what sends to a receiver that does ``handle``."""

    def see(dialect: Dialect) -> str:
        with listening(handle) as receiver:
            return sent(dialect, receiver.url)

    return see


class Probe(NamedTuple):
    """How a dial shows, and what is seen for each of its values."""

    see: Callable[[Dialect], Any]
    seen: Mapping[Any, Any]
    besides: Mapping[str, Any] = MappingProxyType({})


PROBES = {
    "delivery.connect_timeout": Probe(
        connecting_time, {ms: ms for ms in CONNECTING}, {"delivery.overall_timeout": 600_000}
    ),
    "delivery.read_timeout": Probe(to(_late), {SHORT: "timeout", LONG: "success"}),
    "delivery.overall_timeout": Probe(to(_slow), {SHORT: "timeout", LONGER: "success"}),
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, probe in PROBES.items() for value in probe.seen]
)
def test_a_dial_does_what_it_says(key: str, value: Any) -> None:
    """Set to each of its values, a dial makes the difference that the probe expects."""
    probe = PROBES[key]

    assert probe.see(Dialect("probe", {**probe.besides, key: value})) == probe.seen[value]


@pytest.mark.parametrize(
    ("value", "states"),
    [("synchronous", ["SUCCESSFUL", "SUCCESSFUL"]), ("queued", ["REJECTED", "SUCCESSFUL"])],
)
def test_resend_answers_after_its_delivery_or_before(
    make_mock: Any, value: str, states: list[str]
) -> None:
    """The dial resend.delivery decides with which state it answers, and not what comes of it."""
    mock = make_mock(dialect=Dialect("probe", {"resend.delivery": value}))
    answered = mock.resend().data["life_cycle_state"]

    waited = mock.client.post("/__admin/wait", json={"delivery": True, "timeout": 20})
    assert waited.status_code == 200
    assert [answered, mock.show().data["life_cycle_state"]] == states
