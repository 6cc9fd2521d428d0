"""Cross-origin resource sharing: what browsers ask before a page of another origin may call.

Which origins may is decided in ``access``; here their responses get the headers that a browser
wants to see (Fetch standard, CORS protocol), and preflight requests their responses.
"""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.mock_server.access import Access, may_share
from crmcom_kit.mock_server.protocol.response import Response

_VERBS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_MAX_AGE = "600"  # seconds for which a browser need not ask again


def cors_headers(
    access: Access, verb: str, headers: Mapping[str, Any]
) -> list[tuple[str, str]] | None:
    """Return the headers that a response needs; None for a request that CORS has no part in.

    Args:
        access: which origins may read responses.
        verb: the HTTP method of the request.
        headers: those of the request, as CGI names them; may be an environ.
    """
    origin = headers.get("HTTP_ORIGIN")
    if origin is None or not may_share(access, origin):
        return None
    shared = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    if not is_preflight(verb, headers):
        return [*shared, ("Access-Control-Expose-Headers", "*")]
    shared += [("Access-Control-Allow-Methods", _VERBS), ("Access-Control-Max-Age", _MAX_AGE)]
    asked = headers.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
    if asked:
        shared.append(("Access-Control-Allow-Headers", asked))
    if headers.get("HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK") == "true":
        shared.append(("Access-Control-Allow-Private-Network", "true"))
    return shared


def is_preflight(verb: str, headers: Mapping[str, Any]) -> bool:
    """Return True if a browser only asks whether it may send a request."""
    return verb == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in headers


def preflight_response() -> Response:
    """Return the response to a preflight request of an allowed origin, without CORS headers."""
    return Response(204, b"", "text/plain; charset=utf-8")
