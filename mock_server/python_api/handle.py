"""The world that an object of the Python API uses."""

from typing import TYPE_CHECKING

from crmcom_kit.mock_server.world.world import World
from crmcom_kit.removed_names import remedy

if TYPE_CHECKING:
    from crmcom_kit.mock_server.python_api.background import Background
    from crmcom_kit.mock_server.world.registry import WorldRegistry


class WorldHandle:
    """A world of a mock by its name, and the server for its clients."""

    __slots__ = ("_registry", "_server", "name")

    def __init__(self, registry: "WorldRegistry", server: "Background", name: str) -> None:
        """Use the world of that name; it is created if it does not exist.

        Raises:
            UsageError: the name is not allowed.
        """
        self._registry, self._server = registry, server
        self.name = name
        registry.get(name)

    @property
    def emulated(self) -> World:
        """The emulator's world of this name; it is created again if it was ended."""
        return self._registry.get(self.name)

    if not TYPE_CHECKING:  # type checkers would accept every name

        def __getattr__(self, name: str) -> object:
            """Raise AttributeError, with what replaces a removed name."""
            msg = f"{type(self).__name__} has no attribute {name}{remedy(f'mock.{name}')}"
            raise AttributeError(msg)
