"""How a request waits. The shell that handles it decides: in its thread, or on its event loop."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from crmcom_kit.mock_server.clock import IsOver, WorldClock

_T = TypeVar("_T")


class Waits(Protocol):
    """The two things that a request may have to wait for."""

    async def sleep(self, clock: WorldClock, seconds: float, until: IsOver) -> None:
        """Return when ``seconds`` of the world's time have passed.

        The sleep ends early when the world's clock is frozen or moved on, and when ``until``
        returns True.
        """
        ...

    async def call(self, function: Callable[[], _T]) -> _T:
        """Return what ``function`` returns, which may take long: a delivery over the network."""
        ...


class WaitsInThread:
    """Waits in the thread of the request: nothing is ever suspended."""

    async def sleep(self, clock: WorldClock, seconds: float, until: IsOver) -> None:
        """Sleep."""
        clock.sleep(seconds, until)

    async def call(self, function: Callable[[], _T]) -> _T:
        """Call ``function``."""
        return function()
