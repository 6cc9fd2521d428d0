"""Real deliveries to receivers on loopback: polite, failing, and hostile ones, also over TLS."""

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpcore
import pytest
import trustme
from helpers.receivers import OK, Listening, listening, read_request, responding
from helpers.tables import raises_for

from crmcom_kit.mock_server import make_world
from crmcom_kit.mock_server.deliveries.allowed_hosts import AllowedHosts
from crmcom_kit.mock_server.deliveries.http_delivery import MAX_BODY, HttpDelivery
from crmcom_kit.mock_server.deliveries.messages import Outcome, OutgoingMessage
from crmcom_kit.mock_server.deliveries.scripts import ScriptedDelivery
from crmcom_kit.schemas import Dialect
from crmcom_kit.usage_errors import UsageError

#: Timeouts in milliseconds, which no test waits for.
PATIENT = {"delivery.timeout": 120_000}


def delivery(*allowed: str, **dials: Any) -> HttpDelivery:
    """Return a delivery that calls loopback, and names that are ``allowed``."""
    changed = {f"delivery.{name}": value for name, value in dials.items()}
    return HttpDelivery(Dialect("test", {**PATIENT, **changed}), AllowedHosts(allowed))


def sent(url: str, **dials: Any) -> Outcome:
    return delivery(**dials).send(OutgoingMessage(url, b'{"n":"A1"}', "C0DE", "default/1"))


def test_the_message_arrives_as_the_dialect_spells_it() -> None:
    """One POST with code and data, a type, a length, and what the mock says of itself."""
    with listening(responding()) as receiver:
        outcome = sent(f"http://localhost:{receiver.port}/in?a=b")

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


def test_the_status_decides() -> None:
    """2xx is a success, or what the dial says; any other status is an error with its words."""
    for status, success, words in (
        (200, "2xx", None),
        (299, "2xx", None),
        (300, "2xx", "Some Words"),
        (404, "2xx", "Not Found"),
        (200, "200", None),
        (201, "200", "Some Words"),
        (500, "any", None),
    ):
        text = f"HTTP/1.1 {status} Some Words\r\nContent-Length: 0\r\n\r\n".encode()
        with listening(responding(text)) as receiver:
            outcome = sent(receiver.url, success=success)

        assert outcome.status == status
        assert outcome.delivered is (words is None)
        assert outcome.error_code == (words and "HttpResponseException")
        assert (words or "None") in str(outcome.error_description)


def test_a_redirect_is_not_followed() -> None:
    with listening(responding()) as last:
        head = f"HTTP/1.1 307 Moved\r\nLocation: {last.url}\r\nContent-Length: 0\r\n\r\n"
        with listening(responding(head.encode())) as first:
            outcome = sent(first.url)

    assert outcome.name == "http_307"
    assert last.got == []


def _hangs_up(connection: socket.socket) -> None:
    del connection


def _silent(connection: socket.socket) -> None:
    connection.recv(1_000_000)
    connection.recv(1)  # until the other side gives up


def _endless(begin: bytes, part: bytes) -> Callable[[socket.socket], None]:
    """Return what sends one part after the other until the other side gives up."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(part)

    return handle


def _reset(connection: socket.socket) -> None:
    linger = b"\1\0\0\0\0\0\0\0"
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


LINE = b"HTTP/1.1 200 OK\r\n"
HOSTILE: dict[str, tuple[Callable[[socket.socket], object], str, dict[str, int]]] = {
    "never responds": (_silent, "timeout", {"timeout": 200}),
    "endless headers": (_endless(LINE, b"X-More: " + b"a" * 1000 + b"\r\n"), "malformed", {}),
    "endless 100": (_endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "malformed", {}),
    "endless chunks": (
        _endless(LINE + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"a" * 4096 + b"\r\n"),
        "success",
        {},
    ),
    "closes at once": (_hangs_up, "no_response", {}),
    "resets": (_reset, "reset", {}),
    "no HTTP": (responding(b"220 smtp.example ESMTP\r\n\r\n"), "malformed", {}),
    "switches": (responding(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "malformed", {}),
    "half a body": (responding(LINE + b"Content-Length: 9\r\n\r\nabc"), "success", {}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_receiver_is_left(name: str) -> None:
    """Whatever it does, the delivery ends with an outcome of the table within its time."""
    handle, expected, dials = HOSTILE[name]
    with listening(handle) as receiver:
        outcome = sent(receiver.url, **dials)

    assert outcome.name == expected
    assert outcome.delivered == (expected == "success")
    assert (len(outcome.body) == MAX_BODY) == (name == "endless chunks")


def test_a_refused_connection_is_an_outcome() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        outcome = sent(f"http://127.0.0.1:{bound.getsockname()[1]}/")

    assert (outcome.name, outcome.error_code) == ("refused", "ConnectException")


@pytest.mark.parametrize(("count", "name"), [(3, "success"), (2, "connect_timeout")])
def test_all_addresses_of_a_host_share_one_timeout(
    monkeypatch: pytest.MonkeyPatch, count: int, name: str
) -> None:
    """The next address of the host is tried, and all of them together take no longer than one."""
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"][:count]
    shares: list[tuple[str, float]] = []
    real = httpcore.SyncBackend.connect_tcp

    def connect(address: str, port: int, seconds: float, *_: Any) -> httpcore.NetworkStream:
        shares.append((address, seconds))
        if address != "127.0.0.3":
            raise httpcore.ConnectTimeout
        return real(httpcore.SyncBackend(), "127.0.0.1", port, seconds)

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        named = addresses if host == "some.example" else [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (own, port)) for own in named]

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", staticmethod(connect))
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    sender = delivery("some.example", timeout=30_000)
    with listening(responding()) as receiver:
        url = f"http://some.example:{receiver.port}/"
        outcome = sender.send(OutgoingMessage(url, b"{}", ""))

    assert outcome.name == name
    assert [address for address, _ in shares] == addresses
    assert all(seconds == pytest.approx(30 / count, abs=0.1) for _, seconds in shares)


def test_a_cut_ends_what_is_on_its_way() -> None:
    sender = delivery()

    def handle(connection: socket.socket) -> None:
        sender.cut()
        connection.recv(1)  # until the other side gives up

    with listening(handle) as receiver:
        outcome = sender.send(OutgoingMessage(receiver.url, b"{}", None))

    assert outcome.name in ("no_response", "timeout")


def test_a_cut_while_a_name_is_resolved_prevents_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender = delivery("some.example")

    def resolve(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        sender.cut()
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with listening(responding()) as receiver:
        url = f"http://some.example:{receiver.port}/"
        outcome = sender.send(OutgoingMessage(url, b"{}", None))

    assert (outcome.name, receiver.got) == ("connect_timeout", [])


@pytest.fixture(scope="module", name="certificate")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, with its key; beside it is its CA, which nobody knows."""
    authority = trustme.CA()
    folder = tmp_path_factory.mktemp("tls")
    (folder / "ca.pem").write_bytes(authority.cert_pem.bytes())
    both = folder / "both.pem"
    both.write_bytes(authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes())
    return both


@pytest.fixture(name="speaks_tls")
def _speaks_tls(certificate: Path) -> Iterator[Listening]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            read_request(secure)
            secure.sendall(OK)

    with listening(handle, reads=False) as receiver:
        yield receiver


@pytest.mark.parametrize(
    ("trusts", "host", "name"),
    [
        (False, "localhost", "bad_tls"),
        (True, "localhost", "success"),
        (True, "127.0.0.1", "bad_tls"),
    ],
)
def test_a_certificate_is_trusted_and_held_to_the_name(
    speaks_tls: Listening,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusts: bool,  # noqa: FBT001 - a case
    host: str,
    name: str,
) -> None:
    """Connecting to a checked address, TLS still asks for the name in the URL."""
    if trusts:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("ca.pem")))

    assert sent(f"https://{host}:{speaks_tls.port}/").name == name


@pytest.mark.parametrize(
    ("handle", "name", "dials"),
    [
        (responding(b"HTTP/1.1 400 Plain HTTP\r\n\r\n"), "bad_tls", {}),
        (_hangs_up, "bad_tls", {}),
        (_silent, "connect_timeout", {"timeout": 500}),
    ],
)
def test_bad_tls_is_left(
    handle: Callable[[socket.socket], None], name: str, dials: dict[str, int]
) -> None:
    """A receiver that speaks no TLS, hangs up or stays silent in it ends the delivery."""
    with listening(handle, reads=False) as receiver:
        outcome = sent(f"https://127.0.0.1:{receiver.port}/", **dials)

    assert outcome.name == name


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
    assert reply.data["error_description"].startswith("java.net.SocketException: Permission denied")
    (warning,) = reply.warnings
    assert warning.startswith("nothing was sent: ")
    assert "--allow-host" in warning


def test_options_that_make_no_delivery_are_refused() -> None:
    """An unknown way, a host that is none, a script beside real deliveries."""
    wrong: list[dict[str, Any]] = [
        {"deliver": "smtp"},
        {"allow_hosts": ["x.example"]},
        {"deliver": "http", "allow_hosts": ["*"]},
        {"deliver": "http", "allow_hosts": "localhost"},
        {"deliver": "http", "delivery": ScriptedDelivery("success")},
    ]
    for options in wrong:
        with raises_for(options, UsageError, match=r"deliver|allow_hosts"):
            make_world(**options)
