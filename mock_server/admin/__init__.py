"""The control API below /__admin: what tests and people do with the mock itself.

Its OpenAPI document, in parts in ``contract``, is what holds: routes, checks of what comes in and
the reference that people read are made from it. An operation is a function of a ``Call``, without
any web framework, in one of the modules that ``routing`` names.
"""

from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.world.registry import WorldRegistry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask import Flask


class ControlApp:
    """The control API of a server's worlds, made when it is first asked for.

    It is a fifth of what the mock is made of, and many who start it never call it.
    """

    def __init__(self, registry: WorldRegistry) -> None:
        """Serve ``registry``."""
        self._registry = registry
        self._made: Flask | None = None
        # Werkzeug compiles its rules, and Python 3.11 breaks where two threads compile at once.
        self._making = Lock()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer as WSGI wants it."""
        return (self._made or self._make())(environ, start_response)

    def _make(self) -> "Flask":
        from crmcom_kit.mock_server.admin.routing import control_app

        with self._making:
            if self._made is None:
                self._made = control_app(self._registry)
            return self._made
