"""One call of the control API, as its operations see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

from crmcom_kit.mock_server.clock import Flag
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import World

#: Where an environ has a function that says whether the client has closed its side.
CLIENT_LEFT = "crmcom_kit.client_left"


class Over:
    """Set when nobody is to wait any more: the server ends, or the caller has left."""

    def __init__(self, closing: Flag, left: Callable[[], bool]) -> None:
        """Be set with ``closing``, or where ``left`` says that the caller has."""
        self._closing = closing
        self._left = left

    def is_set(self) -> bool:
        """Whether it is."""
        return self._closing.is_set() or self._left()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What was asked: all of it is checked already."""

    registry: WorldRegistry
    world: World
    epoch: Epoch  # of the world, when the call began
    over: Flag  # set when it is not to wait any more
    path: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    stream: IO[bytes] | None = None  # the body as it comes in, where the operation reads it itself
    verb: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    root: str = ""  # what of the path names the world
    last_event_id: str = ""  # where a stream of events is to go on
    origin: str = ""  # scheme, host and port of the server, as the caller wrote them


class Reply(NamedTuple):
    """An answer that is more than a JSON value with status 200."""

    payload: Any  # a JSON value; or bytes, or an iterator of them, as they stand
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
