"""The control API's OpenAPI document, put together from its parts."""

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from crmcom_kit import __version__

PREFIX = "/__admin"
_VERBS = ("get", "post", "put", "patch", "delete")


@cache
def document() -> dict[str, Any]:
    """Return the document; whoever changes it, changes it for everybody."""
    found: dict[str, Any] = orjson.loads(_part("base.json"))
    found["info"]["version"] = __version__
    for name in sorted(one.name for one in files(__package__).joinpath("contract").iterdir()):
        if name != "base.json" and name.endswith(".json"):
            part = orjson.loads(_part(name))
            found["paths"].update(part["paths"])
            found["components"]["schemas"].update(part.get("schemas", {}))
    return found


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
