"""Keep tests from reaching the real CRM.COM by mistake.

While a guard runs, looking up or connecting to a host that looks like CRM.COM's raises, in every
thread. The guard also records the attempt, in case the code under test catches the exception.
Python's audit events (PEP 578) report its look-ups. Libraries with another resolver, literal
addresses and other processes are not watched.
"""

import fnmatch
import functools
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import NamedTuple
from unittest.mock import patch

#: Patterns of CRM.COM's host names.
HOSTS = ("crm.com", "*.crm.com")
_MAX_KEPT = 1_000
_LOOK_UPS = frozenset(("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"))
# Python raises audit events for these methods only after the look-up of the host.
_SOCKET = socket.socket
_CONNECTIONS = ("connect", "connect_ex", "sendto")


class RealHostReached(RuntimeError):
    """Code under test tried to reach a host that looks like CRM.COM's, and was blocked."""

    def __init__(self, host: str) -> None:
        """Describe an attempt to reach ``host``."""
        super().__init__(
            f"host: {host!r} looks like the real CRM.COM, so the connection was blocked; "
            "use the mock's address, crmcom_mock.url"
        )
        self.host = host


class ReachAttempt(NamedTuple):
    """One attempt to reach a real host."""

    test: str  # the id of the test
    host: str

    def __str__(self) -> str:
        return f"{self.test} tried to reach {self.host}"


class Guard:
    """Watches this process from ``start`` to ``stop``."""

    def __init__(self, hosts: Iterable[str], test_id: Callable[[], str]) -> None:
        """Set the hosts; ``start`` begins to watch.

        Args:
            hosts: names of hosts to block, or patterns with ``*``.
            test_id: returns the id of the running test.
        """
        self._hosts = tuple(host.lower() for host in hosts)
        self._test_id = test_id
        #: The number of times of each attempt, in the order of the first times.
        self.attempts: Counter[ReachAttempt] = Counter()

    def start(self) -> None:
        """Block and record from now on."""
        if not _hooks:
            _hooks.append(True)
            sys.addaudithook(_on_audit_event)
        if not _guards:
            for name in _CONNECTIONS:
                _patches.enter_context(patch.object(_SOCKET, name, _guarded_method(name)))
        if self not in _guards:
            _guards.append(self)

    def stop(self) -> None:
        """Stop blocking."""
        if self in _guards:
            _guards.remove(self)
            if not _guards:
                _patches.close()

    def check(self, host: object) -> None:
        """Record and refuse an attempt to reach a real host. Raises RealHostReached."""
        name = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else host
        if not isinstance(name, str):
            return
        name = name.lower().removesuffix(".")
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self._hosts):
            attempt = ReachAttempt(self._test_id(), name)
            if attempt in self.attempts or len(self.attempts) < _MAX_KEPT:
                self.attempts[attempt] += 1
            raise RealHostReached(name)


# Global like Python's audit hooks, which cannot be removed.
_guards: list[Guard] = []
_hooks: list[bool] = []
_patches = ExitStack()


def _on_audit_event(event: str, arguments: tuple[object, ...]) -> None:
    if _guards and event in _LOOK_UPS:
        _check(arguments[0])


def _guarded_method(name: str) -> Callable[..., object]:
    """Return a socket method that checks an address before its host is looked up."""
    base_method = getattr(_SOCKET, name)

    @functools.wraps(base_method)
    def method(self_: socket.socket, *arguments: object) -> object:
        address = arguments[-1] if arguments else None
        if isinstance(address, tuple) and address:  # other families have a path or a number
            _check(address[0])
        return base_method(self_, *arguments)

    return method


def _check(host: object) -> None:
    for guard in tuple(_guards):
        guard.check(host)
