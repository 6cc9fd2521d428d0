"""One call of the control API, as its operations see it."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Generic, NamedTuple, TypeVar

from crmcom_kit.mock_server.clock import IsOver
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import World

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

#: Where an environ has a function that says whether the client has closed its side.
CLIENT_LEFT = "crmcom_kit.client_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call, whose parameters and body are the arguments of its operation."""

    registry: WorldRegistry
    world: World
    epoch: Epoch  # the world's current one when the call began
    over: IsOver  # the server stops, or the client has left: it must not wait any more
    verb: str
    headers: "Headers"
    root: str  # the part of the path that names the world
    origin: str  # scheme, host and port of the server, as the client wrote them
    stream: IO[bytes]  # the body, if the operation reads it

    def may_send(self) -> AbstractContextManager[None]:
        """Take a slot for a call in which the mock may really send, and wait for the receiver.

        Entering it raises LimitExceeded: else such calls may take all threads of the server, and
        leave none to the built-in receiver.
        """
        return self.registry.waiting() if self.epoch.sends else nullcontext()


Payload = TypeVar("Payload")


class Reply(NamedTuple, Generic[Payload]):
    """A response that is more than a JSON value with the status of its operation."""

    payload: Payload  # a JSON value; or bytes, or an iterator of bytes, sent unchanged
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
