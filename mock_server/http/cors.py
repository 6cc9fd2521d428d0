"""Cross-origin resource sharing: headers for pages of allowed origins.

``access`` decides which origins are allowed. The headers are those of the Fetch standard (CORS
protocol).
"""

from collections.abc import Mapping
from typing import Any

from crmcom_kit.mock_server.access import Access, may_share

_VERBS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_MAX_AGE = "600"  # seconds for which a browser keeps the response


def cors_headers(
    access: Access, verb: str, headers: Mapping[str, Any]
) -> list[tuple[str, str]] | None:
    """Return the CORS headers of a response; None if it needs none.

    Args:
        access: which origins may read responses.
        verb: the HTTP method of the request.
        headers: those of the request, as CGI names them; may be an environ.
    """
    origin = headers.get("HTTP_ORIGIN")
    if origin is None or not may_share(access, origin):
        return None
    cors = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    if not is_preflight(verb, headers):
        return [*cors, ("Access-Control-Expose-Headers", "*")]
    cors += [("Access-Control-Allow-Methods", _VERBS), ("Access-Control-Max-Age", _MAX_AGE)]
    requested_headers = headers.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
    if requested_headers:
        cors.append(("Access-Control-Allow-Headers", requested_headers))
    if headers.get("HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK") == "true":
        cors.append(("Access-Control-Allow-Private-Network", "true"))
    return cors


def is_preflight(verb: str, headers: Mapping[str, Any]) -> bool:
    """Return True for a preflight request, with which a browser asks for permission."""
    return verb == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in headers
