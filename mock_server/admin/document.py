"""The control API's OpenAPI document, which is made from its operations."""

from functools import cache
from typing import Any

from crmcom_kit import __version__
from crmcom_kit.mock_server.admin import (  # noqa: F401 - operations exist once they are imported
    about,
    content,
    deliveries,
    events,
    faults,
    journal,
    worlds,
)
from crmcom_kit.mock_server.admin.contract import OPERATIONS, Call, Operation, openapi_of, operation
from crmcom_kit.mock_server.world.registry import CONTROL

_TEXT = """\
Control the mock itself, for tests and for people. Every path also exists below `/worlds/NAME`, for
that world. Without `--admin-token` the control API serves only callers on this machine, and a named
world is created when it is first used. With `--admin-token` every call must carry the token, in
`X-Mock-Admin-Token`, and only calls and API requests that carry it create worlds. An invalid call
changes nothing; the response says which parameter is wrong, what was seen and what is allowed.
Times are in seconds."""
_TAGS = {
    "mock": "The mock itself.",
    "world": "A world as a whole.",
    "content": "The content of a world.",
    "faults": "Injected faults.",
    "clock": "The clock of a world.",
    "worlds": "The worlds of the server.",
    "deliveries": "Deliveries of webhooks.",
    "journal": "The journal: find, verify, wait for and watch requests.",
}
_ERROR = {
    "title": "A refused call",
    "type": "object",
    "properties": {
        "error": {"type": "string", "description": "The error in one sentence."},
        **{name: {"type": "string"} for name in ("parameter", "seen", "allowed")},
    },
    "required": ["error"],
}
_REFUSED = {
    "description": "The call is refused; nothing has changed.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/UsageError"}}},
}


@cache
def document() -> dict[str, Any]:
    """Return the document; a shared object that callers must not change."""
    schemas: dict[str, Any] = {"UsageError": _ERROR}
    paths: dict[str, Any] = {}
    for entry in OPERATIONS.values():
        view = openapi_of(entry, schemas)
        view["responses"]["default"] = {"$ref": "#/components/responses/UsageError"}
        paths.setdefault(entry.path, {})[entry.verb.lower()] = view
    world = {"world": {"default": "default"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "crmcom-kit mock: control API",
            "version": __version__,
            "description": " ".join(_TEXT.split()),
        },
        "servers": [
            {"url": CONTROL, "description": "The default world"},
            {"url": f"/worlds/{{world}}{CONTROL}", "description": "A world", "variables": world},
        ],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"UsageError": _REFUSED},
            "securitySchemes": {
                "adminToken": {"type": "apiKey", "in": "header", "name": "X-Mock-Admin-Token"},
            },
        },
        "security": [{"adminToken": []}],
    }


def view_of(operation: Operation) -> dict[str, Any]:
    """Return the part of the document about an operation."""
    view: dict[str, Any] = document()["paths"][operation.path][operation.verb.lower()]
    return view


@operation("GET /openapi.json", "mock")
def openapi(call: Call) -> dict[str, Any]:
    """Return this document, for this server and world."""
    this_world = {"url": f"{call.origin}{call.root}{CONTROL}", "description": "This world"}
    named_world = {
        "url": f"{call.origin}/worlds/{{world}}{CONTROL}",
        "description": "A named world",
        "variables": {"world": {"default": "my-test"}},
    }
    view = {**document(), "servers": [this_world, named_world]}
    if call.registry.access.admin_token is None:  # then no call needs a token
        del view["security"]
        view["components"] = {**view["components"]}
        del view["components"]["securitySchemes"]
    return view
