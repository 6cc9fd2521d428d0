"""Check who may use the control API.

With an admin token, requests that carry it. Without one, programs on this machine, but no web page.
"""

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.access import Caller, api_refusal, host_refusal, is_loopback
from crmcom_kit.mock_server.deliveries.messages import OWN_HEADER
from crmcom_kit.mock_server.world.registry import ADMIN_TOKEN_HEADER, CONTROL, WorldRegistry
from crmcom_kit.mock_server.world.world import World

if TYPE_CHECKING:
    from flask import Request

_DOCS = f"{CONTROL}/docs"
# The headers that proxies, tunnels and content networks add to requests.
_FORWARDED = re.compile(
    r"(?:.*-)?(?:forwarded.*|via|cdn-loop|cf-.+|original-(?:for|host|ip)"
    r"|(?:client|connecting|connection|external|originating|proxyuser|real|remote|socket|user|viewer)"
    r"-?(?:ip|ipv6|addr|address))",
    re.IGNORECASE,
)


def refusal(request: "Request", registry: WorldRegistry) -> tuple[str, HTTPStatus] | None:
    """Return why, and with which status, a request is refused; None if its sender may call."""
    if OWN_HEADER in request.headers:
        # Otherwise a webhook sent to this API could control the mock.
        return f"{CONTROL} accepts no deliveries", HTTPStatus.FORBIDDEN
    if registry.access.admin_token is None:
        reason = _remote_reason(request, registry)
    elif registry.is_admin(request.headers.get(ADMIN_TOKEN_HEADER)):
        return None
    else:
        condition = f"requires the admin token (--admin-token) in {ADMIN_TOKEN_HEADER}"
        return f"{CONTROL} {condition}", HTTPStatus.UNAUTHORIZED
    return None if reason is None else (reason, HTTPStatus.FORBIDDEN)


def world_of(request: "Request", registry: WorldRegistry, name: str) -> World:
    """Return the world of a request that ``refusal`` accepted. Raises UsageError."""
    return registry.world_for(name, _caller(request), request.headers.get(ADMIN_TOKEN_HEADER))


def _remote_reason(request: "Request", registry: WorldRegistry) -> str | None:
    """Return why a request is not from a program on this machine; None if it is."""
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
    check = host_refusal if is_link and request.method == "GET" else api_refusal
    return check(registry.access, _caller(request))


def _caller(request: "Request") -> Caller:
    return Caller.of(request.remote_addr, request.environ)
