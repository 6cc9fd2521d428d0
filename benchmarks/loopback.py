"""The smallest HTTP client that will do: one request a connection, to 127.0.0.1 alone."""

import socket
from typing import NamedTuple

HOST = "127.0.0.1"


class Reply(NamedTuple):
    """One answer."""

    status: int
    head: bytes
    body: bytes


class BrokenReply(OSError):
    """The connection ended before the answer did, or what came is no HTTP."""


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def ask(
    port: int,
    target: str,
    *,
    verb: str = "GET",
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Reply:
    """Send one request and return its answer. Raises OSError where there is none."""
    lines = [f"{verb} {target} HTTP/1.1", f"Host: {HOST}:{port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body or verb != "GET":
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection((HOST, port), 5) as link:
        link.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return _read(link)


def _read(link: socket.socket) -> Reply:
    data = b""
    length: int | None = None
    while True:
        head, end, body = data.partition(b"\r\n\r\n")
        if end and length is None:
            length = content_length(head)
        if end and length is not None and len(body) >= length:
            break
        part = link.recv(65536)
        if not part:
            if end and length is None:
                break  # a body that ends with the connection
            raise BrokenReply(data[:80])
        data += part
    return Reply(status_of(head), head, body)


def content_length(head: bytes) -> int | None:
    """Return the length that an answer's head promises; None for none."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return None


def status_of(head: bytes) -> int:
    """Return an answer's HTTP status. Raises BrokenReply."""
    words = head.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1][:3].isdigit():
        raise BrokenReply(head[:80])
    return int(words[1][:3])
