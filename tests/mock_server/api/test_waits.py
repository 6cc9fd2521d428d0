"""What ends the wait of a request that is held back."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from helpers.patience import PATIENCE

from crmcom_kit.mock_server.clock import SystemClock, WorldClock
from crmcom_kit.mock_server.http.asgi_shell import WaitsOnLoop


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
        await asyncio.wait_for(waiting, PATIENCE)

    asyncio.run(wait())
