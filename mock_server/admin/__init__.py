"""The control API below /__admin, by which tests and people control the mock itself.

Its OpenAPI document, in parts in ``contract``, is the source of the routes, the validation and the
reference page. An operation is a function of a ``Call``, in one of the modules that ``routing``
lists: ``listWorlds`` is ``worlds.list_worlds``. It knows nothing of Flask.
"""

from crmcom_kit.mock_server.world.routing import CONTROL

#: Where a body may be a whole world, and how long it may be there, in bytes.
LARGE_BODIES = frozenset({f"{CONTROL}/records", f"{CONTROL}/state"})
MAX_LARGE_BODY_BYTES = 1024**3
