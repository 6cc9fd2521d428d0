"""The emulator: a Flask server that answers as the documents say the CRM.COM Web API does.

``create_app`` gives the WSGI application, ``signing`` has what a receiver's tests need.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmcom_kit.mock_server.app import create_app, make_world

__all__ = ["create_app", "make_world"]


def __getattr__(name: str) -> Any:
    """Import the application only for those who ask for it: signing needs no Flask."""
    if name in __all__:
        from crmcom_kit.mock_server import app

        return getattr(app, name)
    msg = f"module {__name__} has no attribute {name}"
    raise AttributeError(msg)
