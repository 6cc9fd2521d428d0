"""The control API below /__admin, by which tests and people control the mock itself.

Its OpenAPI document, in parts in ``contract``, is the source of the routes, the validation and the
reference page. An operation is a function of a ``Call``, in one of the modules that ``routing``
lists: ``listWorlds`` is ``worlds.list_worlds``. It knows nothing of Flask.
"""

from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.routing import CONTROL

#: Where a body may be a whole world, and how long it may be there, in bytes.
LARGE_BODIES = frozenset({f"{CONTROL}/records", f"{CONTROL}/state"})
MAX_LARGE_BODY_BYTES = 1024**3

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask import Flask


class ControlApp:
    """The control API of a server's worlds, created on first use.

    It takes a fifth of the start time, and many users never call it.
    """

    def __init__(self, registry: WorldRegistry) -> None:
        """Serve ``registry``."""
        self._registry = registry
        self._made: Flask | None = None
        # Werkzeug compiles its rules, and Python 3.11 breaks if two threads compile at once.
        self._making = Lock()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve a request, as a WSGI application."""
        return (self._made or self._make())(environ, start_response)

    def _make(self) -> "Flask":
        from crmcom_kit.mock_server.admin.routing import control_app

        with self._making:
            if self._made is None:
                self._made = control_app(self._registry)
            return self._made
