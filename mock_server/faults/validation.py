"""From a specification to a fault: JSON as the control API takes it, and the same in Python.

    {"name": "…", "match": {…}, "effect": {…}, "when": "before_commit", "times": 1,
     "lifetime": 30}

Only ``effect`` is required. The types in ``specification`` say what is allowed. Here is only what
they cannot say: members that contradict each other.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.faults.fixed_responses import fixed_response, shown
from crmcom_kit.mock_server.faults.model import Fault
from crmcom_kit.mock_server.schema_errors import check, strict_validator
from crmcom_kit.usage_errors import UsageError, quoted

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

#: The operations whose requests name a webhook request.
WITH_RECORD = ("show", "resend", "delete")

_ENDS = ("status", "error", "respond", "drop", "cut", "malformed")


def fault_of(spec: object) -> Fault:
    """Return the fault that a specification describes.

    Sequences and mappings in ``spec`` count as JSON arrays and objects. Raises UsageError if the
    specification is not allowed.
    """
    given = valid(spec, "FaultSpec")
    match, effect = given.get("match", {}), given["effect"]
    ends = [name for name in _ENDS if name in effect]
    if len(ends) > 1:
        allowed = "only one of them; it may have a delay"
        raise UsageError("effect", seen=" and ".join(ends), allowed=allowed)
    if "retry_after" in effect and "status" not in effect:
        raise UsageError("effect.retry_after", seen="one without status", allowed="one with status")
    if "nth" in match and match.get("after"):
        raise UsageError("match.after", seen="after together with nth", allowed="only one of them")
    others = [name for name in as_tuple(match.get("operation", [])) if name not in WITH_RECORD]
    if others and ("record" in match or "delete_record" in effect):
        allowed = f"some of {', '.join(WITH_RECORD)}; no other request names a webhook request"
        raise UsageError("match.operation", seen=quoted(others[0]), allowed=allowed)
    # What is cut or malformed is the API's own response, so the request was carried out by then.
    damages = "cut" in effect or "malformed" in effect
    if damages and given.get("when") == "before_commit":
        allowed = "after_commit; only the response to an executed request can be cut or malformed"
        raise UsageError("when", seen='"before_commit"', allowed=allowed)
    fixed = None
    if "respond" in effect:
        fixed = fixed_response(effect["respond"])
        effect["respond"] = shown(effect["respond"], fixed)
    return Fault(
        name=given.get("name", _summary(effect)),
        operations=as_tuple(match.get("operation", [])),
        record=str(match["record"]) if "record" in match else None,
        nth=as_tuple(match.get("nth", [])),
        after=match.get("after", 0),
        times=given.get("times"),
        lifetime=given.get("lifetime"),
        after_commit=damages or given.get("when") == "after_commit",
        effect=effect,
        fixed=fixed,
    )


def valid(value: object, type_name: str, whole: str = "fault") -> Any:
    """Return a value as JSON, once it fits a type of ``specification``. Raises UsageError.

    Messages call it ``whole``.
    """
    try:
        plain = _plain(value)
    except RecursionError:
        allowed = "JSON of fewer levels"
        raise UsageError(whole, seen="nesting that is too deep", allowed=allowed) from None
    check(_validator(type_name), plain, whole=whole)
    return plain


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


@cache
def _validator(type_name: str) -> "Draft202012Validator":
    from crmcom_kit.mock_server.faults import specification
    from crmcom_kit.mock_server.typed_schemas import close, schema_of

    components: dict[str, Any] = {}
    schema = schema_of(getattr(specification, type_name), components)
    close(schema, components)
    return strict_validator({**schema, "components": {"schemas": components}})


def as_tuple(value: Any) -> tuple[Any, ...]:
    """Return one value, or several, as a tuple."""
    return tuple(value) if isinstance(value, list) else (value,)


def _summary(effect: Mapping[str, Any]) -> str:
    """Return a few words about what happens."""
    words = {
        "status": f"status {effect.get('status')}",
        "error": f"error {effect.get('error')}",
        "expire_token": "expire token",
        "delete_record": "delete record",
    }
    return ", ".join(words.get(name, name) for name in effect if name != "retry_after")
