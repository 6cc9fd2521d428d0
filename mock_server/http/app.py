"""The WSGI application: wiring, requests of the API, and Flask with the pages."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from flask import Flask, abort, request
from flask import Response as FlaskResponse
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.routing import Rule
from werkzeug.wsgi import get_input_stream

from crmcom_kit.mock_server.access import host_refusal
from crmcom_kit.mock_server.admin.contract import Reply
from crmcom_kit.mock_server.admin.reference import ASSETS, reference_asset, reference_page
from crmcom_kit.mock_server.admin.routing import (
    WORLD_KEY,
    WORLD_NAME_KEY,
    add_control_api,
    no_view,
    not_found,
    response_of,
)
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.console.assets import Asset, assets, page
from crmcom_kit.mock_server.http.endings import begin
from crmcom_kit.mock_server.http.requests import resolve_environ, world_or_refusal
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES, Request
from crmcom_kit.mock_server.protocol.response import Response, usage_error_response
from crmcom_kit.mock_server.world.factory import make_world
from crmcom_kit.mock_server.world.registry import CONTROL, WorldRegistry, is_control
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import API_PATH
from crmcom_kit.schemas.openapi import openapi_document
from crmcom_kit.usage_errors import UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def create_app(world: World | WorldRegistry | None = None, **options: Any) -> Flask:
    """Return the mock as a WSGI application, which serves every route under any WSGI server.

    Args:
        world: the default world, or several; by default made by ``make_world(**options)``.
        options: the options of ``make_world``.

    Hooks of the application apply to its pages and the control API, but not to the API.

    Raises:
        UnknownRelease, DialectError, DataError: an option is not allowed.
        TypeError: both a world and options.
    """
    if world is None:
        world = make_world(**options)
    elif options:
        msg = f"create_app: {', '.join(options)} together with a world; allowed is only one of them"
        raise TypeError(msg)
    app = _Application(__name__, static_folder=None)
    registry = world if isinstance(world, WorldRegistry) else WorldRegistry(world)
    app.wsgi_app = _WorldMiddleware(app.wsgi_app, registry)  # type: ignore[method-assign]
    add_control_api(app, registry)
    app.before_request(partial(_find_world, registry))
    for code in (400, 404, 405):  # a Host that no host can have, another path, another verb
        app.register_error_handler(code, _no_view)
    app.register_error_handler(500, _internal_error)
    app.add_url_rule("/", "console", _home)
    app.add_url_rule("/console/<path:path>", "console_asset", _console_asset)
    app.add_url_rule("/openapi.json", "openapi", _openapi)
    app.add_url_rule("/docs", "docs", lambda: response_of(reference_page("the API")))
    for folder in ("/docs", f"{CONTROL}/docs"):
        app.add_url_rule(f"{folder}/<name>", "docs_asset", _docs_asset)
    return app


class _Rule(Rule):
    """Compiles the builder of URLs at its first use: it takes most of ``create_app``'s time."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001, FBT002
        compile_builder = super()._compile_builder

        def build(_: Rule, **values: Any) -> tuple[str, str]:
            return compile_builder(append_unknown)(self, **values)

        return build


class _Application(Flask):
    """Flask whose routes seldom build a URL: each test may make an application."""

    url_rule_class = _Rule


class _WorldMiddleware:
    """Hands each request to the API of its world, or to Flask.

    The part of the path that names a world goes to SCRIPT_NAME.
    """

    def __init__(self, app: "WSGIApplication", registry: WorldRegistry) -> None:
        self._app, self._registry = app, registry

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        route = resolve_environ(self._registry, environ)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            return start_response(status, headers + route.cors, *exc_info)

        if route.response is not None:
            return begin(route.response, start, environ["REQUEST_METHOD"])
        path = route.path
        root = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"].removesuffix(path)
        # A copy: middleware around this application still needs the complete path.
        app_environ = {**environ, "SCRIPT_NAME": root, "PATH_INFO": path}
        app_environ[WORLD_NAME_KEY] = route.world_name
        if environ.get("wsgi.input_terminated"):  # the server decodes chunks
            app_environ["wsgi.input"] = _Chunks(environ["wsgi.input"])
        if route.api is None:
            return self._app(app_environ, start)
        world, request = route.api
        return begin(_api_response(world, request, app_environ), start, environ["REQUEST_METHOD"])


class _Chunks:
    """A body in chunks; an error in them counts as a client that has left."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except Exception as error:  # the class depends on the server
            raise ConnectionError from error  # from which werkzeug makes ClientDisconnected


def _api_response(world: World, request: Request, environ: "WSGIEnvironment") -> Response:
    """Return the response of ``world`` to a request whose body an environ has."""
    body: bytes | None
    try:
        body = get_input_stream(environ, max_content_length=MAX_BODY_BYTES).read()
    except RequestEntityTooLarge:
        body = None
    except ClientDisconnected:  # in the middle of the body, of which nothing is used
        error = UsageError("body", seen="only a part", allowed="the whole body")
        return usage_error_response(error)
    return dispatch(world, request._replace(body=body))


def _find_world(registry: WorldRegistry) -> FlaskResponse | None:
    """Find the world of a request to a page, or refuse its sender."""
    if is_control(request.path):  # which finds its world itself
        return None
    environ, name = request.environ, request.environ[WORLD_NAME_KEY]
    world = world_or_refusal(registry, name, request.remote_addr, environ, host_refusal)
    if isinstance(world, Response):
        return FlaskResponse(world.body, world.status, content_type=world.content_type)
    environ[WORLD_KEY] = world
    return None


def _no_view(error: HTTPException) -> FlaskResponse:
    if is_control(request.path):
        return not_found(error)
    text = f"nothing here; the API is below {API_PATH}, the control API below {CONTROL}"
    return no_view(error, text)


def _internal_error(_: HTTPException) -> FlaskResponse:
    """Return the response to a request in which the mock failed; Flask has logged the error."""
    return response_of(Reply({"error": "internal error of the mock; its log says more"}, 500))


def _home() -> FlaskResponse:
    return _asset(page(request.script_root))


def _console_asset(path: str) -> FlaskResponse:
    asset = assets().get(path)
    return abort(404) if asset is None else _asset(asset)


def _asset(asset: Asset) -> FlaskResponse:
    return FlaskResponse(asset.content, headers=asset.headers, content_type=asset.content_type)


def _openapi() -> FlaskResponse:
    """Return the API's OpenAPI document, as ``crmcom-kit openapi`` prints it, with this server."""
    config = request.environ[WORLD_KEY].config
    server_url = f"{request.host_url.removesuffix('/')}{request.script_root}{API_PATH}"
    document = openapi_document(config.release.name, dialect=config.dialect, server_url=server_url)
    return response_of(Reply(document))


def _docs_asset(name: str) -> FlaskResponse:
    return response_of(reference_asset(name)) if name in ASSETS else abort(404)
