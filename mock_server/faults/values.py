"""Values of a fault's specification, held to what is allowed; whatever else raises UsageError."""

from collections.abc import Collection, Mapping
from typing import Any

from crmcom_kit.mock_server.protocol.request import json_type
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.redaction import is_secret


def seen(value: object, where: str) -> str:
    """Return ``value`` as a message shows it: a container by its type alone, and no secret."""
    if isinstance(value, dict | list) or value is None:
        return json_type(value)
    return quoted(value, secret=is_secret(where) and isinstance(value, str))


def members(value: object, where: str, known: Collection[str]) -> Mapping[str, Any]:
    """Return an object's members, which must have names of ``known``; "" for the whole."""
    if not isinstance(value, Mapping):
        raise UsageError(where or "fault", seen=seen(value, where), allowed="an object")
    for name in value:
        if name not in known:
            parameter = f"{where}.{name}" if where else str(name)
            raise UsageError(
                quoted(parameter).strip('"'), seen="a member", allowed=f"one of {', '.join(known)}"
            )
    return value


def whole(value: object, where: str, least: int, most: int) -> int:
    """Return a whole number from ``least`` to ``most``."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise UsageError(
        where, seen=seen(value, where), allowed=f"a whole number from {least:,} to {most:,}"
    )


def number(value: object, where: str, least: float, most: float) -> float:
    """Return a number from ``least`` to ``most``."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and least <= value <= most:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    raise UsageError(
        where, seen=seen(value, where), allowed=f"a number from {least:,g} to {most:,g}"
    )


def text(value: object, where: str, longest: int) -> str:
    """Return a text of one to ``longest`` characters."""
    if isinstance(value, str) and 0 < len(value) <= longest:
        return value
    raise UsageError(where, seen=seen(value, where), allowed=f"a text of 1 to {longest} characters")


def truth(value: object, where: str) -> bool:
    """Return true; what is false is left out."""
    if value is True:
        return True
    raise UsageError(where, seen=seen(value, where), allowed="true, or to be left out")


def choice(value: object, where: str, allowed: Collection[str]) -> str:
    """Return a text that is one of ``allowed``."""
    if isinstance(value, str) and value in allowed:
        return value
    raise UsageError(where, seen=seen(value, where), allowed=f"one of {', '.join(allowed)}")


def listed(value: object, where: str, most: int) -> list[Any]:
    """Return a list of one to ``most`` items; a single value is a list of one."""
    items = list(value) if isinstance(value, list | tuple) else [value]
    if 0 < len(items) <= most:
        return items
    raise UsageError(where, seen=f"{len(items)} items", allowed=f"1 to {most} items")
