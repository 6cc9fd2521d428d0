"""The worlds of one server, by name: made on first use, ended when nobody uses them."""

import re
import threading
from collections.abc import Callable
from time import monotonic

from crmcom_kit.mock_server.errors import shown
from crmcom_kit.mock_server.misuse import Full, Misuse, NotThere
from crmcom_kit.mock_server.waiting import Waiting
from crmcom_kit.mock_server.world import DEFAULT, World

MOST_WORLDS = 10_000
IDLE_SECONDS = 3_600.0
MOST_WAITING = 4
_MOST_SHOWN = 10
_ALLOWED = (
    "1 to 64 letters, digits, dots, underscores and hyphens, of which a letter or digit is first"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class Tenants:
    """The default world, which always is, and named ones beside it."""

    def __init__(
        self,
        default: World,
        *,
        most: int = MOST_WORLDS,
        idle_seconds: float = IDLE_SECONDS,
        waiting: int = MOST_WAITING,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        """Begin with the default world alone.

        Args:
            default: the world of the bare path; the others begin as it began.
            most: how many named worlds there may be at once.
            idle_seconds: how long a named world stays that nobody uses, of the machine's time;
                it is ended when room is needed or the worlds are listed.
            waiting: how many calls of the control API may wait at once for something to happen;
                half of the server's threads, so that the others keep answering.
            ticks: tells the machine's time.
        """
        self.default = default
        self.most = most
        self.idle_seconds = idle_seconds
        #: Set when the server is about to end: whoever waits for something stops waiting.
        self.closing = threading.Event()
        self.waiting = Waiting(waiting)
        self._ticks = ticks
        self._lock = threading.Lock()
        self._worlds: dict[str, World] = {}
        self._used: dict[str, float] = {}

    def get(self, name: str) -> World:
        """Return the world of that name, made now where there is none.

        Raises:
            Misuse: the name is not allowed.
            Full: there would be more than may be.
        """
        world = self._worlds.get(name)
        if world is None:
            return self._made(name)
        self._used[name] = self._ticks()
        return world

    def _made(self, name: str) -> World:
        if name == DEFAULT:
            return self.default
        if not _NAME.fullmatch(name):
            raise Misuse("world", seen=shown(name), allowed=_ALLOWED)
        with self._lock:
            if name in self._worlds:
                return self._worlds[name]
            if len(self._worlds) >= self.most:
                self._end_idle()
            if len(self._worlds) >= self.most:
                allowed = f"at most {self.most} worlds, and all are in use"
                raise Full("world", seen=shown(name), allowed=allowed)
            world = self.default.twin(name)
            self._used[name] = self._ticks()
            self._worlds[name] = world
            return world

    def _end_idle(self) -> None:
        before = self._ticks() - self.idle_seconds
        for name in [name for name, used in self._used.items() if used < before]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._used.pop(name, None)
        world = self._worlds.pop(name, None)
        if world is not None:  # else it was ended while somebody still used it
            world.present.end()

    def names(self) -> tuple[str, ...]:
        """The names of the worlds that there are, the default one first."""
        with self._lock:
            self._end_idle()
            return (DEFAULT, *self._worlds)

    def find(self, name: str) -> World:
        """Return the world of that name. Raises NotThere where there is none yet."""
        world = self.default if name == DEFAULT else self._worlds.get(name)
        if world is None:
            raise self._not_there(name)
        return world

    def end(self, name: str) -> None:
        """Forget a named world; its next use makes it anew.

        Raises:
            NotThere: it is not there.
            Misuse: it is the default world.
        """
        if name == DEFAULT:
            raise Misuse("world", seen=shown(DEFAULT), allowed="another one; this can be reset")
        with self._lock:
            if name not in self._worlds:
                raise self._not_there(name)
            self._drop(name)

    def _not_there(self, name: str) -> NotThere:
        first = [DEFAULT, *self._worlds][:_MOST_SHOWN]
        more = len(self._worlds) + 1 - len(first)
        allowed = ", ".join(first) + (f" and {more} more" if more else "")
        return NotThere("world", seen=shown(name), allowed=allowed)

    def end_all(self) -> int:
        """Forget all named worlds; return how many there were."""
        with self._lock:
            names = tuple(self._worlds)
            for name in names:
                self._drop(name)
            return len(names)
