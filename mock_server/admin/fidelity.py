"""The operation that tells every rule of the mock with its evidence."""

from typing import Any

from crmcom_kit.mock_server.admin.call import Call
from crmcom_kit.schemas import Dialect, dials
from crmcom_kit.schemas.dialect import Dial
from crmcom_kit.schemas.statements import Statement, statements


def fidelity(call: Call) -> Any:
    """List what the documents state, and what they leave open, each with its evidence."""
    query, world = call.query, call.world
    grade, method, prefix = query.get("grade"), query.get("method"), query.get("prefix", "")
    stated = [
        _statement(one)
        for one in statements(world.release.name)
        if one.id.startswith(prefix)
        and grade in (None, one.evidence)
        and (method is None or method in one.methods)
    ]
    left_open = [
        _dial(one, world.dialect)
        for one in dials().values()
        if one.key.startswith(prefix) and grade in (None, one.evidence) and method is None
    ]
    return {"release": world.release.name, "statements": stated, "dials": left_open}


def _statement(one: Statement) -> dict[str, Any]:
    return {
        "id": one.id,
        "methods": list(one.methods),
        "level": one.level,
        "evidence": one.evidence,
        "text": one.text,
        "source": one.source,
    }


def _dial(one: Dial, dialect: Dialect) -> dict[str, Any]:
    return {
        "key": one.key,
        "value": dialect[one.key],
        "default": one.default,
        "allowed": one.allowed(),
        "evidence": one.evidence,
        "text": one.text,
        "source": one.source,
    }


OPERATIONS = {"fidelity": fidelity}
