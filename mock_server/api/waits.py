"""How a request waits. The shell that handles it decides: in its thread, or on its event loop."""

from collections.abc import Callable
from typing import TypeVar

from crmcom_kit.mock_server.clock import IsOver, WorldClock

_T = TypeVar("_T")


class Waits:
    """The two things that a request may have to wait for: here in its thread."""

    async def sleep(self, clock: WorldClock, seconds: float, until: IsOver) -> None:
        """Return when ``seconds`` of the world's time have passed.

        The sleep ends early when the world's clock is frozen or moved on, and when ``until``
        returns True.
        """
        clock.sleep(seconds, until)

    async def call(self, function: Callable[[], _T]) -> _T:
        """Return what ``function`` returns, which may take long: a delivery over the network."""
        return function()
