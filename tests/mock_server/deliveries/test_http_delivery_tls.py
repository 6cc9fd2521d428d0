"""Real deliveries over TLS: certificates are judged, and bad TLS is left."""

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from helpers.receivers import OK, Listening, answering, listening, read_request

from crmcom_kit.mock_server.deliveries.allowed_hosts import AllowedHosts
from crmcom_kit.mock_server.deliveries.http_delivery import HttpDelivery
from crmcom_kit.mock_server.deliveries.messages import OutgoingMessage
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.schemas import Dialect

#: Timeouts in milliseconds, which no test waits for.
DIALS = {"delivery.timeout": 120_000}


def sent(url: str, **dials: Any) -> Outcome:
    """Send one attempt, on loopback."""
    changed = {f"delivery.{name}": value for name, value in dials.items()}
    sender = HttpDelivery(Dialect("test", {**DIALS, **changed}), AllowedHosts())
    return sender.send(OutgoingMessage(url, b'{"n":"A1"}', "C0DE"))


def _hangs_up(connection: socket.socket) -> None:
    del connection


def _silent(connection: socket.socket) -> None:
    connection.recv(1_000_000)
    connection.recv(1)  # until the other side gives up


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


def test_a_certificate_that_nobody_knows_is_refused(speaks_tls: Listening) -> None:
    """TLS is verified: a certificate of one's own making is none."""
    outcome = sent(f"https://localhost:{speaks_tls.port}/")

    assert (outcome.name, outcome.error_code) == ("bad_tls", "SSLHandshakeException")


def test_a_certificate_that_is_trusted_is_held_to_the_name(
    speaks_tls: Listening, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connecting to a checked address, TLS still asks for the name in the URL."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("ca.pem")))
    right = sent(f"https://localhost:{speaks_tls.port}/")
    wrong = sent(f"https://127.0.0.1:{speaks_tls.port}/")

    assert right.delivered
    assert wrong.name == "bad_tls"


@pytest.mark.parametrize(
    ("handle", "name"),
    [
        (answering(b"HTTP/1.1 400 Plain HTTP\r\n\r\n"), "bad_tls"),
        (_hangs_up, "bad_tls"),
        (_silent, "connect_timeout"),
    ],
)
def test_bad_tls_is_left(handle: Callable[[socket.socket], None], name: str) -> None:
    """A receiver that speaks no TLS, hangs up or stays silent in it ends the delivery."""
    with listening(handle, reads=False) as receiver:
        dials: dict[str, Any] = {"timeout": 500} if name == "connect_timeout" else {}
        outcome = sent(f"https://127.0.0.1:{receiver.port}/", **dials)

    assert outcome.name == name
