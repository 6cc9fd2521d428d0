"""Operations about the mock itself: health, its rules, its OpenAPI document and pages."""

from typing import Any

from crmcom_kit import __version__
from crmcom_kit.mock_server.admin.call import Call
from crmcom_kit.mock_server.admin.document import PREFIX, document
from crmcom_kit.mock_server.admin.reference import reference_asset, reference_page
from crmcom_kit.schemas import dials
from crmcom_kit.schemas.statements import statements

#: What ``/health`` returns to callers without the admin token.
HEALTHY = {"status": "healthy"}
_OF_STATEMENTS = ("id", "evidence", "text", "source")


def health(call: Call) -> Any:
    """Report that the mock runs, and with what."""
    world = call.world
    return {
        **HEALTHY,
        "version": __version__,
        "release": world.release.name,
        "dialect": world.dialect.name,
        "world": world.name,
        "epoch": world.epoch_number,
        "webhook_requests": len(world.store),
    }


def fidelity(call: Call) -> Any:
    """List the documented statements and the dials, each with its evidence."""
    query, world = call.query, call.world
    grade, method, prefix = query.get("grade"), query.get("method"), query.get("prefix", "")
    stated = [
        {
            **{name: getattr(one, name) for name in _OF_STATEMENTS},
            "methods": one.methods_in(world.release),
        }
        for one in statements(world.release.name)
        if one.id.startswith(prefix)
        and grade in (None, one.evidence)
        and (method is None or method in one.methods_in(world.release))
    ]
    left_open = [
        {
            "key": one.key,
            "value": world.dialect[one.key],
            "default": one.default,
            "allowed": one.allowed(),
            "evidence": one.evidence,
            "text": one.text,
            "source": one.source,
        }
        for one in dials().values()
        if one.key.startswith(prefix) and grade in (None, one.evidence) and method is None
    ]
    return {"release": world.release.name, "statements": stated, "dials": left_open}


def openapi(call: Call) -> Any:
    """Return the control API's OpenAPI document, for this server and world."""
    here = {"url": f"{call.origin}{call.root}{PREFIX}", "description": "This world"}
    named = {
        "url": f"{call.origin}/worlds/{{world}}{PREFIX}",
        "description": "A named world",
        "variables": {"world": {"default": "my-test"}},
    }
    found = {**document(), "servers": [here, named]}
    if call.registry.access.admin_token is None:  # then no call needs one
        del found["security"]
        found["components"] = {**found["components"]}
        del found["components"]["securitySchemes"]
    return found


def docs(call: Call) -> Any:
    """Return a page to read the document and to try its operations."""
    del call
    return reference_page("control API")


def docs_asset(call: Call) -> Any:
    """Return a file of that page."""
    return reference_asset(call.path["asset"])
