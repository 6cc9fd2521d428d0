"""What goes wrong on purpose."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.clock import WorldClock
from crmcom_kit.mock_server.reading import RawRequest
from crmcom_kit.mock_server.wire import Answer

if TYPE_CHECKING:
    from crmcom_kit.mock_server.epoch import Epoch


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    name: str

    def applied(
        self,
        epoch: "Epoch",
        request: RawRequest,
        answer_to: Callable[["Epoch", RawRequest], Answer],
    ) -> Answer:
        """Return what the caller gets in the place of the answer."""
        return answer_to(epoch, request)


class Faults:
    """The faults of one world."""

    __slots__ = ("_clock", "_name", "_seed", "armed")

    def __init__(self, seed: int, name: str, clock: WorldClock) -> None:
        """Start without any."""
        self._seed, self._name, self._clock = seed, name, clock
        self.armed = False

    def strike(self, epoch: "Epoch", request: RawRequest) -> Fault | None:
        """Return the fault that hits this call."""
        del epoch, request
        return None
