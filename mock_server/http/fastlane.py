"""A second shell: answers ordinary calls before Flask builds its request context.

The emulator's functions are the same; what is left out is the framework around them. Whatever is
unusual about a request (another path, another verb, a body where none belongs or in an unusual
wrapping) goes to Flask. Both give the same bytes and leave the same state.
"""

import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from crmcom_kit.mock_server.api.dispatch import dispatch
from crmcom_kit.mock_server.http.transmission import body_of, head_of, status_line
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES, Request, headers_of
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.routing import HEADER as WORLD_HEADER
from crmcom_kit.mock_server.world.routing import names_a_world, picked
from crmcom_kit.mock_server.world.world import World
from crmcom_kit.schemas import API_PATH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PLAIN_LENGTH = re.compile(r"[0-9]{1,7}", re.ASCII)


class _Lane(NamedTuple):
    path: str  # below the API's base path
    verb: str
    is_show: bool


class FastLane:
    """A WSGI application in front of the Flask one."""

    def __init__(self, app: "WSGIApplication", world: World | WorldRegistry) -> None:
        """Answer calls of the worlds' methods; leave the rest to ``app``."""
        self._app = app
        self._registry = world if isinstance(world, WorldRegistry) else WorldRegistry(world)
        config = self._registry.default.config
        self._lanes = {
            f"{API_PATH}/{method.path}": _Lane(method.path, method.verb, method.name == "show")
            for method in config.methods.values()
        }

    def at_once(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether the answer to a GET, without a body, waits for nobody: neither fault nor Flask.

        Args:
            path: as PATH_INFO has it.
            headers: by their names in CGI, without HTTP_ in front.
        """
        lane = self._lanes.get(path)
        if (
            lane is None
            or not lane.is_show
            or self._registry.default.current_epoch.faults.has_active
        ):
            return False
        return not ("X_MOCK_WORLD" in headers or "X_MOCK_PREFER" in headers)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        """Answer the request, here or in Flask."""
        world, lane = self._registry.default, self._lanes.get(environ["PATH_INFO"])
        if (lane is None or WORLD_HEADER in environ) and names_a_world(environ):
            try:
                world, _, path = picked(environ, self._registry)
            except UsageError:
                return self._app(environ, start_response)
            lane = self._lanes.get(path)
        if lane is None or lane.verb != environ["REQUEST_METHOD"] or environ.get("SCRIPT_NAME"):
            return self._app(environ, start_response)
        body = _body(environ, lane)
        if body is None:
            return self._app(environ, start_response)
        answer = dispatch(world, _raw(environ, lane, body))
        if answer.ending is not None:
            status, headers = head_of(answer)
            start_response(status_line(status), headers)
            return body_of(answer)
        start_response(status_line(answer.status), answer.headers())
        return [answer.body] if isinstance(answer.body, bytes) else answer.body


def _raw(environ: "WSGIEnvironment", lane: _Lane, body: bytes) -> Request:
    return Request(
        lane.verb,
        lane.path,
        environ.get("QUERY_STRING", "").encode("latin-1"),
        body,
        environ.get("CONTENT_TYPE", ""),
        environ.get("HTTP_AUTHORIZATION", ""),
        environ.get("HTTP_X_MOCK_PREFER", ""),
        environ.get("REMOTE_ADDR"),
        headers_of(environ),
    )


def _body(environ: "WSGIEnvironment", lane: _Lane) -> bytes | None:
    """Return the body; None where Flask has to say what is to be done with it."""
    length = environ.get("CONTENT_LENGTH") or ""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    if lane.verb == "GET":
        return b"" if length in ("", "0") else None
    if not _PLAIN_LENGTH.fullmatch(length) or int(length) > MAX_BODY_BYTES:
        return None
    body: bytes = environ["wsgi.input"].read(int(length))
    return body


class LateFlask:
    """The Flask application, made when a request needs it or when ``warm`` is called.

    Importing Flask is most of what a start would cost; the fast lane answers without it.
    """

    def __init__(self, world: World | WorldRegistry) -> None:
        """Serve ``world``, later."""
        self._world = world
        self._lock = threading.Lock()
        self._app: WSGIApplication | None = None

    def warm(self) -> "WSGIApplication":
        """Make the application, once."""
        with self._lock:
            if self._app is None:
                from crmcom_kit.mock_server.http.app import create_app

                self._app = create_app(self._world)
            return self._app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        """Answer the request with Flask."""
        return (self._app or self.warm())(environ, start_response)
