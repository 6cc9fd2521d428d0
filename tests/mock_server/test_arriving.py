"""Bodies under granian: a part of one is never carried out."""

import http.client
import io
import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from crmcom_kit.mock_server.http import arriving
from crmcom_kit.mock_server.http.arriving import with_whole_bodies
from crmcom_kit.schemas import API_PATH

DELETE = json.dumps({"token": "T", "webhook_request_identifier": {"number": "12"}}).encode()
#: What is sent where, and does something where it is taken for all of it.
BEGINNINGS = {
    "PUT /__admin/state": b'{"unit":{"id":"9"}}\n',
    "POST /__admin/records": b'{"unit":{"id":"9"}}\n',
    "PUT /__admin/clock": b'{"mode": "frozen"}',
    "POST /__admin/reset": b"",
    f"POST {API_PATH}/webhook_requests/delete": DELETE,
    f"POST {API_PATH}/webhook_requests/delete/": DELETE,  # Flask's, not the fast lane's
}
ANNOUNCED = {
    "length": (b"Content-Length: 500\r\n\r\n%b", False),
    "unterminated": (b"Transfer-Encoding: chunked\r\n\r\n%b", True),
    "garbage": (b"Transfer-Encoding: chunked\r\n\r\n%bzz\r\n", True),
}


@pytest.fixture(scope="module")
def server(start_server: Any) -> Any:
    """A server that all tests share."""
    return start_server("--server", "granian", "--token", "T", "--log", "off")


def ask(server: Any, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Ask on a connection of its own; return status and JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(verb, path, body)
    answer = connection.getresponse()
    found = json.load(answer)
    connection.close()
    return answer.status, found


def told(server: Any) -> Any:
    """What would show that something was carried out."""
    _, clock = ask(server, "GET", "/__admin/clock")
    calls = ask(server, "GET", "/__admin/requests")[1]["requests"]
    return ask(server, "GET", "/__admin/health")[1], clock["mode"], len(calls)


def in_chunks(body: bytes) -> bytes:
    """A body as one chunk, without the end of the chunks."""
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""


@pytest.mark.parametrize("announced", ANNOUNCED)
@pytest.mark.parametrize("call", BEGINNINGS)
def test_a_body_that_breaks_off_changes_nothing(server: Any, call: str, announced: str) -> None:
    """Whatever a caller leaves in the middle of is refused, and is not even noted."""
    form, chunked = ANNOUNCED[announced]
    sent = BEGINNINGS[call]
    before = told(server)
    with server.connect() as connection:
        head = f"{call} HTTP/1.1\r\nHost: x\r\n".encode()
        connection.sendall(head + form % (in_chunks(sent) if chunked else sent))
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert answer == b"" or b'"body: seen a part of it' in answer
    assert told(server) == before


@pytest.mark.parametrize("pieces", [1, 2, 7, 1000])
def test_a_chunked_body_is_read_whole(server: Any, pieces: int) -> None:
    """A body in chunks of any size is read like any other."""
    body = DELETE.replace(b"12", b"0")
    size = -(-len(body) // pieces)
    parts = (body[at : at + size] for at in range(0, len(body), size))

    _, found = ask(server, "POST", f"{API_PATH}/webhook_requests/delete", iter(parts))

    assert "WEBHOOKREQUESTNOTFOUNDEXCEPTION" in found["status"]["code"]


def test_a_long_body_is_read_whole(server: Any) -> None:
    """A world that does not fit into memory's share comes back as it was sent."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/__admin/state")
    state = connection.getresponse().read()
    connection.close()
    blank = b"\n" * 3_000_000

    for body in (state + blank, iter([state, blank])):
        status, found = ask(server, "PUT", "/__admin/state", body)
        assert (status, found["webhook_requests"]) == (200, 124)


@pytest.mark.parametrize("size", [1_048_576, 1_048_577, 5_000_000])
def test_a_large_body_is_refused_by_the_emulator(server: Any, size: int) -> None:
    """A body above the limit has the vendor's error, in chunks or not."""
    expected = "REQUESTBODYTOOLARGE" if size > 1_048_576 else "INVALIDREQUESTBODY"
    for body in (b" " * size, iter([b" " * size])):
        _, found = ask(server, "POST", f"{API_PATH}/webhook_requests/delete", body)
        assert expected in found["status"]["code"]


class Arriving:
    """A body of which a part may be missing, as granian hands it over."""

    def __init__(self, text: bytes, *, broken: bool) -> None:
        """Have ``text``, and be over then, or have lost the caller."""
        self._text = io.BytesIO(text)
        self._broken = broken

    def read(self, size: int | None = None) -> bytes:
        """Return what is there; of all at once, nothing where some is missing."""
        return b"" if size is None and self._broken else self._text.read(size)


def asked(environ: dict[str, Any]) -> Iterator[bytes]:
    """The bodies that an application gets to see; the answer where it is not asked."""

    def app(environ: Any, start_response: Any) -> Any:
        del start_response
        return [b"seen ", environ["wsgi.input"].read()]

    statuses: list[str] = []
    yield b"".join(with_whole_bodies(app)(environ, lambda status, _: statuses.append(status)))  # type: ignore[arg-type, return-value]
    yield from (status.encode() for status in statuses)


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 100])
@pytest.mark.parametrize("there", [0, 1, 9, 10, 11, 100])
def test_the_announced_length_counts(
    monkeypatch: pytest.MonkeyPatch, length: int, there: int
) -> None:
    """Kept in memory or in a file, a body is all of it or refused."""
    monkeypatch.setattr(arriving, "_IN_MEMORY", 9)
    monkeypatch.setattr(arriving, "_PIECE", 4)
    there = min(there, length)
    body = Arriving(b"x" * there, broken=there < length)

    found = list(asked({"CONTENT_LENGTH": str(length), "wsgi.input": body}))

    if there == length:
        assert found == [b"seen " + b"x" * length]
    else:
        assert re.fullmatch(rb'\{"error":"body: seen a part of it; allowed is all .*', found[0])
        assert found[1] == b"400 BAD REQUEST"


@pytest.mark.parametrize("length", ["", "5, 5", "-1", "+5"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    """Where the length cannot be read, nobody knows whether the body is whole."""
    body = Arriving(b"12345", broken=False)

    assert list(asked({"CONTENT_LENGTH": length, "wsgi.input": body}))[1:] == [b"400 BAD REQUEST"]


def test_too_long_a_body_is_left_to_the_application() -> None:
    """What is refused by its announced length is not read before."""
    body = Arriving(b"12345", broken=True)
    length = str(arriving.MAX_BODY_BYTES + 1)

    environ = {"CONTENT_LENGTH": length, "wsgi.input": body}
    list(with_whole_bodies(lambda *_: [])(environ, lambda *_: None))  # type: ignore[arg-type, return-value]

    assert environ["wsgi.input"] is body


@pytest.mark.parametrize(
    ("text", "broken", "seen"), [(b"x", False, True), (b"x", True, False), (b"", False, False)]
)
def test_chunks_are_whole_or_refused(text: bytes, broken: bool, seen: bool) -> None:  # noqa: FBT001 - a table's columns
    """An empty body in chunks looks like a broken one, and is told so."""
    body = Arriving(text, broken=broken)

    found = list(asked({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": body}))

    assert (found == [b"seen x"]) == seen
    assert seen or b"or an empty one in chunks" in found[0]
