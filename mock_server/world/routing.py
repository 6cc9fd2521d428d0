"""Which world a request is for: the one that its path names, or its header, or the default one."""

from typing import TYPE_CHECKING

from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import NotFound, UsageError
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import DEFAULT, World

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

WORLDS = "/worlds/"
#: What the paths of the control API begin with, behind what names a world.
CONTROL = "/__admin"
#: The header that names a world, as CGI calls it.
HEADER = "HTTP_X_MOCK_WORLD"
#: Where the world stands for those behind the one who picked it.
PICKED = "crmcom_kit.world"


def is_control(path: str) -> bool:
    """Whether a path, without what names a world, is the control API's."""
    return path == CONTROL or path.startswith(f"{CONTROL}/")


def is_control_of_any(path: str) -> bool:
    """Whether a path, whatever world it names, is the control API's."""
    if path.startswith(WORLDS):
        _, slash, rest = path.removeprefix(WORLDS).partition("/")
        path = slash + rest
    return is_control(path)


def names_a_world(environ: "WSGIEnvironment") -> bool:
    """Whether path or header say which world the request is for."""
    return environ["PATH_INFO"].startswith(WORLDS) or HEADER in environ


def picked(environ: "WSGIEnvironment", registry: WorldRegistry) -> tuple[World, str, str]:
    """Return the world, what of the path names it, and the rest of the path.

    Raises:
        UsageError: there can be no world of that name, or path and header differ.
    """
    path: str = environ["PATH_INFO"]
    header: str | None = environ.get(HEADER)
    if not path.startswith(WORLDS):
        return (registry.default if header is None else registry.get(header)), "", path
    name, slash, rest = path.removeprefix(WORLDS).partition("/")
    if header is not None and header != name:
        allowed = f"{quoted(name)}, as in the path"
        raise UsageError("X-Mock-World", seen=quoted(header), allowed=allowed)
    return registry.get(name), WORLDS + name, slash + rest


def world_of(environ: "WSGIEnvironment", registry: WorldRegistry) -> World:
    """Return the world that a request was for, without making one: else the default one."""
    path: str = environ["PATH_INFO"]
    if path.startswith(WORLDS):
        name = path.removeprefix(WORLDS).partition("/")[0]
    else:
        name = environ.get(HEADER, DEFAULT)
    try:
        return registry.find(name)
    except NotFound:  # it was ended by this request, say
        return registry.default
