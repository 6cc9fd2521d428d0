"""The mock: emulates the CRM.COM Web API over HTTP, as the documents describe it.

``crmcom_mock`` gives a mock to test with, ``create_app`` the WSGI application; ``signing`` has what
a receiver's tests need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crmcom_kit.removed_names import remedy

if TYPE_CHECKING:
    from crmcom_kit.mock_server.http.app import create_app
    from crmcom_kit.mock_server.python_api import Mock, MockWorld, crmcom_mock
    from crmcom_kit.mock_server.world.factory import make_world

__all__ = ["Mock", "MockWorld", "create_app", "crmcom_mock", "make_world"]

_HOMES = {
    "Mock": "python_api",
    "MockWorld": "python_api",
    "create_app": "http.app",
    "crmcom_mock": "python_api",
    "make_world": "world.factory",
}


def __getattr__(name: str) -> Any:
    """Import a name at its first use: signing and worlds do not need Flask."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    msg = f"module {__name__} has no attribute {name}{remedy(name)}"
    raise AttributeError(msg)
