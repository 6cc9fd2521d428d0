"""What a request waits for, and what ends a wait."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from helpers.clocks import FixedClock
from helpers.receivers import During

from crmcom_kit.mock_server.api.dispatch import handle
from crmcom_kit.mock_server.api.waits import Waits
from crmcom_kit.mock_server.clock import IsOver, SystemClock, WorldClock
from crmcom_kit.mock_server.http.asgi_shell import WaitsOnLoop
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.world.factory import make_world

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def request_of(name: str) -> Request:
    """Return a request of a method about record 7, which may be resent."""
    path = f"webhook_requests/{name}"
    if name == "show":
        return Request("GET", path, b"token=T&webhook_request_identifier=number=7")
    body = b'{"token":"T","webhook_request_identifier":{"number":"7"}}'
    return Request("POST", path, body=body)


class Recorded(Waits):
    """Waits that only note what a request asks for; a sleep is over at once."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def sleep(self, clock: WorldClock, seconds: float, until: IsOver) -> None:
        """Note the seconds."""
        del clock, until
        self.asked.append(seconds)

    async def call(self, function: Callable[[], Any]) -> Any:
        """Note the function's name, and call it."""
        self.asked.append(function.__name__)
        return function()


@pytest.mark.parametrize(
    ("method", "options", "faults", "asked"),
    [
        ("show", {}, [], []),
        ("resend", {}, [], []),  # a scripted delivery
        ("delete", {}, [], []),
        ("resend", {"delivery": During(bool)}, [], ["start"]),  # which a shell may do in a thread
        ("show", {}, [{"effect": {"delay": 60}}], [60]),
    ],
)
def test_only_real_deliveries_and_delays_wait(
    method: str, options: Any, faults: list[Any], asked: list[Any]
) -> None:
    """What a request waits for is left to its shell."""
    world, waits = make_world(tokens=["T"], clock=FixedClock(NOON), **options), Recorded()
    for fault in faults:
        world.current_epoch.faults.add(fault)
    response = asyncio.run(handle(world, request_of(method), waits))
    assert (response.status, waits.asked) == (200, asked)


@pytest.mark.parametrize("change", ["freeze", "advance", "until"])
def test_a_sleep_on_the_loop_ends_early(change: str) -> None:
    """A frozen or moved clock and the end of the epoch wake it."""
    clock, until = WorldClock(SystemClock()), threading.Event()
    changes: dict[str, Callable[[], Any]] = {
        "freeze": clock.freeze,
        "advance": partial(clock.advance, 3_600),
        "until": until.set,
    }

    async def wait() -> None:
        waiting = asyncio.create_task(WaitsOnLoop(None).sleep(clock, 600, until.is_set))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await asyncio.to_thread(changes[change])
        await asyncio.wait_for(waiting, 20)

    asyncio.run(wait())
