"""The control API below /__admin, by which tests and people control the mock itself.

An operation is a function of a ``Call`` and its parameters. What it declares is the source of the
routes, the validation, the OpenAPI document and the reference page. It knows nothing of Flask.
"""

from crmcom_kit.mock_server.world.registry import CONTROL

#: The paths whose body may be a whole world, and its maximum size in bytes.
LARGE_BODIES = frozenset({f"{CONTROL}/records", f"{CONTROL}/state"})
MAX_LARGE_BODY_BYTES = 1024**3
