"""The route of a request: a response, the API of a world, or Flask.

``resolve_scope`` and ``resolve_environ`` decide it by the head of the request. Headers have the
names of CGI, such as HTTP_ACCEPT, for every server.
"""

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import orjson

from crmcom_kit.mock_server.access import Access, Caller, api_refusal
from crmcom_kit.mock_server.http.cors import cors_headers, is_preflight
from crmcom_kit.mock_server.protocol.request import Request
from crmcom_kit.mock_server.protocol.response import Response, usage_error_response
from crmcom_kit.mock_server.world.registry import WORLDS, WorldRegistry
from crmcom_kit.mock_server.world.world import DEFAULT, World
from crmcom_kit.schemas import API_PATH
from crmcom_kit.usage_errors import UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
#: Paths on which containers and balancers check that the mock is alive, and ready for requests.
#: They need no token and show no content.
HEALTH_PATHS = LIVE, READY = "/livez", "/readyz"

_BELOW_API = f"{API_PATH}/"
_ROOT_OF_API = "/" + API_PATH.split("/")[1]
# Some servers copy the environment of the process into environ: HTTP_PROXY would be a header.
_NOT_HEADERS = frozenset(name for name in os.environ if name.startswith("HTTP_"))
_BARE_NAMES = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


class ClientLeft(Exception):
    """The connection ended before the request did."""


class Route(NamedTuple):
    """The route of a request.

    It has its ``response`` already, or goes to the ``api`` of a world. Otherwise it goes to the
    pages and the control API, which check callers and worlds themselves.
    """

    world_name: str
    path: str  # within the world
    headers: Mapping[str, Any]
    cors: list[tuple[str, str]]  # further headers of the response
    response: Response | None = None
    api: tuple[World, Request] | None = None  # the request without its body


def resolve_scope(registry: WorldRegistry, scope: Scope) -> Route:
    """Return the route of a request from an ASGI server."""
    headers = asgi_headers(scope["headers"])
    verb, client = scope["method"], client_of(scope)

    def request(path: str) -> Request:
        content_type, api_headers = headers.get("CONTENT_TYPE", ""), headers
        if content_type or "CONTENT_LENGTH" in headers:
            api_headers = {name: value for name, value in headers.items() if name[:8] != "CONTENT_"}
        return _request(verb, path, scope["query_string"], content_type, client, api_headers)

    return _resolve(registry, verb, scope["path"], client, headers, request)


def resolve_environ(registry: WorldRegistry, environ: "WSGIEnvironment") -> Route:
    """Return the route of a request from a WSGI server."""
    verb, client = environ["REQUEST_METHOD"], environ.get("REMOTE_ADDR")

    def request(path: str) -> Request:
        path = path.encode("latin-1", "replace").decode("utf-8", "replace")
        query = environ.get("QUERY_STRING", "").encode("latin-1")
        api_headers = {
            name: value
            for name, value in environ.items()
            if name[:5] == "HTTP_" and name not in _NOT_HEADERS
        }
        return _request(verb, path, query, environ.get("CONTENT_TYPE", ""), client, api_headers)

    return _resolve(registry, verb, environ["PATH_INFO"], client, environ, request)


def _resolve(
    registry: WorldRegistry,
    verb: str,
    path: str,
    client: str | None,
    headers: Mapping[str, Any],
    request: Callable[[str], Request],
) -> Route:
    name, world_path = DEFAULT, path
    if path.startswith(WORLDS):
        name, slash, world_path = path.removeprefix(WORLDS).partition("/")
        world_path = slash + world_path
    cors = cors_headers(registry.access, verb, headers)
    api_path, response, api = _api_path(world_path), None, None
    if cors is not None and is_preflight(verb, headers):
        response = Response(204, b"", "text/plain; charset=utf-8")
    elif path in HEALTH_PATHS:
        response = _health(path, registry)
    elif api_path is not None:
        world = world_or_refusal(registry, name, client, headers)
        if isinstance(world, Response):
            response = world
        else:
            api = world, request(api_path)
    return Route(name, world_path, headers, cors or [], response, api)


def world_or_refusal(
    registry: WorldRegistry,
    name: str,
    client: str | None,
    headers: Mapping[str, Any],
    refusal: Callable[[Access, Caller], str | None] = api_refusal,
) -> World | Response:
    """Return the world of that name; a response if ``refusal`` refuses the sender."""
    caller = Caller.of(client, headers)
    reason = refusal(registry.access, caller)
    if reason is not None:
        return Response(403, orjson.dumps({"error": reason}), "application/json")
    try:
        return registry.world_for(name, caller, headers.get("HTTP_X_MOCK_ADMIN_TOKEN"))
    except UsageError as error:
        return usage_error_response(error)


def _api_path(path: str) -> str | None:
    """Return a path within a world as the API names it; None if it is not the API's."""
    if path.startswith(_BELOW_API):
        return path[len(_BELOW_API) :].removesuffix("/")
    is_api = path == _ROOT_OF_API or path.startswith(f"{_ROOT_OF_API}/")
    return path[1:].removesuffix("/") if is_api else None


def _health(path: str, registry: WorldRegistry) -> Response:
    is_stopping = path == READY and registry.closing.is_set()
    status, text = (503, b"stopping\n") if is_stopping else (200, b"ok\n")
    return Response(status, text, "text/plain; charset=utf-8")


def _request(
    verb: str,
    path: str,
    query: bytes,
    content_type: str,
    client: str | None,
    headers: Mapping[str, str],
) -> Request:
    """Return a request to ``path`` of the API without its body; HEAD is a GET to it."""
    return Request(
        "GET" if verb == "HEAD" else verb,
        path,
        query,
        b"",
        content_type,
        headers.get("HTTP_AUTHORIZATION", ""),
        client,
        headers,
    )


def client_of(scope: Scope) -> str:
    """Return the address of a request's sender; "-" if it has reset the connection."""
    client: tuple[str, int] | None = scope["client"]
    return "-" if client is None else client[0]


def asgi_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers of a scope, including CONTENT_TYPE and CONTENT_LENGTH."""
    values: dict[str, str] = {}
    for name, value in headers:
        cgi_name = _cgi_name(name)
        if cgi_name in values:
            values[cgi_name] = f"{values[cgi_name]}, {value.decode('latin-1')}"
        elif cgi_name:
            values[cgi_name] = value.decode("latin-1")
    return values


@lru_cache(maxsize=1024)
def _cgi_name(name: bytes) -> str:
    """Return the name of a header in CGI; "" if another header has that name."""
    if name in _BARE_NAMES:
        return _BARE_NAMES[name]
    return "" if b"_" in name else f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"


def has_body(headers: Mapping[str, str]) -> bool:
    """Return True if a request has a body, which may be empty."""
    return "CONTENT_LENGTH" in headers or "HTTP_TRANSFER_ENCODING" in headers


async def read_body(
    headers: Mapping[str, str], receive: Receive, file: IO[bytes], limit: int
) -> bool:
    """Write a body to a file; stop and return False if it is longer than ``limit``.

    Raises:
        ClientLeft: the connection ended in the middle of the body.
    """
    length = headers.get("CONTENT_LENGTH")
    if length is not None and int(length) > limit:
        return False
    has_more = has_body(headers) if length is None else int(length) > 0
    while has_more and file.tell() <= limit:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientLeft
        file.write(message["body"])
        has_more = message["more_body"]
    return file.tell() <= limit
