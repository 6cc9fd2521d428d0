"""Who may use the control API: whoever has the token, or else this machine, but no web page."""

import hmac
import ipaddress
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from crmcom_kit.mock_server.admin.document import PREFIX
from crmcom_kit.mock_server.deliveries.senders import OWN_HEADER
from crmcom_kit.mock_server.quoting import quoted

if TYPE_CHECKING:
    from flask import Request

RECEIVER = f"{PREFIX}/receiver/in"
TOKEN_HEADER = "X-Mock-Admin-Token"


class Refusal(NamedTuple):
    """Why a caller may not use the control API."""

    text: str
    status: int


def refusal(request: "Request", token: str | None, name: str | None = None) -> Refusal | None:
    """Return why a caller may not use the control API; None where it may.

    Args:
        request: what is asked.
        token: whoever sends it may call from anywhere; without one only loopback may call.
        name: the host that somebody serves the mock under.
    """
    if request.path == RECEIVER and _is_loopback(request.remote_addr):
        return None  # whoever sends webhooks knows no token
    if OWN_HEADER in request.headers:
        # Else a definition's URL could make the mock command itself.
        return Refusal(f"{PREFIX} takes no deliveries but at {RECEIVER}", 403)
    if token is not None:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        given = request.headers.get(TOKEN_HEADER) or (bearer if scheme.lower() == "bearer" else "")
        if hmac.compare_digest(given.strip().encode(), token.encode()):
            return None
        return Refusal(f"{PREFIX} wants the token of --admin-token, in {TOKEN_HEADER}", 401)
    if not _is_loopback(request.remote_addr):
        seen = request.remote_addr
        return Refusal(f"{PREFIX} answers to loopback addresses only; seen {seen}", 403)
    host = _name_in(f"//{request.host}")
    if not (_is_ours(host) or host == (name or "").lower()):
        # A page may let its own name lead here; then its reads come without an Origin.
        text = f"{PREFIX} answers to localhost and to addresses; seen host {quoted(request.host)}"
        return Refusal(f"{text}; other names want --admin-token", 403)
    origin = request.headers.get("Origin")
    if origin is not None and not _is_own(origin, request.host):
        # A page in this machine's browser comes from loopback, too, whoever wrote it.
        text = f"{PREFIX} does not answer pages of other origins; seen {quoted(origin)}"
        return Refusal(text, 403)
    return None


def _is_loopback(address: str | None) -> bool:
    if address is None:  # in process, without a socket
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def _is_own(origin: str, host: str) -> bool:
    """Whether a page comes from this server, whose name has been looked at."""
    return origin.partition("://")[2] == host and bool(_name_in(origin))


def _name_in(url: str) -> str:
    """Return the host of a URL, in lower case; nothing where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_ours(host: str) -> bool:
    """Whether nobody else can have a host's name: an address, or a name that no DNS leads to."""
    if host == "localhost" or host.endswith((".localhost", ".invalid")):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
