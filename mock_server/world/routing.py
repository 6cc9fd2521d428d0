"""Which world a request is for: the one that its path names, else the default one.

Every shell, the access log and the control API ask this module. It takes a path, so that it works
for WSGI and ASGI alike.
"""

from collections.abc import Callable

from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.world import DEFAULT, World
from crmcom_kit.usage_errors import NotFound, quoted

WORLDS = "/worlds/"
#: Where the paths of the control API begin, after the part that names a world.
CONTROL = "/__admin"
#: The key under which a WSGI environ has the world that the request is for.
PICKED = "crmcom_kit.world"
#: The key under which it has the name of the world in the path, None if the path names none.
PICKED_NAME = "crmcom_kit.world_name"
#: The header that carries the admin token.
ADMIN_TOKEN_HEADER = "X-Mock-Admin-Token"


def is_control(path: str) -> bool:
    """Return True if a path within a world belongs to the control API."""
    return path == CONTROL or path.startswith(f"{CONTROL}/")


def split_path(path: str) -> tuple[str | None, str]:
    """Return the name of the world in a path, None if it names none, and the rest of the path."""
    if not path.startswith(WORLDS):
        return None, path
    name, slash, rest = path.removeprefix(WORLDS).partition("/")
    return name, slash + rest


def world_for(name: str | None, registry: WorldRegistry, may_create: Callable[[], bool]) -> World:
    """Return the world that a path's name means; it is created on first use.

    Args:
        name: what ``split_path`` found.
        registry: the worlds.
        may_create: returns whether the request creates a world that does not exist.

    Raises:
        UsageError: the name is not allowed.
        NotFound: the world does not exist, and this request may not create it.
        LimitExceeded: there are as many worlds as allowed.
    """
    if name is None:
        return registry.default
    found = registry.existing(name)
    if found is not None:
        return found
    if may_create():
        return registry.get(name)
    registry.check_name(name)
    creates = "neither messages to its receiver nor pages of other origins create one"
    if registry.access.admin_token is not None:
        creates = f"requests with the admin token in {ADMIN_TOKEN_HEADER} create one"
    raise NotFound("world", seen=quoted(name), allowed=f"a world that exists; {creates}")


def world_of(path: str, registry: WorldRegistry) -> World:
    """Return the world that a request was for, without creating it.

    That is the default world if there is no such world, e.g. because the request ended it.
    """
    name, _ = split_path(path)
    return registry.existing(name or DEFAULT) or registry.default
