"""From what a server hands over to a request of the API and to the world that it is for.

Headers are named as CGI names them, HTTP_ACCEPT and so on, whatever the server is.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from crmcom_kit.mock_server.access import Access, Caller, api_refusal
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Response, usage_error_response
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import API_PATH
from crmcom_kit.usage_errors import UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_BELOW_API = f"{API_PATH}/"
_ROOT_OF_API = "/" + API_PATH.split("/")[1]
# Some servers put the process's environment into each environ: HTTP_PROXY would be a header there.
_NOT_HEADERS = frozenset(name for name in os.environ if name.startswith("HTTP_"))
_BARE_NAMES = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


def api_path(path: str) -> str | None:
    """Return a path within a world as the API knows it; None if it is not the API's."""
    if path.startswith(_BELOW_API):
        return path[len(_BELOW_API) :].removesuffix("/")
    is_api = path == _ROOT_OF_API or path.startswith(f"{_ROOT_OF_API}/")
    return path[1:].removesuffix("/") if is_api else None


def wsgi_headers(environ: "WSGIEnvironment") -> dict[str, str]:
    """Return the headers of an environ, Content-Type and Content-Length not among them."""
    return {
        name: value
        for name, value in environ.items()
        if name[:5] == "HTTP_" and name not in _NOT_HEADERS
    }


def asgi_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers of a scope, CONTENT_TYPE and CONTENT_LENGTH among them."""
    found: dict[str, str] = {}
    for name, value in headers:
        known = _cgi_name(name)
        if known in found:
            found[known] = f"{found[known]}, {value.decode('latin-1')}"
        elif known:
            found[known] = value.decode("latin-1")
    return found


@lru_cache(maxsize=1024)
def _cgi_name(name: bytes) -> str:
    """Return what CGI calls a header; nothing if another one has that name."""
    if name in _BARE_NAMES:
        return _BARE_NAMES[name]
    return "" if b"_" in name else f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"


def request_of(
    verb: str,
    path: str,
    query: bytes,
    body: bytes | None,
    content_type: str,
    client: str | None,
    headers: Mapping[str, str],
) -> Request:
    """Return a request to ``path`` of the API; HEAD is a GET to it."""
    return Request(
        "GET" if verb == "HEAD" else verb,
        path,
        query,
        body,
        content_type,
        headers.get("HTTP_AUTHORIZATION", ""),
        headers.get("HTTP_X_MOCK_PREFER", ""),
        client,
        headers,
    )


def world_or_refusal(
    registry: WorldRegistry,
    name: str,
    address: str | None,
    headers: Mapping[str, Any],
    refusal: Callable[[Access, Caller], str | None] = api_refusal,
) -> World | Response:
    """Return the world that a request is for, or the response if the request is refused.

    ``name`` is what ``split_path`` found, ``address`` the sender's; ``headers`` may be an environ.
    ``refusal`` says why a sender gets nothing.
    """
    caller = Caller.of(address, headers)
    why = refusal(registry.access, caller)
    if why is not None:
        return Response(403, orjson.dumps({"error": why}), "application/json")
    try:
        return registry.world_for(name, caller, headers.get("HTTP_X_MOCK_ADMIN_TOKEN"))
    except UsageError as error:
        return usage_error_response(error)
