"""The worlds of one server, by name: made on first use, ended when nobody uses them."""

import re
import threading
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from crmcom_kit.mock_server.access import LOCAL_ACCESS, Access
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import LimitExceeded, NotFound, UsageError
from crmcom_kit.mock_server.world.wait_slots import Waiting
from crmcom_kit.mock_server.world.world import DEFAULT, World

MAX_WORLDS = 10_000
IDLE_SECONDS = 3_600.0
MAX_WAITING = 4
_MAX_SHOWN = 10
_SWEEPS_A_LIFE = 4  # how often it is looked for idle worlds while one would become idle
_ALLOWED = (
    "1 to 64 letters, digits, dots, underscores and hyphens, of which a letter or digit is first"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class Present(NamedTuple):
    """A world that is there."""

    world: World
    idle: float | None  # seconds since it was last used; None of the default one


class _Named:
    """A named world, and when it was last used."""

    __slots__ = ("used", "world")

    def __init__(self, world: World, used: float) -> None:
        self.world = world
        self.used = used


class WorldRegistry:
    """The default world, which always is, and named ones beside it."""

    def __init__(
        self,
        default: World,
        *,
        most: int = MAX_WORLDS,
        idle_seconds: float = IDLE_SECONDS,
        waiting: int = MAX_WAITING,
        access: Access = LOCAL_ACCESS,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        """Begin with the default world alone.

        Args:
            default: the world of the bare path; the others begin as it began.
            most: how many named worlds there may be at once.
            idle_seconds: how long a named world stays that nobody uses, of the machine's time;
                it is ended when worlds are made or listed.
            waiting: how many calls of the control API may wait at once for something to happen;
                half of the server's threads, so that the others keep answering.
            access: who may call.
            ticks: tells the machine's time.
        """
        self.default = default
        self.most = most
        self.idle_seconds = idle_seconds
        #: Set when the server is about to end: whoever waits for something stops waiting.
        self.closing = default.config.closing
        self.waiting = Waiting(waiting)
        self.access = access
        self._ticks = ticks
        self._lock = threading.Lock()
        self._worlds: dict[str, _Named] = {}
        self._swept = ticks()

    def get(self, name: str) -> World:
        """Return the world of that name, made now where there is none.

        Raises:
            UsageError: the name is not allowed.
            LimitExceeded: there would be more than may be.
        """
        named = self._worlds.get(name)
        if named is None:
            return self._made(name)
        named.used = self._ticks()
        return named.world

    def _made(self, name: str) -> World:
        if name == DEFAULT:
            return self.default
        if not _NAME.fullmatch(name):
            raise UsageError("world", seen=quoted(name), allowed=_ALLOWED)
        with self._lock:
            if name in self._worlds:
                return self._worlds[name].world
            passed = self._ticks() - self._swept
            if len(self._worlds) >= self.most or passed * _SWEEPS_A_LIFE > self.idle_seconds:
                self._end_idle()
            if len(self._worlds) >= self.most:
                allowed = f"at most {self.most} worlds, and all are in use"
                raise LimitExceeded("world", seen=quoted(name), allowed=allowed)
            world = self.default.clone(name)
            self._worlds[name] = _Named(world, self._ticks())
            return world

    def _end_idle(self) -> None:
        self._swept = self._ticks()
        before = self._swept - self.idle_seconds
        for name in [name for name, named in self._worlds.items() if named.used < before]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._worlds.pop(name).world.current_epoch.end()

    def names(self) -> tuple[str, ...]:
        """The names of the worlds that there are, the default one first."""
        return tuple(one.world.name for one in self.present())

    def present(self) -> list[Present]:
        """Return the worlds that there are, the default one first."""
        with self._lock:
            self._end_idle()
            now = self._swept
            named = [Present(one.world, max(0.0, now - one.used)) for one in self._worlds.values()]
            return [Present(self.default, None), *named]

    def limit(self, *, most: int | None = None, idle_seconds: float | None = None) -> None:
        """Let so many worlds be at once from now on, and be idle for so long.

        Worlds beyond it stay, and are not made again.
        """
        with self._lock:
            self.most = self.most if most is None else most
            self.idle_seconds = self.idle_seconds if idle_seconds is None else idle_seconds

    def find(self, name: str) -> World:
        """Return the world of that name. Raises NotFound where there is none yet."""
        if name == DEFAULT:
            return self.default
        named = self._worlds.get(name)
        if named is None:
            raise self._not_there(name)
        return named.world

    def end(self, name: str) -> None:
        """Forget a named world; its next use makes it anew.

        Raises:
            NotFound: it is not there.
            UsageError: it is the default world.
        """
        if name == DEFAULT:
            raise UsageError(
                "world", seen=quoted(DEFAULT), allowed="another one; this can be reset"
            )
        with self._lock:
            if name not in self._worlds:
                raise self._not_there(name)
            self._drop(name)

    def _not_there(self, name: str) -> NotFound:
        first = [DEFAULT, *self._worlds][:_MAX_SHOWN]
        more = len(self._worlds) + 1 - len(first)
        allowed = ", ".join(first) + (f" and {more} more" if more else "")
        return NotFound("world", seen=quoted(name), allowed=allowed)

    def end_all(self) -> int:
        """Forget all named worlds; return how many there were."""
        with self._lock:
            names = tuple(self._worlds)
            for name in names:
                self._drop(name)
            return len(names)
