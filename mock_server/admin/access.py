"""Who may use the control API: the holders of its token, or else this machine, but no web page."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.access import Caller, api_refusal, is_loopback
from crmcom_kit.mock_server.admin.document import PREFIX
from crmcom_kit.mock_server.deliveries.senders import OWN_HEADER
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.routing import ADMIN_TOKEN_HEADER, admin_token_in

if TYPE_CHECKING:
    from flask import Request

RECEIVER = f"{PREFIX}/receiver/in"


def refusal(
    request: "Request", registry: WorldRegistry, place: str = PREFIX
) -> tuple[str, HTTPStatus] | None:
    """Return why, and with which status, a request is refused; None if its sender may call.

    ``place`` is what messages say that the request is to.
    """
    if request.path == RECEIVER and is_loopback(request.remote_addr):
        return None  # the senders of webhooks have no token
    headers = request.headers
    if OWN_HEADER in headers:
        # Else a definition's URL could make the mock command itself.
        return f"{place} accepts deliveries only at {RECEIVER}", HTTPStatus.FORBIDDEN
    if registry.access.admin_token is not None:
        if registry.is_admin(admin_token_of(request)):
            return None
        text = f"{place} requires the admin token (--admin-token) in {ADMIN_TOKEN_HEADER}"
        return text, HTTPStatus.UNAUTHORIZED
    seen = _stranger(request, registry, place)
    return None if seen is None else (seen, HTTPStatus.FORBIDDEN)


def admin_token_of(request: "Request") -> str | None:
    """Return the admin token that a request carries."""
    headers = request.headers
    return admin_token_in(headers.get(ADMIN_TOKEN_HEADER), headers.get("Authorization"))


def _stranger(request: "Request", registry: WorldRegistry, place: str) -> str | None:
    """Return how a request shows that it does not come from this machine's own tools."""
    if not is_loopback(request.remote_addr):
        return (
            f"{place} accepts only callers on this machine; seen {request.remote_addr}; "
            "start the mock with --admin-token to allow others"
        )
    for name, _ in request.headers:
        if name in ("Forwarded", "Via") or name.startswith("X-Forwarded-"):
            # A proxy on this machine would open it to other machines.
            return f"{place} needs --admin-token to be called through a proxy; seen {name}"
    headers = request.headers
    is_link = request.method == "GET" and headers.get("Sec-Fetch-Mode") == "navigate"
    site = None if is_link else headers.get("Sec-Fetch-Site")
    caller = Caller(request.remote_addr, headers.get("Host"), headers.get("Origin"), site)
    return api_refusal(registry.access, caller)
