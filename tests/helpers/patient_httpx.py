"""Lets httpx wait as long as tests do, and start fast, in whichever process imports this.

It waits for 5 s by default, in one object that all its functions and clients have. Each client
reads the certificate authorities anew, which takes longer than a request to a mock.
"""

import inspect
import os
import ssl
from functools import cache
from typing import Any

import httpx
from httpx._transports import default as transports

from helpers.patience import PATIENCE

_DEFAULT: httpx.Timeout = inspect.signature(httpx.Client).parameters["timeout"].default
_DEFAULT.connect = _DEFAULT.read = _DEFAULT.write = _DEFAULT.pool = PATIENCE


@cache
def _made(_certificates: tuple[str | None, ...], **options: Any) -> ssl.SSLContext:
    return httpx.create_ssl_context(**options)


def _shared_context(**options: Any) -> ssl.SSLContext:
    """Return the one context of these options and of what the environment says."""
    named = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    return _made(named, **options)


vars(transports)["create_ssl_context"] = _shared_context
