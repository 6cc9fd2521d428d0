"""One call of the control API, as its operations see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from crmcom_kit.mock_server.clock import Flag
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import World

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

#: Where an environ has a function that says whether the client has closed its side.
CLIENT_LEFT = "crmcom_kit.client_left"


class CancelToken:
    """Set when a waiting call must end: the server stops, or the client has left."""

    def __init__(self, closing: Flag, left: Callable[[], bool]) -> None:
        """Be set if ``closing`` is, or if ``left`` returns True."""
        self._closing = closing
        self._left = left

    def is_set(self) -> bool:
        """Return True once it is set."""
        return self._closing.is_set() or self._left()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call whose path, query and body are checked already."""

    registry: WorldRegistry
    world: World
    epoch: Epoch  # the world's current one when the call began
    over: Flag  # set when it must stop waiting
    path: dict[str, Any]
    query: dict[str, Any]
    verb: str
    headers: "Headers"
    root: str  # the part of the path that names the world
    origin: str  # scheme, host and port of the server, as the client wrote them
    body: Any = None
    stream: IO[bytes] = field(default_factory=BytesIO)  # the body, if it is read as a stream


class Reply(NamedTuple):
    """A response other than a JSON value with status 200."""

    payload: Any  # a JSON value; or bytes, or an iterator of bytes, sent unchanged
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
