"""The control API's OpenAPI document, assembled from its parts in ``contract``."""

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from crmcom_kit import __version__
from crmcom_kit.mock_server.faults import validation as faults
from crmcom_kit.mock_server.world.routing import CONTROL

PREFIX = CONTROL
_REFUSED = {"$ref": "#/components/responses/UsageError"}
_VERBS = ("get", "post", "put", "patch", "delete")


@cache
def document() -> dict[str, Any]:
    """Return the document; a shared object that callers must not change."""
    found: dict[str, Any] = orjson.loads(_part("base.json"))
    found["info"]["version"] = __version__
    for name in sorted(one.name for one in files(__package__).joinpath("contract").iterdir()):
        if name != "base.json" and name.endswith(".json"):
            part = orjson.loads(_part(name))
            found["paths"].update(part["paths"])
            found["components"]["schemas"].update(part.get("schemas", {}))
    schemas = found["components"]["schemas"]
    schemas.update(faults.schemas(faults.all_operations()))
    schemas["FaultOfPreset"] = _of_preset(schemas)
    for item in found["paths"].values():
        for verb, described in item.items():
            if verb in _VERBS:
                described["responses"]["default"] = _REFUSED
    return found


def _of_preset(schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a call that names a preset: the arguments stand beside its name."""
    arguments = schemas["FaultPresetArguments"]
    members = {"preset": schemas["FaultPreset"]["properties"]["name"], **arguments["properties"]}
    return {**arguments, "title": "A preset", "properties": members, "required": ["preset"]}


def _part(name: str) -> bytes:
    return files(__package__).joinpath("contract", name).read_bytes()


@cache
def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return verb, path and description of each operation, by its id."""
    return {
        described["operationId"]: (verb.upper(), path, described)
        for path, item in document()["paths"].items()
        for verb, described in item.items()
        if verb in _VERBS
    }
