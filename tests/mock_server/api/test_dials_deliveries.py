"""Each dial of real deliveries does what it says, to receivers on loopback."""

import socket
import threading
from typing import Any

import pytest
from helpers.receivers import listening

from crmcom_kit.mock_server.deliveries.allowed_hosts import AllowedHosts
from crmcom_kit.mock_server.deliveries.http_delivery import HttpDelivery
from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage
from crmcom_kit.schemas import Dialect


def _slow(connection: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
        threading.Event().wait(0.01)
        connection.sendall(bytes([byte]))


@pytest.mark.parametrize(("limit", "outcome"), [(50, "timeout"), (30_000, "success")])
def test_a_delivery_may_take_so_long(limit: int, outcome: str) -> None:
    """A receiver that responds byte by byte has the time of the dial, and no more."""
    sender = HttpDelivery(Dialect("probe", {"delivery.timeout": limit}), AllowedHosts())
    with listening(_slow) as receiver:
        assert sender.send(OutgoingMessage(receiver.url, b"{}", None)).name == outcome


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
