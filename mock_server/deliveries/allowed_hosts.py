"""The hosts that the mock may call: loopback, and those that a user allowed by name.

A URL is parsed strictly: a string that two programs could read differently is refused.
A name is resolved once; all of its addresses must be allowed, and the connection goes to one of
them. A name that is not allowed is never resolved, since the lookup is network traffic, too.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import NamedTuple

import httpcore

from crmcom_kit.mock_server.deliveries.messages import CallFailed, OutcomeName
from crmcom_kit.redaction import redact_url
from crmcom_kit.usage_errors import UsageError, quoted

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65_535
_SYSTEM_PORTS = range(1024)  # of mail, file sharing and other protocols
_LOOPBACK = ("127.0.0.1", "::1")
_MAX_URL = 2_048
_HOST_AND_PORT = (
    r"(?:\[([0-9a-f.]*:[0-9a-f.:]*)\]|([a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?))"
    r"(?::([1-9][0-9]{0,4}))?"
)
_ALLOWED = re.compile(_HOST_AND_PORT, re.ASCII | re.IGNORECASE)
# The target is printable, without a space and without a backslash; the fragment is not sent.
_URL = re.compile(
    rf"(https?)://{_HOST_AND_PORT}([/?][!\"$-\[\]-~]*)?(?:#[!-\[\]-~]*)?", re.ASCII | re.IGNORECASE
)
# A last label that is a number, in any notation, makes some programs read the name as an address.
_NUMERIC = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)", re.ASCII)


class Destination(NamedTuple):
    """The destination of an allowed request."""

    url: httpcore.URL
    authority: str  # the value of the header Host
    addresses: tuple[str, ...]  # to connect to, in this order


class AllowedHosts:
    """Decides which URLs may be called."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        """Allow loopback, and ``allowed``: names or addresses, each for one port or for all.

        Args:
            allowed: for example ``hooks.example.com``, ``10.0.0.5:8080`` or ``[2001:db8::1]``.
                A name includes no subdomains, and its addresses must be public, loopback, or
                allowed as well.

        Raises:
            UsageError: an entry is not a host.
        """
        self._allowed = frozenset(map(_read_allowed, allowed))

    def check(self, url: str) -> Destination:
        """Return the destination of a request to ``url``, with its name resolved.

        Raises:
            CallFailed: ``url`` is not an HTTP URL, may not be called, or its name has no address.
        """
        scheme, host, port, target = _split_url(url)
        literal = _literal_address(host)
        if literal is not None:
            host = str(literal)
            self._check_address(literal, port)
            addresses: tuple[str, ...] = (host,)
        elif host == "localhost" or host.endswith(".localhost"):
            addresses = _LOOPBACK  # RFC 6761: never resolved
        else:
            addresses = self._resolve(host, port)
        is_system = port in _SYSTEM_PORTS and port not in _PORTS.values()
        if is_system and (host, port) not in self._allowed:
            allow = f"--allow-host {_bracket(host)}:{port}"
            reason = f"port {port} belongs to another protocol; allow it: {allow}"
            raise CallFailed(OutcomeName.BLOCKED, reason)
        authority = _bracket(host)
        if port != _PORTS[scheme]:
            authority += f":{port}"
        parts = {"scheme": scheme.encode(), "host": host.encode(), "target": target.encode()}
        return Destination(httpcore.URL(**parts, port=port), authority, addresses)

    def _is_allowed(self, host: str, port: int) -> bool:
        return (host, port) in self._allowed or (host, None) in self._allowed

    def _resolve(self, host: str, port: int) -> tuple[str, ...]:
        if not self._is_allowed(host, port):
            reason = (
                f"{quoted(host)} is neither loopback nor allowed; allow it: --allow-host {host}"
            )
            raise CallFailed(OutcomeName.BLOCKED, reason)
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = [ipaddress.ip_address(address[0]) for *_, address in infos]
        except (OSError, ValueError) as error:
            reason = f"{quoted(host)} has no address: {error}"
            raise CallFailed(OutcomeName.UNKNOWN_HOST, reason) from None
        for address in addresses:
            self._check_address(address, port, name=host)
        return tuple(map(str, addresses))

    def _check_address(self, address: IpAddress, port: int, name: str | None = None) -> None:
        """Check a literal address, or an address of an allowed ``name``. Raises CallFailed."""
        address_class = _address_class(address)
        if address_class == "loopback" or (address_class == "public" and name is not None):
            return
        can_be_allowed = address_class != "reserved"
        if can_be_allowed and self._is_allowed(str(address), port):
            return
        place = f"{address} is" if name is None else f"{name} is at {address},"
        remedy = f"; allow it: --allow-host {_bracket(str(address))}" if can_be_allowed else ""
        reason = f"{place} a {address_class} address, to which nothing is sent{remedy}"
        raise CallFailed(OutcomeName.BLOCKED, reason)


def _read_allowed(entry: str) -> tuple[str, int | None]:
    """Return the host, and the port if only one is allowed. Raises UsageError."""
    allowed = (
        "a host name, or the address of one host that is neither link-local nor mapped; optionally "
        "followed by :PORT, such as [2001:db8::1]:80"
    )
    error = UsageError("allow_hosts", seen=quoted(entry), allowed=allowed)
    match = _ALLOWED.fullmatch(entry)
    if match is None or int(match[3] or 1) > _MAX_PORT:
        raise error
    ipv6_address, name, port = match.groups()
    host = (ipv6_address or name).lower()
    try:
        address = _literal_address(host)
    except CallFailed:
        raise error from None
    if address is not None:
        host = str(address)
        if _address_class(address) == "reserved":
            raise error
    return host, None if port is None else int(port)


def _split_url(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and target of a URL. Raises CallFailed."""
    match = _URL.fullmatch(url) if len(url) <= _MAX_URL else None
    if match is None or int(match[4] or 1) > _MAX_PORT:
        raise CallFailed(
            OutcomeName.BAD_URL,
            f"{quoted(redact_url(url))} is not called; allowed is http or https, a host without "
            f"user and password, and a percent-encoded path: at most {_MAX_URL} characters",
        )
    scheme, ipv6_address, name, port, target = match.groups(default="")
    scheme = scheme.lower()
    path = target if target.startswith("/") else f"/{target}"
    return scheme, (ipv6_address or name).lower(), int(port or _PORTS[scheme]), path


def _literal_address(host: str) -> IpAddress | None:
    """Return a host as an address, or None for a name. Raises CallFailed for odd notations."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    if ":" in host or _NUMERIC.fullmatch(host.rpartition(".")[2]):
        reason = f"{quoted(host)} is an unusual notation of an address; write 127.0.0.1 or [::1]"
        raise CallFailed(OutcomeName.BLOCKED, reason)
    return None


def _address_class(address: IpAddress) -> str:
    """Return ``loopback``, ``private``, ``public`` or ``reserved``.

    ``reserved`` addresses are never called.
    """
    if isinstance(address, ipaddress.IPv6Address):
        # The checks below would overlook an IPv4 address that an IPv6 address contains.
        embedded_ipv4 = address.ipv4_mapped or address.sixtofour or address.teredo
        if embedded_ipv4:
            return "reserved"
        if address.is_site_local:
            return "reserved"
    if address.is_loopback:
        return "loopback"
    if (
        address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    ):
        return "reserved"
    return "public" if address.is_global else "private"


def _bracket(host: str) -> str:
    """Return a host in the notation of URLs: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host
