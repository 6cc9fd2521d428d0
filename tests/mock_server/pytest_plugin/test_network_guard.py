"""The guard: no look-up of, and no connection to, a host that looks like CRM.COM's."""

import asyncio
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from crmcom_kit.mock_server.pytest_plugin.network_guard import (
    HOSTS,
    Guard,
    ReachAttempt,
    RealHostReached,
)


def _with_socket(method: str, *arguments: object) -> object:
    with socket.socket() as connection:
        return getattr(connection, method)(*arguments)


WAYS: dict[str, Callable[[str], object]] = {
    "getaddrinfo": lambda host: socket.getaddrinfo(host, 443),
    "getaddrinfo of bytes": lambda host: socket.getaddrinfo(host.encode(), 443),
    "gethostbyname": socket.gethostbyname,
    "gethostbyname_ex": socket.gethostbyname_ex,
    "connect": lambda host: _with_socket("connect", (host, 443)),
    "connect_ex": lambda host: _with_socket("connect_ex", (host, 443)),
    "sendto": lambda host: _with_socket("sendto", b"", (host, 9)),
    "httpx": lambda host: httpx.get(f"https://{host}/", timeout=5, trust_env=False),
    "asyncio": lambda host: asyncio.run(asyncio.open_connection(host, 443)),
}


@pytest.fixture(name="guard")
def _guard() -> Iterator[Guard]:
    guard = Guard(HOSTS, lambda: "a test")
    guard.start()
    yield guard
    guard.stop()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_way_to_a_real_host_is_blocked_and_recorded(
    guard: Guard, way: Callable[[str], object]
) -> None:
    """Whatever asks for the host gets an exception that names it, before any look-up."""
    with pytest.raises(RealHostReached, match=r"'rest.crm.com' looks like the real CRM.COM"):
        way("Rest.CRM.com.")
    assert list(guard.attempts) == [ReachAttempt("a test", "rest.crm.com")]


def test_other_hosts_and_literal_addresses_are_left_alone(guard: Guard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), 5).close()
    socket.getaddrinfo("localhost", 80)
    for host in ("crm.com.invalid", "notcrm.com.invalid"):
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(host, 80)
    if hasattr(socket, "AF_UNIX"):
        with (
            socket.socket(socket.AF_UNIX) as connection,
            pytest.raises(OSError, match="No such file"),
        ):
            connection.connect("/crm.com/there/is/no/such/file")

    assert not guard.attempts


def test_a_stopped_guard_leaves_nothing_behind() -> None:
    """When the last guard is stopped sockets are what they were, in any order."""
    before = dict(vars(socket.socket))
    first, second = Guard(["a.invalid"], str), Guard(["b.invalid"], str)
    first.start()
    second.start()
    first.start()
    first.stop()
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("a.invalid", 80)
    with pytest.raises(RealHostReached):
        socket.getaddrinfo("b.invalid", 80)
    second.stop()
    second.stop()

    assert dict(vars(socket.socket)) == before
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("b.invalid", 80)
