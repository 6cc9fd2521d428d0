"""The control API below /__admin: what tests and people do with the mock itself.

Its OpenAPI document, in parts in ``contract``, is what holds: routes, checks of what comes in and
the reference that people read are made from it. An operation is a function of a ``Call``, without
any web framework, in one of the modules that ``routing`` names.
"""

from crmcom_kit.mock_server.control.document import PREFIX, operations
from crmcom_kit.mock_server.control.routing import control_api

__all__ = ["PREFIX", "control_api", "operations"]
