"""The way of a request: what it waits for, and that the journal always has it."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from crmcom_kit.mock_server.api.dispatch import handle
from crmcom_kit.mock_server.clock import FixedClock, IsOver, SystemClock, WorldClock
from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage
from crmcom_kit.mock_server.deliveries.outcomes import Outcome, outcome_of
from crmcom_kit.mock_server.http.asgi_shell import WaitsOnLoop
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.store.records import Query
from crmcom_kit.mock_server.world.factory import make_world
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas.methods import methods

TOKEN = "token-of-the-tests"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Receiver:
    """A delivery that is not scripted."""

    def send(self, message: OutgoingMessage) -> Outcome:
        """Take everything."""
        return outcome_of("success", message.url, 200)

    def reset(self) -> None:
        """Do nothing."""


def request_of(world: World, name: str, number: str) -> Request:
    """Return a request of a method about the record of that number."""
    method = methods(world.config.release)[name]
    if method.verb == "GET":
        query = f"token={TOKEN}&webhook_request_identifier=number={number}".encode()
        return Request("GET", method.path, query)
    body = f'{{"token":"{TOKEN}","webhook_request_identifier":{{"number":"{number}"}}}}'
    return Request("POST", method.path, body=body.encode())


def world_of(**options: object) -> World:
    """Return a world with one fixed token."""
    return make_world(tokens=[TOKEN], clock=FixedClock(NOON), **options)  # type: ignore[arg-type]


def rejected(world: World) -> str:
    """Return the number of a record that may be resent."""
    (body,) = world.current_epoch.store.query(Query((), states=frozenset({"REJECTED"}), limit=1))
    return str(orjson.loads(body)["number"])


class Recorded:
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
        ("resend", {"delivery": Receiver()}, [], ["start"]),  # which a shell may do in a thread
        ("show", {}, [{"effect": {"delay": 60}}], [60]),
    ],
)
def test_only_real_deliveries_and_delays_wait(
    method: str, options: Any, faults: list[Any], asked: list[Any]
) -> None:
    """What a request waits for is left to its shell."""
    world, waits = world_of(**options), Recorded()
    for fault in faults:
        world.current_epoch.faults.add(fault)
    response = asyncio.run(handle(world, request_of(world, method, rejected(world)), waits))
    assert (response.status, waits.asked) == (200, asked)


@pytest.mark.parametrize("change", ["freeze", "advance", "until"])
def test_a_sleep_on_the_loop_ends_early(change: str) -> None:
    """A frozen or moved clock and the end of the epoch wake it."""
    clock, until = WorldClock(SystemClock()), threading.Event()
    changes = {
        "freeze": clock.freeze,
        "advance": lambda: clock.advance(3_600),
        "until": until.set,
    }

    async def wait() -> None:
        waiting = asyncio.create_task(WaitsOnLoop(None).sleep(clock, 600, until.is_set))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await asyncio.to_thread(changes[change])
        await asyncio.wait_for(waiting, 20)

    asyncio.run(wait())
