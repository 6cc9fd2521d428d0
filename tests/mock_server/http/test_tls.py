"""https: with a certificate of the user's, and with one that is made at the start."""

import json
import signal
import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import trustme
from click.testing import CliRunner

from crmcom_kit.cli import main


def health(mock: Any, ca: Path) -> Any:
    """What the mock answers to who trusts a CA."""
    context = ssl.create_default_context(cafile=str(ca))
    with urlopen(f"https://localhost:{mock.port}/__admin/health", context=context) as answer:
        return json.load(answer)


def test_a_certificate_is_made_at_the_start(start_server: Any, tmp_path: Path) -> None:
    """Who trusts the file that the mock names is served; nobody else is, nor without TLS."""
    ca = tmp_path / "ca.pem"
    mock = start_server("--tls-self-signed", str(ca))

    assert mock.base.startswith("https://")
    assert health(mock, ca)["status"] == "healthy"
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urlopen(f"https://localhost:{mock.port}/")
    with socket.create_connection(("127.0.0.1", mock.port), timeout=10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" not in plain.recv(1000)
    assert health(mock, ca)["status"] == "healthy"
    status, _, log = mock.end(signal.SIGTERM)
    assert status == 0
    assert "Traceback" not in log


def test_a_certificate_of_the_user_is_served(start_server: Any, tmp_path: Path) -> None:
    """In two files, or in one."""
    authority = trustme.CA()
    made = authority.issue_cert("localhost")
    ca, cert, key = tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    ca.write_bytes(authority.cert_pem.bytes())
    cert.write_bytes(made.cert_chain_pems[0].bytes())
    key.write_bytes(made.private_key_pem.bytes())
    mock = start_server("--tls-cert", str(cert), "--tls-key", str(key))
    assert health(mock, ca)["status"] == "healthy"
    both = tmp_path / "both.pem"
    both.write_bytes(made.private_key_and_cert_chain_pem.bytes())
    assert health(start_server("--tls-cert", str(both)), ca)["status"] == "healthy"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("--tls-key no.pem", "--tls-key: not allowed without --tls-cert"),
        ("--tls-cert no.pem", "--tls-cert: no.pem cannot be read: No such file"),
        ("--tls-cert bad.pem", "--tls-cert: bad.pem are not a certificate and its key: "),
        ("--tls-cert cert.pem --tls-key bad.pem", "cert.pem and bad.pem are not a certificate"),
        ("--tls-cert cert.pem --tls-key locked.pem", "are not a certificate and its key: "),
        ("--tls-cert bad.pem --tls-self-signed ca.pem", "not allowed with --tls-cert"),
        ("--tls-self-signed no/ca.pem", "--tls-self-signed: no/ca.pem cannot be written: "),
    ],
)
def test_files_that_do_not_do_are_refused(
    flags: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line; nobody is asked for a password."""
    from cryptography.hazmat.primitives import serialization as forms

    monkeypatch.chdir(tmp_path)
    made = trustme.CA().issue_cert("localhost")
    Path("bad.pem").write_text("certainly not")
    Path("cert.pem").write_bytes(made.cert_chain_pems[0].bytes())
    key = forms.load_pem_private_key(made.private_key_pem.bytes(), None)
    form = forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.BestAvailableEncryption(b"x")
    Path("locked.pem").write_bytes(key.private_bytes(*form))
    result = CliRunner().invoke(main, ["serve", "--port", "0", *flags.split()])
    assert result.exit_code == 2
    assert told in result.output
    assert result.output.count("\n") == 1
