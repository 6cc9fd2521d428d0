"""The Flask application: wiring, and the views that hand requests to the emulator."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, render_template, request
from flask import Response as FlaskResponse
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from crmcom_kit import __version__
from crmcom_kit.mock_server.admin import ControlApp
from crmcom_kit.mock_server.admin.refusals import nothing_here, refused_call
from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.http.transmission import body_of, head_of, status_line
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES, Request, headers_of
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.mock_server.world.factory import make_world
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.routing import (
    CONTROL,
    PICKED,
    WORLD_HEADER,
    admin_token_in,
    is_control,
    split_path,
    world_for,
)
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import API_PATH

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def create_app(world: World | WorldRegistry | None = None, **options: Any) -> Flask:
    """Return the mock as a WSGI application.

    Args:
        world: what it serves: the default world, or several; made by ``make_world(**options)``
            where left out.
        options: those of ``make_world``.

    The control API is an application of its own: hooks that somebody adds are not for it.

    Raises:
        UnknownRelease, DialectError, DataError: an option is not allowed.
        TypeError: both a world and options.
    """
    if world is None:
        world = make_world(**options)
    elif options:
        msg = f"create_app: options {', '.join(options)} beside a world; allowed is one of both"
        raise TypeError(msg)
    app = Flask(__name__)
    app.url_map.merge_slashes = False  # a redirect would be an answer that the API never gives
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    registry = world if isinstance(world, WorldRegistry) else WorldRegistry(world)
    app.wsgi_app = _Picker(app.wsgi_app, registry)  # type: ignore[method-assign]
    _serve_api(app, registry.default.config.methods)
    app.add_url_rule("/", "home", _home)
    return app


class _Picker:
    """Finds the world of each request, and whether the control API is asked.

    What names a world counts as the path of the application.
    """

    def __init__(self, app: "WSGIApplication", registry: WorldRegistry) -> None:
        self._app = app
        self._control = ControlApp(registry)
        self._registry = registry

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        name, rest = split_path(path)
        token = admin_token_in(
            environ.get("HTTP_X_MOCK_ADMIN_TOKEN"), environ.get("HTTP_AUTHORIZATION")
        )
        try:
            world = world_for(name, environ.get(WORLD_HEADER), self._registry, token)
        except UsageError as error:
            return refused_call(error)(environ, start_response)
        root = environ.get("SCRIPT_NAME", "") + path[: len(path) - len(rest)]
        # A copy: whoever is in front, the access log say, still wants the whole path.
        environ = {**environ, PICKED: world, "SCRIPT_NAME": root, "PATH_INFO": rest}
        app = self._control if is_control(rest) else self._app
        return app(environ, start_response)


def _serve_api(app: Flask, known: Iterable[str]) -> None:
    """Hand everything below the API's base path to the emulator, ``known`` paths sooner."""

    def api(method: str) -> FlaskResponse:
        verb, environ = request.method, request.environ
        raw = Request(
            verb="GET" if verb == "HEAD" else verb,
            path=method.removesuffix("/"),
            query=environ.get("QUERY_STRING", "").encode("latin-1"),
            body=_body(environ),
            content_type=environ.get("CONTENT_TYPE", ""),
            authorization=environ.get("HTTP_AUTHORIZATION", ""),
            prefer=environ.get("HTTP_X_MOCK_PREFER", ""),
            client=environ.get("REMOTE_ADDR"),
            headers=headers_of(environ),
        )
        answer = dispatch(environ[PICKED], raw)
        ending = answer.ending
        if ending is None or (ending.kind == "cut" and verb == "HEAD"):
            return _Ready(answer)
        status, headers = head_of(answer)
        return _Ended(body_of(answer), status_line(status), headers)

    rule: dict[str, Any] = {"methods": _VERBS, "provide_automatic_options": False}
    app.add_url_rule(f"{API_PATH}/<path:method>", "api", api, **rule)
    for path in known:  # found sooner without a pattern
        app.add_url_rule(f"{API_PATH}/{path}", "api", api, defaults={"method": path}, **rule)

    def elsewhere(error: HTTPException) -> FlaskResponse:
        """Answer what Flask has no view for: below the API's path, too, this is the API."""
        if request.path.startswith("/crmapi"):
            return api(request.path.removeprefix("/").removeprefix(f"{API_PATH[1:]}/"))
        here = f"nothing here; the API is below {API_PATH}, the mock's own below {CONTROL}"
        return nothing_here(error, here)

    for code in (400, 404, 405):  # a Host that no host can have, another path, another verb
        app.register_error_handler(code, elsewhere)


class _Ended(FlaskResponse):
    """An answer whose connection ends: what says so is there for HEAD as well."""

    def get_app_iter(self, environ: "WSGIEnvironment") -> Iterable[bytes]:
        del environ
        return self.iter_encoded()


class _Ready(FlaskResponse):
    """An answer whose headers and body are sent as they are, with what somebody's hooks add."""

    def __init__(self, answer: Response) -> None:
        """Send ``answer``, whose headers need no check."""
        super().__init__(status=status_line(answer.status))
        self._answer = answer

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Start the answer and return its body."""
        body, headers = self._answer.body, self._answer.headers()
        if len(self.headers) > 1:  # besides a Content-Type, which is not the answer's
            headers += [header for header in self.headers if header[0] != "Content-Type"]
        start_response(self.status, headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            return ()
        return [body] if isinstance(body, bytes) else body


def _body(environ: "WSGIEnvironment") -> bytes | None:
    if not (environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ):
        return b""
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        return None
    except ClientDisconnected:  # in the middle of it: nothing of it is used
        return b""


def _home() -> str:
    from crmcom_kit.mock_server.admin.document import operations

    return render_template(
        "home.html",
        world=request.environ[PICKED],
        version=__version__,
        base=API_PATH,
        admin=CONTROL,
        operations=operations().values(),
    )
