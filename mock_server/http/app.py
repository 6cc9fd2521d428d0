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
    PICKED,
    PICKED_NAME,
    add_control_api,
    no_view,
    not_found,
    response_of,
)
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.console.assets import Asset, assets, page
from crmcom_kit.mock_server.http.endings import started
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
        world: what it serves: the default world, or several; made by ``make_world(**options)``
            by default.
        options: those of ``make_world``.

    Hooks that are added to it apply to its pages and the control API, and not to the API.

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
        app.register_error_handler(code, _nothing_here)
    app.register_error_handler(500, _internal_error)
    app.add_url_rule("/", "console", _home)
    app.add_url_rule("/console/<path:path>", "console_asset", _console_asset)
    app.add_url_rule("/openapi.json", "openapi", _openapi)
    app.add_url_rule("/docs", "docs", lambda: response_of(reference_page("the API")))
    for folder in ("/docs", f"{CONTROL}/docs"):
        app.add_url_rule(f"{folder}/<name>", "docs_asset", _docs_asset)
    return app


class _Rule(Rule):
    """Compiles how URLs are built when one is built: that would take most of an app's time."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001, FBT002
        compiled = super()._compile_builder

        def build(_: Rule, **values: Any) -> tuple[str, str]:
            return compiled(append_unknown)(self, **values)

        return build


class _Application(Flask):
    """Flask with routes of which usually no URL is built: each test may make one."""

    url_rule_class = _Rule


class _WorldMiddleware:
    """Hands each request to the API of its world, or to Flask.

    What names a world counts as the path of the application.
    """

    def __init__(self, app: "WSGIApplication", registry: WorldRegistry) -> None:
        self._app, self._registry = app, registry

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        resolved = resolve_environ(self._registry, environ)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, headers + resolved.cors, *rest)

        if resolved.response is not None:
            return started(resolved.response, start, environ["REQUEST_METHOD"])
        path = resolved.path
        root = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"].removesuffix(path)
        # A copy: what is around this application still needs the whole path.
        within = {**environ, "SCRIPT_NAME": root, "PATH_INFO": path}
        within[PICKED_NAME] = resolved.world_name
        if environ.get("wsgi.input_terminated"):  # by a server that reads chunks itself
            within["wsgi.input"] = _Chunks(environ["wsgi.input"])
        if resolved.api is None:
            return self._app(within, start)
        world, request = resolved.api
        return started(_api_response(world, request, within), start, environ["REQUEST_METHOD"])


class _Chunks:
    """A body in chunks; one that cannot be read counts as a client that has left."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except Exception as error:  # each server has errors of its own
            raise ConnectionError from error  # from which werkzeug makes ClientDisconnected


def _api_response(world: World, request: Request, environ: "WSGIEnvironment") -> Response:
    """Return the response of ``world`` to a request whose body an environ has."""
    body: bytes | None
    try:
        body = get_input_stream(environ, max_content_length=MAX_BODY_BYTES).read()
    except RequestEntityTooLarge:
        body = None
    except ClientDisconnected:  # in the middle of it: nothing of it is used
        error = UsageError("body", seen="only a part", allowed="the whole body")
        return usage_error_response(error)
    return dispatch(world, request._replace(body=body))


def _find_world(registry: WorldRegistry) -> FlaskResponse | None:
    """Find the world of a request to a page, or refuse its sender."""
    if is_control(request.path):  # which does so itself
        return None
    environ, name = request.environ, request.environ[PICKED_NAME]
    world = world_or_refusal(registry, name, request.remote_addr, environ, host_refusal)
    if isinstance(world, Response):
        return FlaskResponse(world.body, world.status, content_type=world.content_type)
    environ[PICKED] = world
    return None


def _nothing_here(error: HTTPException) -> FlaskResponse:
    if is_control(request.path):
        return not_found(error)
    here = f"nothing here; the API is below {API_PATH}, the control API below {CONTROL}"
    return no_view(error, here)


def _internal_error(_: HTTPException) -> FlaskResponse:
    """Return the response to a request in which the mock itself failed; Flask has logged why."""
    return response_of(Reply({"error": "internal error of the mock; its log says more"}, 500))


def _home() -> FlaskResponse:
    return _asset(page(request.script_root))


def _console_asset(path: str) -> FlaskResponse:
    asset = assets().get(path)
    return abort(404) if asset is None else _asset(asset)


def _asset(asset: Asset) -> FlaskResponse:
    return FlaskResponse(asset.content, headers=asset.headers, content_type=asset.content_type)


def _openapi() -> FlaskResponse:
    """Return the API's OpenAPI document: the one that ``crmcom-kit openapi`` prints, for here."""
    config = request.environ[PICKED].config
    here = f"{request.host_url.removesuffix('/')}{request.script_root}{API_PATH}"
    document = openapi_document(config.release.name, dialect=config.dialect, server_url=here)
    return response_of(Reply(document))


def _docs_asset(name: str) -> FlaskResponse:
    return response_of(reference_asset(name)) if name in ASSETS else abort(404)
