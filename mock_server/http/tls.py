"""TLS for the server: a certificate of the user, or a new one."""

import ssl
from collections.abc import Sequence
from pathlib import Path

from crmcom_kit.mock_server.http.server import ServeError

_ALPN = ["http/1.1"]


def read_certificate(cert: Path, key: Path | None) -> ssl.SSLContext:
    """Return the context of a server with a certificate from a file.

    Args:
        cert: a PEM file with the certificate and the intermediate certificates.
        key: a PEM file with its key, without a password; by default ``cert`` has the key.

    Raises:
        ServeError: a file cannot be read, is not a certificate or key, or they do not fit.
    """
    context = _context()
    for name, path in (("--tls-cert", cert), ("--tls-key", key)):
        if path is not None:
            try:
                path.open("rb").close()
            except OSError as error:
                msg = f"{name}: {path} cannot be read: {error.strerror}"
                raise ServeError(msg) from None
    try:
        context.load_cert_chain(cert, key, password="")  # without one, OpenSSL would ask for it
    except ssl.SSLError as error:
        files = " and ".join(str(path) for path in (cert, key) if path is not None)
        msg = f"--tls-cert: {files} are not a certificate and its key: {error.reason or error}"
        raise ServeError(msg) from None
    return context


def make_certificate(names: Sequence[str], ca: Path) -> ssl.SSLContext:
    """Return the context of a server with a new certificate.

    Args:
        names: the host names and addresses of the server.
        ca: where to write the certificate of the new CA, which clients have to trust.

    Raises:
        ServeError: no certificate can have a name, or the file cannot be written.
        ModuleNotFoundError: trustme is not installed.
    """
    import trustme

    context, authority = _context(), trustme.CA()
    try:
        authority.issue_cert(*names).configure_cert(context)
    except ValueError as error:
        msg = f"--tls-self-signed: no certificate can be for {', '.join(names)}: {error}"
        raise ServeError(msg) from None
    try:
        ca.write_bytes(authority.cert_pem.bytes())
    except OSError as error:
        msg = f"--tls-self-signed: {ca} cannot be written: {error.strerror}"
        raise ServeError(msg) from None
    return context


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(_ALPN)
    return context
