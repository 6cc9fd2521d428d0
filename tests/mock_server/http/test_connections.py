"""Connections: what a client may send and how much of it, and who is served meanwhile."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from urllib.request import urlopen

import httpx
import pytest
from helpers.patience import PATIENCE
from helpers.serving import served
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from crmcom_kit.mock_server.http.connection import Connection
from crmcom_kit.schemas import API_PATH

SHOW = f"{API_PATH}/webhook_requests/show?token=T&webhook_request_identifier=number%3D7"
DELETE = f"{API_PATH}/webhook_requests/delete"
HEAD = "HTTP/1.1\r\nHost: localhost\r\n"
GET_SHOW = f"GET {SHOW} {HEAD}\r\n".encode()
LAST = f"GET {SHOW} {HEAD}Connection: close\r\n\r\n".encode()
#: What is not HTTP, or not safely so, and the status that it gets.
REFUSED = {
    "garbage": (b"nonsense\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "length and chunks": (
        f"POST / {HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
        400,
    ),
    "an unknown coding": (f"POST {DELETE} {HEAD}Transfer-Encoding: x\r\n\r\n".encode(), 400),
    "a tunnel": (b"CONNECT localhost:80 HTTP/1.1\r\n\r\n", 400),
    "a target beyond ASCII": (f"GET {SHOW}&x=\u03a9 {HEAD}\r\n".encode(), 400),
    "a long header": (f"GET / {HEAD}X: {'y' * 100_000}\r\n\r\n".encode(), 431),
    "many headers": (f"GET / {HEAD}".encode() + b"X: y\r\n" * 20_000 + b"\r\n", 431),
    "a long target": (f"GET /{'y' * 100_000} {HEAD}\r\n".encode(), 431),
    "a long trailer": (
        f"POST {DELETE} {HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\nX: {'y' * 400_000}".encode(),
        431,
    ),
    "half a head": (b"GET / HT", 400),
}


def check_served(server: Any) -> None:
    """Assert that the server serves another client while the first ones are unfinished."""
    assert server.ask("GET", SHOW)[1]["data"]["number"] == "7"
    assert server.ask("GET", "/__admin/health")[0] == 200


def test_uvicorn_has_what_is_overridden() -> None:
    """If a newer uvicorn renamed a method, what overrides it would silently not run."""
    own = {"end", "has_left", "leave_unframed"}
    overridden = {name for name in vars(Connection) if not name.startswith("_")} - own

    assert overridden <= set(dir(HttpToolsProtocol))
    assert hasattr(HttpToolsProtocol, "_unset_keepalive_if_required")
    assert hasattr(FlowControl, "resume_reading")


@contextmanager
def connections(server: Any, count: int, sending: bytes = b"") -> Iterator[list[socket.socket]]:
    """Many connections at once, on each of which something was sent."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(server.connect()) for _ in range(count)]
        for connection in sockets:
            connection.sendall(sending)
        yield sockets


def test_invalid_http_is_refused_with_a_status(server: Any) -> None:
    """It is refused with a status and the connection closed; none is closed in silence."""
    for name, (request, status) in REFUSED.items():
        response = server.sent(request)

        assert response.startswith(f"HTTP/1.1 {status} ".encode()), name
        assert response.count(b"HTTP/1.1") == 1, name
        check_served(server)


def test_garbage_behind_a_request_is_refused_after_its_response(server: Any) -> None:
    """Garbage after a whole request costs that request nothing, and is refused itself."""
    broken = f"POST {DELETE} {HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode()
    for garbage in (b"nonsense\r\n\r\n", broken, b"GET /x HT"):
        response = server.sent(GET_SHOW + GET_SHOW + garbage)

        statuses = [part[:3] for part in response.split(b"HTTP/1.1 ")[1:]]
        assert statuses == [b"200", b"200", b"400"]


def test_a_client_may_close_its_side_at_once(server: Any) -> None:
    """The end of its side may arrive with the request, as from `nc -N`; the response is sent."""
    for request in [GET_SHOW, LAST, GET_SHOW * 3] * 10:
        assert server.sent(request).count(b"HTTP/1.1 200") == request.count(b"GET")


@pytest.mark.parametrize(("fill", "status"), [(60_000, b"200"), (70_000, b"431")])
def test_a_head_of_64_kib_is_read(server: Any, fill: int, status: bytes) -> None:
    """It may come in pieces."""
    begun = f"GET {SHOW} {HEAD}Connection: close\r\nX: ".encode()
    parts = [begun, *[b"y" * (fill // 6)] * 6, b"\r\n\r\n"]
    for request in (parts, [b"".join(parts)]):
        assert server.sent(*request)[9:12] == status


def test_an_upgrade_is_ignored(server: Any) -> None:
    """Curl --http2 and Java's client ask for HTTP/2 and go on with HTTP/1.1, bodies too."""
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
    get = f"GET {SHOW} {HEAD}{upgrade}\r\n".encode()
    body = b'{"mode": "real"}'
    put = f"PUT /__admin/clock {HEAD}{upgrade}".encode()
    long = put + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    chunked = put + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    requests = [get, long, chunked, GET_SHOW, get, long, LAST]
    whole = b"".join(requests)
    for parts in (requests, [whole], [whole[at : at + 97] for at in range(0, len(whole), 97)]):
        response = server.sent(*parts)

        assert response.count(b"HTTP/1.1 200") == len(requests), response


def test_a_trailer_is_no_header(server: Any) -> None:
    """Neither a header of its own request nor of the next one."""
    head = f"PUT /__admin/clock {HEAD}Transfer-Encoding: chunked\r\n\r\n".encode()
    body = b'10\r\n{"mode": "real"}\r\n0\r\nX-Crmcom-Mock: 1\r\n\r\n'  # a delivery has this one

    assert server.sent(head + body, LAST).count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("value", ["plain", "a\x01b"])  # this is no value of a header
def test_a_stream_that_fails_is_closed(value: str) -> None:
    """So is one whose next part or head cannot be sent."""
    closed = threading.Event()

    class Parts:
        def __iter__(self) -> Iterator[bytes]:
            yield b"first"
            raise LookupError

        def close(self) -> None:
            closed.set()

    def app(_: Any, start: Any) -> Any:
        start("200 OK", [("X-Value", value)])
        return Parts()

    with served(app) as base:
        with pytest.raises(httpx.HTTPError):
            httpx.get(base, timeout=PATIENCE)
        assert closed.wait(PATIENCE)


def test_old_clients_are_served(server: Any) -> None:
    """HTTP/1.0, without a Host, has its response and the end of the connection; no chunks."""
    server.ask("POST", "/__admin/seed", {"count": 1_000})
    path = f"{API_PATH}/webhook_requests/list?token=T&entity=ACTIVITIES&fields_set=id"
    for target in (path, "/__admin/state"):  # both are streamed
        head, _, body = server.sent(f"GET {target} HTTP/1.0\r\n\r\n".encode()).partition(
            b"\r\n\r\n"
        )
        assert b" 200 OK" in head
        assert b"chunked" not in head
        assert body.count(b'"id"') > 256
    server.ask("POST", "/__admin/reset")


def test_an_old_client_gets_a_stream_as_it_is_made(server: Any) -> None:
    """Of HTTP/1.0, such as a proxy in front of the console: nothing is collected until the end."""
    with server.connect() as connection:
        connection.sendall(b"GET /__admin/events HTTP/1.0\r\n\r\n")
        received = b""
        while received.count(b"event: world") < 2:
            received += (part := connection.recv(65_536))
            assert part, received
    assert b"chunked" not in received


@pytest.mark.parametrize("path", [DELETE, "/__admin/reset"])
@pytest.mark.parametrize("announced", ["Content-Length: 16777216", "Transfer-Encoding: chunked"])
def test_a_body_is_refused_while_it_arrives(server: Any, path: str, announced: str) -> None:
    """Nobody waits for the end of a body that is too long, and who sends it all can read that."""
    refusal = b"REQUESTBODYTOOLARGE" if path == DELETE else b"at most 1,048,576 bytes"
    part = b" " * 0x40000 if "Length" in announced else b"40000\r\n" + b" " * 0x40000 + b"\r\n"
    with server.connect() as connection:
        connection.sendall(f"POST {path} {HEAD}{announced}\r\n\r\n".encode() + part * 5)
        response = b""
        while refusal not in response:
            response += (received := connection.recv(65_536))
            assert received, response
        connection.sendall(part * 59)


def test_a_world_may_be_long(server: Any) -> None:
    """Where a body may be a world it is read whole, in chunks or not."""
    with urlopen(f"http://127.0.0.1:{server.port}/__admin/state") as response:
        state = response.read()
    blank = (b" " * 999 + b"\n") * 3_000

    for body in (state + blank, iter([state, blank])):
        status, reply = server.ask("PUT", "/__admin/state", body)
        assert (status, reply["webhook_requests"]) == (200, 122)


@pytest.mark.parametrize(
    ("call", "beginning"),
    [
        ("PUT /__admin/state", b'{"unit":{"id":"9"}}\n'),
        ("PUT /__admin/clock", b'{"mode": "frozen"}'),
        (f"POST {DELETE}", b'{"token":"T","webhook_request_identifier":{"number":"14"}}'),
    ],
)
def test_half_a_body_changes_nothing(server: Any, call: str, beginning: bytes) -> None:
    """What a client leaves in the middle of is refused, and is not even journaled."""
    views = ("/__admin/health", "/__admin/requests", "/__admin/clock")
    server.ask("PUT", "/__admin/clock", {"mode": "frozen", "at": "2024-05-01T10:00:00Z"})
    before = [server.ask("GET", path) for path in views]
    chunk = b"%x\r\n%b\r\n" % (len(beginning), beginning)
    for rest in (
        b"Content-Length: 500\r\n\r\n" + beginning,
        b"Transfer-Encoding: chunked\r\n\r\n" + chunk,
        b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"zz\r\n",
    ):
        assert server.sent(f"{call} {HEAD}".encode() + rest)[9:12] == b"400"

    assert [server.ask("GET", path) for path in views] == before


def test_a_client_that_reads_no_responses_is_not_read(server: Any) -> None:
    """The server stops reading, serves others, and responds to everything when it is wanted."""
    paths = [f"{API_PATH}/webhook_requests/list?token=T&entity={e}" for e in ("ACTIVITIES", "JOBS")]
    bodies = [server.ask("GET", path)[1] for path in paths]
    pair = "".join(f"GET {path} {HEAD}X: {'y' * 60_000}\r\n\r\n" for path in paths)
    whole, at = memoryview(pair.encode() * 200), 0
    with server.connect() as greedy:
        greedy.settimeout(2)
        with suppress(TimeoutError):
            while at < len(whole):
                at += greedy.send(whole[at : at + 65_536])
        assert at < len(whole)
        check_served(server)

        greedy.settimeout(60)
        rest = threading.Thread(
            target=lambda: (greedy.sendall(whole[at:]), greedy.shutdown(socket.SHUT_WR))
        )
        rest.start()
        received = b"".join(iter(lambda: greedy.recv(1 << 20), b""))
        rest.join()

    responses = received.split(b"HTTP/1.1 200 OK\r\n")[1:]
    seen = [json.loads(response.partition(b"\r\n\r\n")[2]) for response in responses]
    assert seen == bodies * 200
