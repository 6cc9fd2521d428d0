"""Keeps tests from reaching the real CRM.COM by mistake.

While a guard is on, looking up or connecting to a host that looks like CRM.COM's raises, in every
thread, and the guard remembers it: code that survives the exception does not go unnoticed. It is
Python itself that tells of look-ups (PEP 578), so it does not matter which library makes them.
Literal addresses, and what another process does, are not watched.
"""

import fnmatch
import functools
import socket
import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple

#: What CRM.COM's hosts are called.
HOSTS = ("crm.com", "*.crm.com")
_MAX_KEPT = 1_000
_LOOK_UPS = frozenset(("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"))
# Python tells of these only when it has looked the host up.
_SOCKET = socket.socket
_CONNECTIONS = ("connect", "connect_ex", "sendto")


class RealHostReached(RuntimeError):
    """Code under test was kept from reaching a host that looks like CRM.COM's."""

    def __init__(self, host: str) -> None:
        """Say which ``host``."""
        super().__init__(
            f"host: {host!r} looks like CRM.COM itself and is not the mock; the connection was "
            "blocked; allowed is the mock's own address, crmcom_mock.url"
        )
        self.host = host


class Reached(NamedTuple):
    """One attempt to reach a real host."""

    who: str  # made it: a test's id
    host: str


class Guard:
    """Watches this process from ``start`` to ``stop``."""

    def __init__(self, hosts: Iterable[str], who: Callable[[], str]) -> None:
        """Watch nothing yet.

        Args:
            hosts: names, or patterns with ``*``, of hosts that nobody may reach.
            who: names the test that runs.
        """
        self._hosts = tuple(host.lower() for host in hosts)
        self._who = who
        #: The attempts, each kind once, in the order in which they were first made.
        self.reached: dict[Reached, None] = {}

    def start(self) -> None:
        """Block and remember from now on."""
        if self not in _guards:
            _listen()
            _guards.append(self)

    def stop(self) -> None:
        """Let everything through again."""
        if self in _guards:
            _guards.remove(self)
            _fall_silent()

    def check(self, host: object) -> None:
        """Remember and refuse an attempt to reach a real host. Raises RealHostReached."""
        name = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else host
        if not isinstance(name, str):
            return
        name = name.lower().removesuffix(".")
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self._hosts):
            if len(self.reached) < _MAX_KEPT:
                self.reached[Reached(self._who(), name)] = None
            raise RealHostReached(name)


# Python's list of listeners is one for all as well, and none can be taken from it again.
_guards: list[Guard] = []
_listens: list[bool] = []
_before: dict[str, object] = {}  # methods that somebody else had put in place


def _listen() -> None:
    if not _listens:
        _listens.append(True)
        sys.addaudithook(_hear)
    if not _guards:
        for name in _CONNECTIONS:
            if name in vars(_SOCKET):
                _before[name] = vars(_SOCKET)[name]
            setattr(_SOCKET, name, _checking(name))


def _fall_silent() -> None:
    if not _guards:
        for name in _CONNECTIONS:
            if name in _before:
                setattr(_SOCKET, name, _before.pop(name))
            else:
                delattr(_SOCKET, name)  # what it inherits comes forth again


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if _guards and event in _LOOK_UPS:
        _check(arguments[0])


def _checking(name: str) -> Callable[..., object]:
    """Return a method of sockets that refuses an address before anyone looks its host up."""
    inherited = getattr(_SOCKET, name)

    @functools.wraps(inherited)
    def method(own: socket.socket, *arguments: object) -> object:
        address = arguments[-1] if arguments else None
        if isinstance(address, tuple) and address:  # else it is of another kind: a path, a number
            _check(address[0])
        return inherited(own, *arguments)

    return method


def _check(host: object) -> None:
    for guard in tuple(_guards):
        guard.check(host)
