"""Who may use the control API: the holders of its token, or else this machine, but no web page."""

import hmac
from typing import TYPE_CHECKING, NamedTuple

from crmcom_kit.mock_server.access import Access, is_loopback, name_refusal, origin_refusal
from crmcom_kit.mock_server.admin.document import PREFIX
from crmcom_kit.mock_server.deliveries.senders import OWN_HEADER
from crmcom_kit.mock_server.world.routing import ADMIN_TOKEN_HEADER, admin_token_in

if TYPE_CHECKING:
    from flask import Request

RECEIVER = f"{PREFIX}/receiver/in"
#: Headers by which a proxy says that it passes on what somebody else asks.
_PROXY_HEADERS = ("Forwarded", "Via")
_PROXY_PREFIX = "X-Forwarded-"


class Refusal(NamedTuple):
    """Why a caller may not use the control API."""

    text: str
    status: int


def refusal(request: "Request", access: Access) -> Refusal | None:
    """Return why the sender of a request may not use the control API; None if it may."""
    if request.path == RECEIVER and is_loopback(request.remote_addr):
        return None  # who sends webhooks knows no token
    if OWN_HEADER in request.headers:
        # Else a definition's URL could make the mock command itself.
        return Refusal(f"{PREFIX} takes no deliveries except at {RECEIVER}", 403)
    if access.admin_token is not None:
        headers = request.headers
        given = admin_token_in(headers.get(ADMIN_TOKEN_HEADER), headers.get("Authorization"))
        if hmac.compare_digest((given or "").encode(), access.admin_token.encode()):
            return None
        return Refusal(f"{PREFIX} needs the token of --admin-token, in {ADMIN_TOKEN_HEADER}", 401)
    seen = _stranger(request, access)
    return None if seen is None else Refusal(f"{PREFIX} {seen}", 403)


def _stranger(request: "Request", access: Access) -> str | None:
    """Return how a request shows that it does not come from this machine's own tools."""
    if not is_loopback(request.remote_addr):
        return f"answers to loopback addresses only; seen {request.remote_addr}"
    proxy = next((name for name, _ in request.headers if _is_of_proxy(name)), None)
    if proxy is not None:
        # A proxy on this machine would open it to everybody.
        return f"needs --admin-token to answer through a proxy; seen {proxy}"
    refused = name_refusal(access, request.host)
    if refused is not None:
        return f"{refused}; --allow-name allows another name, and --admin-token any"
    origin = request.headers.get("Origin")
    if origin is not None:
        # A page in this machine's browser comes from loopback, too.
        return origin_refusal(origin, request.host)
    is_link = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and not is_link:
        return "does not answer pages of other origins; seen Sec-Fetch-Site: cross-site"
    return None


def _is_of_proxy(name: str) -> bool:
    return name.title() in _PROXY_HEADERS or name.title().startswith(_PROXY_PREFIX)
