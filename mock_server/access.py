"""Who may call: what a request's address, Host, Origin and Sec-Fetch-Site say of its sender.

The mock listens on loopback: any web page open in a browser can send requests to it, and by DNS
rebinding read the responses. Behind a reverse proxy on the machine, every caller seems local.
"""

import ipaddress
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from crmcom_kit.usage_errors import quoted

#: Among the names of a server: any name.
ANY_NAME = "*"


class Access(NamedTuple):
    """Who may use the worlds of a server."""

    admin_token: str | None = None  # required for the control API, from any address
    names: frozenset[str] = frozenset()  # of the server, in lower case, besides its addresses
    origins: frozenset[str] = frozenset()  # of web pages that may call the API


#: This machine's own callers, under its addresses and localhost.
LOCAL_ACCESS = Access()


class Caller(NamedTuple):
    """What a request says of its sender; a header that is missing is None."""

    address: str | None  # None: in process, without a socket
    host: str | None
    origin: str | None
    fetch_site: str | None  # Sec-Fetch-Site, which pages cannot set


@lru_cache(maxsize=1024)
def api_refusal(access: Access, caller: Caller) -> str | None:
    """Return why ``caller`` may not use the API; None if it may."""
    address, host, origin, fetch_site = caller
    if host is not None and is_loopback(address):
        # A page may let its own name lead here; then its requests come without an Origin.
        name = _name_in(f"//{host}")
        if not (_is_ours(name) or name in access.names or ANY_NAME in access.names):
            text = f"the mock answers to localhost and to addresses; seen host {quoted(host)}"
            return f"{text}; --allow-name allows another name"
    if origin is None:
        seen = "Sec-Fetch-Site: cross-site" if fetch_site == "cross-site" else None
    else:
        # The host's name has been looked at. "null" is the origin of a page in a sandbox.
        own = origin.partition("://")[2] == host and _name_in(origin)
        seen = None if own or origin in access.origins else quoted(origin)
    if seen is None:
        return None
    return f"the mock does not answer pages of other origins; seen {seen}"


def is_loopback(address: str | None) -> bool:
    """Return True if a caller is on this machine."""
    if address is None:  # in process, without a socket
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def _name_in(url: str) -> str:
    """Return the host of a URL, in lower case; nothing if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_ours(host: str) -> bool:
    """Return True if no other machine can have a host's name: an address, or a name not in DNS."""
    if host == "localhost" or host.endswith((".localhost", ".invalid")):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
