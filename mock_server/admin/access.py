"""Who may use the control API: the holders of its token, or else this machine, but no web page."""

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.access import Caller, api_refusal, host_refusal, is_loopback
from crmcom_kit.mock_server.deliveries.messages import OWN_HEADER
from crmcom_kit.mock_server.world.registry import ADMIN_TOKEN_HEADER, CONTROL, WorldRegistry
from crmcom_kit.mock_server.world.world import World

if TYPE_CHECKING:
    from flask import Request

RECEIVER = f"{CONTROL}/receiver/in"
#: The parameter in the built-in receiver's URL that opens it where there is an admin token.
SECRET = "secret"
_DOCS = f"{CONTROL}/docs"
# What proxies, tunnels and content networks add to the requests that they forward.
_FORWARDED = re.compile(
    r"(?:.*-)?(?:forwarded.*|via|cdn-loop|cf-.+|original-(?:for|host|ip)"
    r"|(?:client|connecting|connection|external|originating|proxyuser|real|remote|socket|user|viewer)"
    r"-?(?:ip|ipv6|addr|address))",
    re.IGNORECASE,
)


def refusal(request: "Request", registry: WorldRegistry) -> tuple[str, HTTPStatus] | None:
    """Return why, and with which status, a request is refused; None if its sender may call."""
    is_message = request.path == RECEIVER
    if OWN_HEADER in request.headers and not is_message:
        # Else a definition's URL could make the mock command itself.
        return f"{CONTROL} accepts deliveries only at {RECEIVER}", HTTPStatus.FORBIDDEN
    if registry.access.admin_token is None:
        seen = _stranger(request, registry)
    elif registry.is_admin(request.headers.get(ADMIN_TOKEN_HEADER)):
        return None
    elif is_message and registry.is_receiver_secret(request.args.get(SECRET)):
        seen = api_refusal(registry.access, _caller(request))
    else:
        text = f"requires the admin token (--admin-token) in {ADMIN_TOKEN_HEADER}"
        if is_message:
            text = f"{text}, or the URL that GET {CONTROL}/receiver shows"
        return f"{RECEIVER if is_message else CONTROL} {text}", HTTPStatus.UNAUTHORIZED
    return None if seen is None else (seen, HTTPStatus.FORBIDDEN)


def world_of(request: "Request", registry: WorldRegistry, name: str) -> World:
    """Return the world of that name for a request that is not refused. Raises UsageError."""
    token = request.headers.get(ADMIN_TOKEN_HEADER)
    may_create = request.path != RECEIVER
    return registry.world_for(name, _caller(request), token, may_create=may_create)


def _stranger(request: "Request", registry: WorldRegistry) -> str | None:
    """Return how a request shows that it does not come from this machine's own tools."""
    if not is_loopback(request.remote_addr):
        return (
            f"{CONTROL} accepts only callers on this machine; seen {request.remote_addr}; "
            "start the mock with --admin-token to allow others"
        )
    for name, _ in request.headers:
        if _FORWARDED.fullmatch(name):
            # A proxy on this machine would open it to other machines.
            return f"{CONTROL} needs --admin-token to be called through a proxy; seen {name}"
    # Any page may have a link to the reference.
    is_link = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.path == _DOCS
    find = host_refusal if is_link and request.method == "GET" else api_refusal
    return find(registry.access, _caller(request))


def _caller(request: "Request") -> Caller:
    return Caller.of(request.remote_addr, request.environ)
