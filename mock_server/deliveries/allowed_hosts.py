"""Which hosts the mock may call: loopback, and those that a user allowed by name.

A URL is parsed strictly: a string that two programs could read differently is refused, not
repaired.
A name is resolved once; all of its addresses must be allowed, and the connection goes to one of
them. A name that is not allowed is never resolved, since the lookup would be a call, too.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from typing import NamedTuple

from crmcom_kit.mock_server.deliveries.outcomes import CallFailed, OutcomeName
from crmcom_kit.redaction import redact_url
from crmcom_kit.usage_errors import UsageError, quoted

Resolve = Callable[[str, int], Iterable[str]]
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("127.0.0.1", "::1")
_MAX_URL = 2_048
_PLAIN = re.compile(r"[!-\[\]-~]+", re.ASCII)  # printable, no space and no backslash
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(?:#.*)?", re.ASCII)
_PLACE = re.compile(
    r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?))"
    r"(?::([1-9][0-9]{0,4}))?",
    re.ASCII,
)
# A last label that is a number, in any notation, makes some programs read the name as an address.
_NUMERIC = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)", re.ASCII)
# Ports of other protocols, which browsers do not call either: https://fetch.spec.whatwg.org/#port-blocking
_BAD_PORTS = frozenset(
    (1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
     103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
     512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
     995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
     6669, 6679, 6697, 10080)
)  # fmt: skip
# What no list allows. Mapped addresses carry an IPv4 address inside, which a check would overlook.
_NEVER = {
    kind: tuple(map(ipaddress.ip_network, networks))
    for kind, networks in {
        "unspecified": ("0.0.0.0/8", "::/128"),
        "mapped": ("::/96", "::ffff:0:0/96", "64:ff9b::/32", "2001::/32", "2002::/16"),
        "link-local": ("169.254.0.0/16", "fe80::/10"),
        "site-local": ("fec0::/10",),
        "multicast": ("224.0.0.0/4", "ff00::/8"),
        "reserved": ("240.0.0.0/4",),
    }.items()
}


class Destination(NamedTuple):
    """Where a request goes, once it is allowed."""

    scheme: str
    host: str  # as the URL names it, in lower case; an IPv6 address without brackets
    port: int
    target: str  # path and query
    addresses: tuple[str, ...]  # to connect to, in this order

    @property
    def authority(self) -> str:
        """The value of the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def system_resolver(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as this machine resolves it. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class AllowedHosts:
    """Decides which URLs may be called."""

    def __init__(self, allowed: Iterable[str] = (), *, resolve: Resolve = system_resolver) -> None:
        """Allow loopback, and ``allowed``: names or addresses, each with a port or for all ports.

        Args:
            allowed: for example ``hooks.example.com``, ``10.0.0.5:8080`` or ``[2001:db8::1]``.
                A name includes no subdomains, and its addresses must be public, loopback, or
                allowed as well.
            resolve: returns the addresses of a name, or raises OSError.

        Raises:
            UsageError: an entry is not a host.
        """
        if isinstance(allowed, str):
            raise UsageError("allow_hosts", seen="a string", allowed="a list of strings")
        self._allowed = frozenset(map(_read_allowed, allowed))
        self._resolve = resolve

    def check(self, url: str) -> Destination:
        """Return where a request to ``url`` goes; the name in it is resolved now.

        Raises:
            CallFailed: it is not a URL of HTTP, its name is allowed but has no address, or it may
                not be called.
        """
        scheme, host, port, target = _read(url)
        addresses: tuple[str, ...]
        literal = _literal(host)
        if literal is not None:
            host = str(literal)
            self._check_address(literal, port)
            addresses = (host,)
        elif host == "localhost" or host.endswith(".localhost"):
            addresses = _LOOPBACK  # RFC 6761: never resolved
        else:
            addresses = self._resolved(host, port)
        if port in _BAD_PORTS and not self._names(host, port, exactly=True):
            raise CallFailed(
                OutcomeName.BLOCKED,
                f"port {port} belongs to another protocol; allow it: --allow-host {host}:{port}",
            )
        return Destination(scheme, host, port, target, addresses)

    def _names(self, host: str, port: int, *, exactly: bool = False) -> bool:
        named = (host, port) in self._allowed
        return named or (not exactly and (host, None) in self._allowed)

    def _resolved(self, host: str, port: int) -> tuple[str, ...]:
        if not self._names(host, port):
            raise CallFailed(
                OutcomeName.BLOCKED,
                f"{quoted(host)} is neither loopback nor allowed; allow it: --allow-host {host}",
            )
        try:
            found = tuple(dict.fromkeys(self._resolve(host, port)))
        except (OSError, UnicodeError) as error:
            raise CallFailed(
                OutcomeName.UNKNOWN_HOST, f"{quoted(host)} has no address: {error}"
            ) from None
        if not found:
            raise CallFailed(OutcomeName.UNKNOWN_HOST, f"{quoted(host)} has no address")
        addresses = [_parsed(text, host) for text in found]
        for address in addresses:
            self._check_address(address, port, name=host)
        return tuple(map(str, addresses))

    def _check_address(self, address: IpAddress, port: int, name: str | None = None) -> None:
        """Check an address of an allowed ``name``, or a literal one. Raises CallFailed."""
        kind = _kind(address)
        if kind == "loopback" or (kind == "public" and name is not None):
            return
        may_be = kind in ("private", "public")
        if may_be and self._names(str(address), port):
            return
        at = f"{address} is" if name is None else f"{name} is at {address},"
        more = f"; allow it: --allow-host {address}" if may_be else ""
        raise CallFailed(
            OutcomeName.BLOCKED, f"{at} a {kind} address, to which nothing is sent{more}"
        )


def _read_allowed(entry: str) -> tuple[str, int | None]:
    """Return the host, and the port if only one is allowed. Raises UsageError."""
    found = _PLACE.fullmatch(entry)
    literal = None
    if found is None and entry.count(":") > 1:  # an IPv6 address without brackets
        found, literal = _PLACE.fullmatch(f"[{entry}]"), entry
    allowed = "a host name or an address, optionally followed by :PORT"
    if found is None:
        raise UsageError("allow_host", seen=quoted(entry), allowed=allowed)
    bracketed, name, port = found.groups()
    host = (literal or bracketed or name).lower()
    try:
        address = _literal(host)
    except CallFailed:
        raise UsageError("allow_host", seen=quoted(entry), allowed=allowed) from None
    if address is not None:
        host = str(address)
        if _kind(address) not in ("loopback", "private", "public"):
            allowed = "an address of one host, other than link-local and mapped ones"
            raise UsageError("allow_host", seen=quoted(entry), allowed=allowed)
    number = None if port is None else int(port)
    if number is not None and number > 65_535:
        raise UsageError("allow_host", seen=quoted(entry), allowed="a port up to 65535")
    return host, number


def _read(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and target of a URL. Raises CallFailed."""
    if len(url) > _MAX_URL:
        raise CallFailed(
            OutcomeName.BAD_URL,
            f"the URL has {len(url)} characters; allowed is at most {_MAX_URL}",
        )
    found = _URL.fullmatch(url)
    if found is None:
        raise CallFailed(
            OutcomeName.BAD_URL,
            f"{quoted(redact_url(url))} is not a URL; allowed is http://host/path",
        )
    scheme, authority, target = found[1].lower(), found[2], found[3]
    if scheme not in _PORTS:
        raise CallFailed(
            OutcomeName.BLOCKED,
            f"scheme {quoted(scheme)} is not supported; allowed is http or https",
        )
    if "@" in authority:
        raise CallFailed(OutcomeName.BLOCKED, "user and password in a URL are not allowed")
    place = _PLACE.fullmatch(authority)
    if place is None or "\\" in url:
        raise CallFailed(OutcomeName.BLOCKED, f"{quoted(authority)} is not a plain host and port")
    bracketed, name, given = place.groups()
    if bracketed is not None and ":" not in bracketed:
        raise CallFailed(OutcomeName.BLOCKED, f"{quoted(authority)} is not an address")
    port = int(given or _PORTS[scheme])
    if port > 65_535:
        raise CallFailed(OutcomeName.BLOCKED, f"port {port} does not exist")
    if target and _PLAIN.fullmatch(target) is None:
        raise CallFailed(
            OutcomeName.BAD_URL, f"{quoted(redact_url(target))} is not percent-encoded ASCII"
        )
    path = target if target.startswith("/") else f"/{target}"
    return scheme, (bracketed or name).lower(), port, path


def _literal(host: str) -> IpAddress | None:
    """Return a host's literal address, None for a name. Raises CallFailed for odd notations."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    if ":" in host or _NUMERIC.fullmatch(host.rpartition(".")[2]):
        raise CallFailed(
            OutcomeName.BLOCKED,
            f"{quoted(host)} is an unusual notation of an address; write 127.0.0.1 or [::1]",
        )
    return None


def _parsed(text: str, host: str) -> IpAddress:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or getattr(address, "scope_id", None):
        raise CallFailed(
            OutcomeName.BLOCKED, f"{host} is at {quoted(text)}, which is not a plain address"
        )
    return address


def _kind(address: IpAddress) -> str:
    """Return ``loopback``, ``private``, ``public``, or a kind that is never called."""
    if str(address) == "::1":
        return "loopback"
    for kind, networks in _NEVER.items():
        if any(address.version == one.version and address in one for one in networks):
            return kind
    if address.is_loopback:
        return "loopback"
    if address.is_reserved:
        return "reserved"
    return "public" if address.is_global else "private"
