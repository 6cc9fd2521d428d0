"""Check who may call the mock, by a request's address, Host, Origin and Sec-Fetch-Site.

The mock listens on loopback: any web page open in a browser can send requests to it, and by DNS
rebinding it can read the responses. Behind a reverse proxy, every caller seems local.
"""

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from crmcom_kit.usage_errors import quoted

#: Among the names of a server: any name. Among the origins: any origin.
ANY_NAME = ANY_ORIGIN = "*"
#: What an admin token may consist of: a header must carry it unchanged.
ADMIN_TOKEN_CHARACTERS = "printable ASCII without spaces"

# An IPv6 address in brackets, or a name or IPv4 address; and a port.
_ADDRESS = r"\[([0-9A-Fa-f:.]+(?:%[0-9A-Za-z._-]+)?)\]"
_HOST = re.compile(rf"(?:{_ADDRESS}|([0-9A-Za-z._-]+))(?::([0-9]{{0,5}}))?", re.ASCII)
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[0-9a-z._:\[\]-]+", re.ASCII)
_MAX_PORT = 65_535
# Values of Sec-Fetch-Site; another port of this machine is "same-site".
_OWN_PAGE_VALUES = (None, "none", "same-origin")


class Access(NamedTuple):
    """The access to the worlds of a server."""

    admin_token: str | None = None  # required for the control API, from any address
    names: frozenset[str] = frozenset()  # of the server, in lower case, besides its addresses
    origins: frozenset[str] = frozenset()  # of web pages that may call the mock


#: This machine's own callers, under its addresses and localhost.
LOCAL_ACCESS = Access()


class Caller(NamedTuple):
    """The sender of a request; a missing header is None."""

    address: str | None  # None: in process, without a socket
    host: str | None
    origin: str | None
    fetch_site: str | None  # Sec-Fetch-Site, which pages cannot set

    @classmethod
    def of(cls, address: str | None, headers: Mapping[str, Any]) -> "Caller":
        """Return the sender at an address; headers are named as CGI names them."""
        names = ("HTTP_HOST", "HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE")
        return cls(address, *map(headers.get, names))


def is_admin_token(text: str) -> bool:
    """Return True if a string may be an admin token: ADMIN_TOKEN_CHARACTERS, at least one."""
    return text != "" and all("!" <= character <= "~" for character in text)


@lru_cache(maxsize=1024)
def api_refusal(access: Access, caller: Caller) -> str | None:
    """Return why ``caller`` may not use the API; None if it may."""
    return host_refusal(access, caller) or page_refusal(access, caller)


def page_refusal(access: Access, caller: Caller) -> str | None:
    """Return why ``caller`` is refused as a web page of another origin; None if it is not."""
    _, host, origin, fetch_site = caller
    if origin is None:  # a link, a frame, an image, a form that reads
        sender = None if fetch_site in _OWN_PAGE_VALUES else quoted(f"Sec-Fetch-Site: {fetch_site}")
    else:
        # The host's name is checked already. "null" is the origin of a page in a sandbox.
        is_own_page = origin.partition("://")[2] == host and _name_in(host)
        sender = None if is_own_page or may_share(access, origin) else quoted(origin)
    if sender is None:
        return None
    text = f"the mock refuses web pages of other origins; seen {sender}"
    return text if origin is None else f"{text}; allow the origin with --cors"


def host_refusal(access: Access, caller: Caller) -> str | None:
    """Return why the Host that ``caller`` names is refused; None if it is accepted."""
    host = caller.host
    if host is None or not is_loopback(caller.address):
        return None
    # By DNS rebinding, a page's own name may lead to the mock: its requests have no Origin.
    name = _name_in(host)
    if name and (_is_local_name(name) or name in access.names or ANY_NAME in access.names):
        return None
    text = f"the mock accepts only localhost and addresses like 127.0.0.1; seen host {quoted(host)}"
    return f"{text}; allow another name with --allow-name"


def may_share(access: Access, origin: str) -> bool:
    """Return True if web pages of an origin may call the mock and read its responses."""
    return origin in access.origins or ANY_ORIGIN in access.origins


def is_origin(text: str) -> bool:
    """Return True if a string is an origin as browsers write it, or stands for any origin."""
    return text == ANY_ORIGIN or _ORIGIN.fullmatch(text) is not None


def is_loopback(address: str | None) -> bool:
    """Return True if a caller is on this machine."""
    if address is None:  # in process, without a socket
        return True
    try:
        ip_address = ipaddress.ip_address(address)
    except ValueError:
        return False
    ipv4_address = getattr(ip_address, "ipv4_mapped", None)
    return (ipv4_address or ip_address).is_loopback


def _name_in(host: str) -> str:
    """Return the name or address in a Host header, in lower case; nothing if it is not valid."""
    match = _HOST.fullmatch(host)
    if match is None or int(match[3] or 0) > _MAX_PORT:
        return ""
    return (match[1] or match[2]).lower()


def _is_local_name(host: str) -> bool:
    """Return True if no other machine can have a host's name: localhost, a plain address."""
    if host == "localhost" or host.endswith((".localhost", ".invalid")):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # These lead here too, but browsers send requests to them without their page's origin.
    return not address.is_unspecified and getattr(address, "ipv4_mapped", None) is None


def is_any_address(host: str) -> bool:
    """Return True if a server that listens on ``host`` listens on all of its addresses."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
