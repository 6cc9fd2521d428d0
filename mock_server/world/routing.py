"""Which world a request is for: the one that its path names, or its header, or the default one."""

from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import NotFound, UsageError
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import DEFAULT, World

WORLDS = "/worlds/"
#: What the paths of the control API begin with, after what names a world.
CONTROL = "/__admin"
#: The header that names a world, as CGI calls it.
WORLD_HEADER = "HTTP_X_MOCK_WORLD"
#: Where an environ has the world that its path and header name.
PICKED = "crmcom_kit.world"


def is_control(path: str) -> bool:
    """Whether a path, without what names a world, is the control API's."""
    return path == CONTROL or path.startswith(f"{CONTROL}/")


def split_path(path: str) -> tuple[str | None, str]:
    """Return the name of the world in a path, None if it names none, and the rest of the path."""
    if not path.startswith(WORLDS):
        return None, path
    name, slash, rest = path.removeprefix(WORLDS).partition("/")
    return name, slash + rest


def world_for(name: str | None, header: str | None, registry: WorldRegistry) -> World:
    """Return the world that a path's name and a header mean; made now if it does not exist.

    Raises:
        UsageError: there can be no world of that name, or path and header differ.
    """
    if name is None:
        return registry.default if header is None else registry.get(header)
    if header is not None and header != name:
        allowed = f"{quoted(name)}, as in the path"
        raise UsageError("X-Mock-World", seen=quoted(header), allowed=allowed)
    return registry.get(name)


def world_of(path: str, header: str | None, registry: WorldRegistry) -> World:
    """Return the world that a request was for; the default one if that does not exist."""
    name, _ = split_path(path)
    try:
        return registry.find(name or header or DEFAULT)
    except NotFound:  # it was ended by this request, for example
        return registry.default
