"""The worlds of one server by name, and the choice of a request's world."""

import hmac
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from crmcom_kit.mock_server.access import (
    ADMIN_TOKEN_CHARACTERS,
    LOCAL_ACCESS,
    Access,
    Caller,
    is_admin_token,
    page_refusal,
)
from crmcom_kit.mock_server.world.world import DEFAULT, World
from crmcom_kit.usage_errors import LimitExceeded, NotFound, UsageError, quoted

WORLDS = "/worlds/"
#: The beginning of the control API's paths, after the part that names a world.
CONTROL = "/__admin"
#: The header that carries the admin token.
ADMIN_TOKEN_HEADER = "X-Mock-Admin-Token"
MAX_WORLDS = 1_000  # each takes some kilobytes
MAX_WAITING = 32  # each holds one of the server's threads
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def is_control(path: str) -> bool:
    """Return True if a path within a world belongs to the control API."""
    return path == CONTROL or path.startswith(f"{CONTROL}/")


class WorldRegistry:
    """The default world, which always exists, and named worlds beside it.

    A named world is created when it is first used. Above the maximum, the world that was not used
    for the longest time ends.
    """

    def __init__(self, default: World, *, access: Access = LOCAL_ACCESS) -> None:
        """Start with the default world.

        Args:
            default: the world of the bare path; named worlds begin with the same content.
            access: the allowed callers. If it has an admin token, the control API and creating
                worlds require it. Otherwise the control API serves only loopback addresses, and
                any request may create worlds.

        Raises:
            UsageError: no header can carry the admin token.
        """
        token = access.admin_token
        if token is not None and not is_admin_token(token):
            raise UsageError(
                "admin_token", seen=quoted(token, secret=True), allowed=ADMIN_TOKEN_CHARACTERS
            )
        self.default = default
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self.access = access
        if token is not None:
            default.add_secrets(token)
        self._lock = threading.Lock()
        self._worlds: OrderedDict[str, World] = OrderedDict()  # in the order of their last use

    @property
    def closing(self) -> threading.Event:
        """Set when the server stops; waiting calls then return."""
        return self.default.config.closing

    def reopen(self) -> None:
        """Allow waits again for a restarted server; ended waits stay ended."""
        self.default.config.closing = threading.Event()

    @contextmanager
    def wait_slot(self) -> Iterator[None]:
        """Hold a slot for a waiting call. Raises LimitExceeded if MAX_WAITING calls wait."""
        if not self._places.acquire(blocking=False):
            parameter, allowed = "waiting calls", f"at most {MAX_WAITING} at once"
            raise LimitExceeded(parameter, seen="one more", allowed=allowed)
        try:
            yield
        finally:
            self._places.release()

    def is_admin(self, token: str | None) -> bool:
        """Return True if a request with this admin token may use the control API."""
        expected = self.access.admin_token
        return expected is None or hmac.compare_digest((token or "").encode(), expected.encode())

    def get(self, name: str) -> World:
        """Return the world of that name; create it if it does not exist.

        Raises UsageError if the name is not allowed.
        """
        world = self.find(name)
        if world is not None:
            return world
        _check_name(name)
        with self._lock:
            world = self._worlds.get(name) or self.default.clone(name)
            self._worlds[name] = world
            if len(self._worlds) > MAX_WORLDS:
                self._drop(next(iter(self._worlds)))
            return world

    def find(self, name: str) -> World | None:
        """Return the world of that name, and count it as used; None if it does not exist."""
        if name == DEFAULT:
            return self.default
        with self._lock:
            if name not in self._worlds:
                return None
            self._worlds.move_to_end(name)
            return self._worlds[name]

    def world_for(self, name: str, caller: Caller, token: str | None) -> World:
        """Return the world of that name, for a caller with that admin token.

        Raises:
            UsageError: the name is not allowed.
            NotFound: the world does not exist, and this request does not create it.
        """
        world = self.find(name)
        if world is not None:
            return world
        if self.is_admin(token) and page_refusal(self.access, caller) is None:
            return self.get(name)
        _check_name(name)
        rule = "pages of other origins create none"
        if self.access.admin_token is not None:
            rule = f"requests with the admin token in {ADMIN_TOKEN_HEADER} create one"
        raise NotFound("world", seen=quoted(name), allowed=f"a world that exists; {rule}")

    def worlds(self) -> list[World]:
        """Return the worlds: the default one, then the others by their last use."""
        with self._lock:
            return [self.default, *self._worlds.values()]

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
        """Remove all named worlds; return their number."""
        with self._lock:
            names = tuple(self._worlds)
            for name in names:
                self._drop(name)
            return len(names)

    def _drop(self, name: str) -> None:
        self._worlds.pop(name).current_epoch.end()


def _check_name(name: str) -> None:
    """Raise UsageError if no world may have that name."""
    if not _NAME.fullmatch(name):
        allowed = (
            "1 to 64 letters, digits, dots, underscores and hyphens, beginning with a letter or "
            "digit"
        )
        raise UsageError("world", seen=quoted(name), allowed=allowed)
