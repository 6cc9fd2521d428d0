"""Real deliveries to receivers on loopback: polite, failing, and hostile ones."""

import socket
import threading
from time import monotonic
from typing import Any

import httpcore
import pytest
from helpers.receivers import Listening, answering, listening

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.deliveries.allowed_hosts import AllowedHosts
from crmcom_kit.mock_server.deliveries.http_delivery import MAX_BODY, HttpDelivery
from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.schemas import Dialect
from crmcom_kit.usage_errors import UsageError

#: Timeouts in milliseconds: for what ends by itself, and for what ends by them alone.
PATIENT = {"delivery.timeout": 120_000}
QUICK: dict[str, Any] = {"delivery__timeout": 600}


def delivery(**dials: Any) -> HttpDelivery:
    """Return a delivery that calls loopback alone."""
    dialect = Dialect("test", {**PATIENT, **{k.replace("__", "."): v for k, v in dials.items()}})
    return HttpDelivery(dialect, AllowedHosts())


def sent(receiver: Listening, url: str = "", **options: Any) -> Outcome:
    """Send one attempt to a receiver."""
    return delivery(**options).send(
        OutgoingMessage(url or receiver.url, b'{"n":"A1"}', "C0DE", "default/1")
    )


def test_the_message_arrives_as_the_dialect_spells_it() -> None:
    """One POST with code and data, a type, a length, and what the mock says of itself."""
    with listening(answering()) as receiver:
        outcome = sent(receiver, f"http://localhost:{receiver.port}/in?a=b")

    head, _, body = receiver.got[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert outcome == Outcome("success", None, None, 200, b"OK")
    assert body == b'{"authentication_code":"C0DE","data":{"n":"A1"}}'
    assert lines[0] == "POST /in?a=b HTTP/1.1"
    assert f"Host: localhost:{receiver.port}" in lines
    assert "Connection: close" in lines
    assert f"Content-Length: {len(body)}" in lines
    assert "Content-Type: application/json" in lines
    assert "X-Mock-Attempt: default/1" in lines
    assert any(line.startswith("User-Agent: crmcom-kit/") for line in lines)


@pytest.mark.parametrize(
    ("status", "success", "delivered"),
    [
        (200, "2xx", True),
        (299, "2xx", True),
        (400, "2xx", False),
        (404, "2xx", False),
        (500, "2xx", False),
        (503, "2xx", False),
        (200, "200", True),
        (201, "200", False),
        (500, "any", True),
    ],
)
def test_the_status_decides(status: int, success: str, *, delivered: bool) -> None:
    """2xx is a success, or what the dial says; any other status is an error with its words."""
    text = f"HTTP/1.1 {status} Some Words\r\nContent-Length: 0\r\n\r\n".encode()
    with listening(answering(text)) as receiver:
        outcome = sent(receiver, delivery__success=success)

    assert outcome.delivered is delivered
    assert outcome.status == status
    if not delivered:
        assert outcome.error_code == "HttpResponseException"
        words = {400: "Bad Request", 404: "Not Found", 500: "Internal", 503: "Service Unavailable"}
        assert words.get(status, "Some Words") in str(outcome.error_description)


def _hangs_up(connection: socket.socket) -> None:
    del connection


def _silent(connection: socket.socket) -> None:
    connection.recv(1_000_000)
    connection.recv(1)  # until the other side gives up


def _drop_by_drop(connection: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000:
        connection.sendall(bytes([byte]))
        threading.Event().wait(0.02)


def _drops_of_a_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        threading.Event().wait(0.02)


def _endless_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: " + b"a" * 1000 + b"\r\n")


def _endless_continue(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def _endless_chunks(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1000\r\n" + b"a" * 4096 + b"\r\n")


def _reset(connection: socket.socket) -> None:
    linger = b"\1\0\0\0\0\0\0\0"
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


HOSTILE = {
    "never answers": (_silent, "timeout"),
    "byte by byte": (_drop_by_drop, "timeout"),
    "endless headers": (_endless_headers, "malformed"),
    "endless 100": (_endless_continue, "malformed"),
    "closes at once": (_hangs_up, "no_response"),
    "closes in mid-header": (answering(b"HTTP/1.1 200 OK\r\nContent-Le"), "no_response"),
    "resets": (_reset, "reset"),
    "no HTTP": (answering(b"220 smtp.example ESMTP\r\n\r\n"), "malformed"),
    "two lengths": (
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        "malformed",
    ),
    "switches": (answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "malformed"),
    "half a body": (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), "success"),
    "bad chunks": (
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        "success",
    ),
    "a body by drops": (_drops_of_a_body, "timeout"),
    "endless chunks": (_endless_chunks, "success"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_receiver_is_left(name: str) -> None:
    """Whatever it does, the delivery ends with an outcome of the table within its time."""
    handle, expected = HOSTILE[name]
    with listening(handle) as receiver:
        outcome = sent(receiver, **(QUICK if expected == "timeout" else {}))

    assert outcome.name == expected
    assert outcome.delivered == (expected == "success")
    assert len(outcome.answer) <= MAX_BODY


def test_nobody_listens() -> None:
    """A port without a server is a refused connection."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        outcome = delivery().send(
            OutgoingMessage(f"http://127.0.0.1:{bound.getsockname()[1]}/", b"{}", "")
        )

    assert (outcome.name, outcome.error_code) == ("refused", "ConnectException")


def test_localhost_is_found_at_either_address() -> None:
    """Where only IPv6 loopback listens, localhost still arrives."""
    try:
        with listening(answering(), host="::1") as receiver:
            outcome = sent(receiver, f"http://localhost:{receiver.port}/")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")

    assert outcome.delivered


@pytest.mark.parametrize(("count", "name"), [(3, "success"), (2, "connect_timeout")])
def test_an_address_that_does_not_answer_takes_its_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch, count: int, name: str
) -> None:
    """The next address of the host is tried, and all of them together take no longer than one."""
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"][:count]
    given: list[tuple[str, float]] = []
    real = httpcore.SyncBackend.connect_tcp

    def connect(address: str, port: int, seconds: float, *_: Any) -> httpcore.NetworkStream:
        given.append((address, seconds))
        if address != "127.0.0.3":
            raise httpcore.ConnectTimeout
        return real(httpcore.SyncBackend(), "127.0.0.1", port, seconds)

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        found = addresses if host == "some.example" else [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (one, port)) for one in found]

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", staticmethod(connect))
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    dialect = Dialect("test", {"delivery.timeout": 30_000})
    sender = HttpDelivery(dialect, AllowedHosts(["some.example"]))
    with listening(answering()) as receiver:
        url = f"http://some.example:{receiver.port}/"
        outcome = sender.send(OutgoingMessage(url, b"{}", ""))

    assert outcome.name == name
    assert [address for address, _ in given] == addresses
    assert given[0][1] <= 30 / count
    assert all(0 < seconds <= 30 for _, seconds in given)


def test_a_cut_ends_what_is_on_its_way() -> None:
    """A delivery that waits for a response ends at once."""
    sender = delivery()
    ended: list[str] = []

    def send() -> None:
        ended.append(sender.send(OutgoingMessage(receiver.url, b"{}", None)).name)

    with listening(_silent) as receiver:
        thread = threading.Thread(target=send)
        thread.start()
        deadline = monotonic() + 20
        while not receiver.got and monotonic() < deadline:
            threading.Event().wait(0.01)
        sender.cut()
        thread.join(20)

    assert ended in (["no_response"], ["timeout"])


def test_a_blocked_record_is_rejected_and_nothing_is_sent(make_mock: Any) -> None:
    """The sample world's records name hosts outside: their resend fails inside the mock."""
    mock = make_mock("R15", deliver="http")
    outside = next(
        record
        for record in mock.records().values()
        if record["life_cycle_state"] == "REJECTED" and "127.0.0.1" not in record["url"]
    )
    reply = mock.resend(outside["number"])

    assert reply.code == "OK"
    assert reply.data["life_cycle_state"] == "REJECTED"
    assert reply.data["error_code"] == "SocketException"
    assert reply.data["error_description"].startswith("java.net.SocketException: Permission denied")
    assert len(reply.warnings) == 1
    assert reply.warnings[0].startswith("nothing was sent: ")
    assert "--allow-host" in reply.warnings[0]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"deliver": "smtp"}, UsageError),
        ({"deliver": "http", "allow_hosts": ["*"]}, UsageError),
        ({"deliver": "http", "allow_hosts": "localhost"}, UsageError),
        ({"deliver": "http", "deliveries": "timeout"}, TypeError),
    ],
)
def test_options_that_make_no_delivery_are_refused(options: Any, error: type[Exception]) -> None:
    """An unknown way, a host that is none, a script beside real deliveries."""
    with pytest.raises(error, match=r"deliver|allow_host"):
        make_world(**options)
