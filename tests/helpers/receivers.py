"""Receivers of webhook requests on loopback, well-behaved and hostile."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from crmcom_kit.mock_server.deliveries.messages import Outcome

Handle = Callable[[socket.socket], object]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


@dataclass
class Listening:
    """A receiver: where it is, and what it got."""

    port: int
    got: list[bytes] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """An address of it."""
        return f"http://127.0.0.1:{self.port}/in"

    @property
    def bodies(self) -> list[str]:
        """The bodies of what it got."""
        return [request.partition(b"\r\n\r\n")[2].decode() for request in self.got]


def read_request(connection: socket.socket) -> bytes:
    """Read one request with its body."""
    text = b""
    while b"\r\n\r\n" not in text:
        part = connection.recv(65_536)
        if not part:
            return text
        text += part
    head, _, body = text.partition(b"\r\n\r\n")
    lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    length = next((int(v) for k, _, v in lines if k.lower() == b"content-length"), 0)
    while len(body) < length:
        part = connection.recv(65_536)
        if not part:
            break
        body += part
    return head + b"\r\n\r\n" + body


def responding(text: bytes = OK) -> Handle:
    """Return what reads a request and sends ``text``."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(text)

    return handle


def responding_in_turn(*statuses: int) -> Handle:
    """Return what reads a request and sends the next status."""
    lines = (f"HTTP/1.1 {status} \r\nContent-Length: 0\r\n\r\n" for status in statuses)
    return lambda connection: connection.sendall(next(lines).encode())


@contextmanager
def listening(
    handle: Handle, *, reads: bool = True, host: str = "127.0.0.1"
) -> Iterator[Listening]:
    """Let every connection be handled, in a thread of its own; ``reads`` its request before."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, 0))
        server.listen(256)
        found = Listening(server.getsockname()[1])

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                if reads:
                    found.got.append(read_request(connection))
                handle(connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield found
        finally:
            found.ended.set()
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)


class During:
    """A delivery that succeeds, and during which something is done."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def send(self, message: object) -> Outcome:
        """Do it, then succeed."""
        del message
        self._act()
        return Outcome("success", None, None, 200)
