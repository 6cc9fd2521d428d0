"""https: with a certificate of the user's, and with one that is made at the start."""

import json
import signal
import ssl
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import trustme
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization

from crmcom_kit.cli import main
from crmcom_kit.mock_server.http.tls import read_certificate


def health(mock: Any, ca: Path) -> Any:
    context = ssl.create_default_context(cafile=str(ca))
    with urlopen(f"https://localhost:{mock.port}/__admin/health", context=context) as response:
        return json.load(response)


def test_a_certificate_is_made_at_the_start(start_server: Any, tmp_path: Path) -> None:
    """Who trusts the file that the mock names is served; nobody else is, nor without TLS."""
    ca = tmp_path / "ca.pem"
    mock = start_server("--tls-self-signed", str(ca))

    assert mock.base.startswith("https://")
    assert health(mock, ca)["status"] == "healthy"
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        urlopen(f"https://localhost:{mock.port}/")
    assert b"200" not in mock.sent(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert health(mock, ca)["status"] == "healthy"
    status, _, log = mock.end(signal.SIGTERM)
    assert status == 0
    assert "Traceback" not in log


def test_a_certificate_of_the_user_is_served(start_server: Any, tmp_path: Path) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("localhost")
    ca, cert, key, both = (tmp_path / name for name in ("ca", "cert", "key", "both"))
    authority.cert_pem.write_to_path(ca)
    made.cert_chain_pems[0].write_to_path(cert)
    made.private_key_pem.write_to_path(key)
    made.private_key_and_cert_chain_pem.write_to_path(both)
    flags = ("--tls-cert", str(cert), "--tls-key", str(key))
    assert health(start_server(*flags), ca)["status"] == "healthy"
    assert isinstance(read_certificate(both, None), ssl.SSLContext)  # one file has both


#: Flags that cannot be followed, and a part of the line about them.
REFUSED = {
    "--tls-key no.pem": "--tls-key: not allowed without --tls-cert",
    "--tls-cert no.pem": "--tls-cert: no.pem cannot be read: No such file",
    "--tls-cert bad.pem": "--tls-cert: bad.pem are not a certificate and its key: ",
    "--tls-cert cert.pem --tls-key locked.pem": "cert.pem and locked.pem are not a certific",
    "--tls-cert bad.pem --tls-self-signed ca.pem": "not allowed with --tls-cert",
    "--tls-self-signed ca.pem --allow-name a,b": "no certificate can be for",
    "--tls-self-signed no/ca.pem": "--tls-self-signed: no/ca.pem cannot be written: ",
}


def test_files_that_do_not_do_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line; nobody is asked for a password."""
    monkeypatch.chdir(tmp_path)
    made = trustme.CA().issue_cert("localhost")
    Path("bad.pem").write_text("certainly not")
    Path("cert.pem").write_bytes(made.cert_chain_pems[0].bytes())
    key = serialization.load_pem_private_key(made.private_key_pem.bytes(), None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked = key.private_bytes(*form, serialization.BestAvailableEncryption(b"x"))
    Path("locked.pem").write_bytes(locked)
    for flags, message in REFUSED.items():
        result = CliRunner().invoke(main, ["serve", "--port", "0", *flags.split()])
        assert result.exit_code == 2
        assert message in result.output
        assert result.output.count("\n") == 1
