"""https, with a certificate that is made at the start."""

import json
import signal
import ssl
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from crmcom_kit.cli import main


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


#: Flags that cannot be followed, and a part of the line about them.
REFUSED = {
    "--tls-self-signed ca.pem --allow-name a,b": "no certificate can be for",
    "--tls-self-signed no/ca.pem": "--tls-self-signed: no/ca.pem cannot be written: ",
}


def test_files_that_do_not_do_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for flags, message in REFUSED.items():
        result = CliRunner().invoke(main, ["serve", "--port", "0", *flags.split()])
        assert result.exit_code == 2
        assert message in result.output
        assert result.output.count("\n") == 1
