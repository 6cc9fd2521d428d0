"""What a request has to wait for. The shell that dispatches it decides how to wait."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

from crmcom_kit.mock_server.clock import Flag, WorldClock

_POLL_SECONDS = 0.5  # how often a waiting request looks whether it should stop


class Delay(NamedTuple):
    """A time of the world that must pass before the request goes on.

    It ends early when the world's clock is frozen or moved on, and when ``until`` is set.
    """

    seconds: float  # of the world's time
    clock: WorldClock
    until: Flag

    def block(self) -> None:
        """Wait in this thread."""
        self.clock.sleep(self.seconds, self.until)

    async def wait(self) -> None:
        """Wait on the running event loop, without a thread."""
        import asyncio  # the shells without an event loop do not need it to start

        changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        end = self.clock.now() + timedelta(seconds=self.seconds)
        with self.clock.watched(lambda: loop.call_soon_threadsafe(changed.set)):
            while not self.until.is_set() and (left := self.clock.seconds_until(end)) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), min(left, _POLL_SECONDS))
                changed.clear()


class Blocking(NamedTuple):
    """A call that may take long, such as a delivery over the network.

    A shell with an event loop makes it in a thread. What it returns goes back into the request.
    """

    call: Callable[[], Any]

    def block(self) -> Any:
        """Make the call in this thread; raise what it raises."""
        return self.call()


Wait = Delay | Blocking
