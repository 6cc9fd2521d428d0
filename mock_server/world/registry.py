"""The worlds of one server by name: created on first use, ended when idle."""

import hmac
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from crmcom_kit.mock_server.access import (
    ADMIN_TOKEN_CHARACTERS,
    LOCAL_ACCESS,
    Access,
    is_admin_token,
)
from crmcom_kit.mock_server.world.world import DEFAULT, World
from crmcom_kit.usage_errors import LimitExceeded, NotFound, UsageError, quoted

MAX_WORLDS = 10_000  # each takes some kilobytes
IDLE_SECONDS = 3_600.0
MAX_WAITING = 32  # each holds one of the server's threads
_SWEEPS_PER_LIFE = 4  # searches for idle worlds within the time after which a world is idle
_ALLOWED = (
    "1 to 64 letters, digits, dots, underscores and hyphens, beginning with a letter or digit"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class WorldUse(NamedTuple):
    """A world that exists, and how long it has been idle."""

    world: World
    idle: float | None  # seconds since it was last used; None for the default world


@dataclass
class _Named:
    """A named world, and when it was last used."""

    world: World
    used: float


class WaitSlots:
    """Limits how many calls wait at the same time, ``with`` it, since each holds a thread."""

    def __init__(self, maximum: int) -> None:
        """Let at most ``maximum`` calls wait at the same time."""
        self.maximum = maximum
        self._slots = threading.BoundedSemaphore(maximum)

    def __enter__(self) -> None:
        """Take a slot. Raises LimitExceeded if none is free."""
        if not self._slots.acquire(blocking=False):
            what, allowed = "waiting calls", f"at most {self.maximum} at once"
            raise LimitExceeded(what, seen="one more", allowed=allowed)

    def __exit__(self, *error: object) -> None:
        """Give the slot back."""
        self._slots.release()


class WorldRegistry:
    """The default world, which always exists, and named worlds beside it."""

    def __init__(
        self,
        default: World,
        *,
        max_worlds: int = MAX_WORLDS,
        idle_seconds: float = IDLE_SECONDS,
        waiting: int = MAX_WAITING,
        access: Access = LOCAL_ACCESS,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        """Hold the default world only.

        Args:
            default: the world of the bare path; named worlds begin with the same content.
            max_worlds: maximum number of named worlds.
            idle_seconds: how long an unused named world is kept, in seconds of the machine's time;
                idle worlds are ended when worlds are created or listed.
            waiting: maximum number of control API calls that wait at the same time.
            access: who may call. An admin token is required for the control API and for creating
                worlds; without one the control API serves loopback addresses only, and any request
                may create worlds.
            ticks: returns the machine's time in seconds.

        Raises:
            UsageError: no header can carry the admin token.
        """
        token = access.admin_token
        if token is not None and not is_admin_token(token):
            raise UsageError(
                "admin_token", seen=quoted(token, secret=True), allowed=ADMIN_TOKEN_CHARACTERS
            )
        self.default = default
        self.max_worlds = max_worlds
        self.idle_seconds = idle_seconds
        self.waiting = WaitSlots(waiting)
        self.access = access
        #: What opens the built-in receivers where there is an admin token. It is the same after
        #: the next start, so that the URLs in a state file stay right.
        self.receiver_secret: str | None = None
        if token is not None:
            self.receiver_secret = hmac.digest(token.encode(), b"receiver", "sha256").hex()[:32]
            default.hide(token)
            default.hide(self.receiver_secret)
        self._ticks = ticks
        self._lock = threading.Lock()
        self._worlds: dict[str, _Named] = {}
        self._swept = ticks()

    @property
    def closing(self) -> threading.Event:
        """Set when the server is about to stop; waiting calls then return."""
        return self.default.config.closing

    def reopen(self) -> None:
        """Let calls wait again, since a server starts anew; what waited before stays ended."""
        self.default.config.closing = threading.Event()

    def is_admin(self, token: str | None) -> bool:
        """Return True if a request with this admin token may create worlds."""
        expected = self.access.admin_token
        return expected is None or hmac.compare_digest((token or "").encode(), expected.encode())

    def is_receiver_secret(self, secret: str | None) -> bool:
        """Return True if a message with this secret may go to a built-in receiver."""
        expected = self.receiver_secret
        return expected is None or hmac.compare_digest((secret or "").encode(), expected.encode())

    def get(self, name: str) -> World:
        """Return the world of that name; create it if it does not exist.

        Raises:
            UsageError: the name is not allowed.
            LimitExceeded: there are as many worlds as allowed.
        """
        return self.existing(name) or self._create(name)

    def existing(self, name: str) -> World | None:
        """Return the world of that name, which counts as a use of it; None if it does not exist."""
        if name == DEFAULT:
            return self.default
        named = self._worlds.get(name)
        if named is None:
            return None
        named.used = self._ticks()
        return named.world

    def check_name(self, name: str) -> None:
        """Raise UsageError if no world may have that name."""
        if not _NAME.fullmatch(name):
            raise UsageError("world", seen=quoted(name), allowed=_ALLOWED)

    def _create(self, name: str) -> World:
        self.check_name(name)
        with self._lock:
            if name in self._worlds:
                return self._worlds[name].world
            passed = self._ticks() - self._swept
            if (
                len(self._worlds) >= self.max_worlds
                or passed * _SWEEPS_PER_LIFE > self.idle_seconds
            ):
                self._end_idle()
            if len(self._worlds) >= self.max_worlds:
                allowed = f"at most {self.max_worlds} worlds, all of which are in use"
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

    def worlds(self) -> list[WorldUse]:
        """Return the worlds that exist, the default one first; idle ones are ended before."""
        with self._lock:
            self._end_idle()
            now = self._swept
            named = [WorldUse(one.world, max(0.0, now - one.used)) for one in self._worlds.values()]
            return [WorldUse(self.default, None), *named]

    def names(self) -> tuple[str, ...]:
        """Return the names of the worlds that exist, the default one first."""
        return tuple(one.world.name for one in self.worlds())

    def end(self, name: str) -> None:
        """Remove a named world; its next use creates it again.

        Raises:
            NotFound: it does not exist.
            UsageError: it is the default world.
        """
        if name == DEFAULT:
            allowed = "another world; this one can be reset"
            raise UsageError("world", seen=quoted(DEFAULT), allowed=allowed)
        with self._lock:
            if name not in self._worlds:
                allowed = "the name of a world that exists"
                raise NotFound("world", seen=quoted(name), allowed=allowed)
            self._drop(name)

    def end_all(self) -> int:
        """Remove all named worlds; return how many there were."""
        with self._lock:
            names = tuple(self._worlds)
            for name in names:
                self._drop(name)
            return len(names)
