"""Make faults from specifications: JSON of the control API, and the same in Python.

    {"name": "…", "match": {…}, "effect": {…}, "when": "before_commit", "times": 1,
     "lifetime": 30}

Only ``effect`` is required. The types in ``specification`` say what is allowed. This module checks
the rest: members that contradict each other, faults that can never match a request, and the bytes
and headers of a fixed response.
"""

import base64
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from crmcom_kit.mock_server.faults.matching import DAMAGES, INSTEAD, Fault, FixedResponse
from crmcom_kit.mock_server.schema_errors import check, strict_validator
from crmcom_kit.schemas.possible import (
    WITH_RECORD,
    WITH_TOKEN,
    check_errors,
    check_operations,
)
from crmcom_kit.usage_errors import UsageError, quoted

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[ -~]*")
# Headers that frame a response, and those that the mock adds.
_RESERVED = re.compile(
    "connection|content-(?:encoding|length|type)|date|keep-alive|proxy-connection|te"
    "|trailer|transfer-encoding|upgrade|(?:access-control|x-mock|x-crmcom-mock)(?:-.*)?",
    re.IGNORECASE,
)


def fault_of(spec: object) -> Fault:
    """Return the fault that a specification describes.

    Sequences and mappings in ``spec`` count as JSON arrays and objects. Raises UsageError if the
    specification is not allowed.
    """
    members = parse(spec, "FaultSpec")
    match, effect = members.get("match", {}), members["effect"]
    ends = [name for name in (*INSTEAD, *DAMAGES) if name in effect]
    if len(ends) > 1:
        allowed = "only one of them; it may have a delay"
        raise UsageError("effect", seen=" and ".join(ends), allowed=allowed)
    if "retry_after" in effect and "status" not in effect:
        raise UsageError("effect.retry_after", seen="one without status", allowed="one with status")
    if "nth" in match and match.get("after"):
        raise UsageError("match.after", seen="after together with nth", allowed="only one of them")
    operations = as_tuple(match.get("operation", []))
    if "record" in match or "delete_record" in effect:
        check_operations("match.operation", operations, WITH_RECORD, "names a webhook request")
    if "expire_token" in effect:
        check_operations("match.operation", operations, WITH_TOKEN, "has a token")
    if "error" in effect:
        check_errors("effect.error", [effect["error"]], operations)
    # Only the API's own response can be cut or malformed, so the request is carried out before.
    is_damage = not effect.keys().isdisjoint(DAMAGES)
    if is_damage and members.get("when") == "before_commit":
        allowed = "after_commit; only the response to an executed request can be cut or malformed"
        raise UsageError("when", seen='"before_commit"', allowed=allowed)
    response = None
    if "respond" in effect:
        response = _fixed_response(effect["respond"])
        effect["respond"] = _summarize(effect["respond"], response)
    return Fault(
        name=members.get("name", _summary(effect)),
        operations=operations,
        record=str(match["record"]) if "record" in match else None,
        nth=as_tuple(match.get("nth", [])),
        after=match.get("after", 0),
        times=members.get("times"),
        lifetime=members.get("lifetime"),
        after_commit=is_damage or members.get("when") == "after_commit",
        effect=effect,
        fixed=response,
    )


def parse(value: object, type_name: str, root: str = "fault") -> Any:
    """Return a value as JSON if it fits a type of ``specification``. Raises UsageError.

    Messages call it ``root``.
    """
    try:
        json_value = _as_json(value)
    except RecursionError:
        allowed = "JSON of fewer levels"
        raise UsageError(root, seen="nesting that is too deep", allowed=allowed) from None
    check(_validator(type_name), json_value, root=root)
    return json_value


def _as_json(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _as_json(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(member) for member in value]
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
    """Return the effect in a few words."""
    words = {
        "status": f"status {effect.get('status')}",
        "error": f"error {effect.get('error')}",
        "expire_token": "expire token",
        "delete_record": "delete record",
    }
    return ", ".join(words.get(name, name) for name in effect if name != "retry_after")


def _fixed_response(members: Mapping[str, Any]) -> FixedResponse:
    """Return the response that fits the type ``specification.Respond``. Raises UsageError."""
    content_type = members.get("content_type")
    if content_type is not None and not (content_type.strip() and _VALUE.fullmatch(content_type)):
        allowed = "printable ASCII, such as application/json"
        raise UsageError("effect.respond.content_type", seen=quoted(content_type), allowed=allowed)
    headers = tuple(members.get("headers", {}).items())
    for name, value in headers:
        _check_header(name, value)
    return FixedResponse(members.get("status", 200), content_type, headers, _body(members))


def _summarize(members: Mapping[str, Any], response: FixedResponse) -> dict[str, Any]:
    """Return a response without its headers and the text of its body, which may be secret."""
    summary = {name: members[name] for name in ("status", "content_type") if name in members}
    return {**summary, "body": f"({len(response.body):,} bytes)"}


def _check_header(name: str, value: str) -> None:
    if _NAME.fullmatch(name) is None:
        allowed = "names of letters, digits and hyphens"
        raise UsageError("effect.respond.headers", seen=quoted(name), allowed=allowed)
    place = f"effect.respond.headers.{name}"
    if _RESERVED.fullmatch(name):
        problem = "a header that frames the response, or is the mock's own"
        raise UsageError(place, seen=problem, allowed="other headers; the type is content_type")
    if _VALUE.fullmatch(value) is None:
        raise UsageError(place, seen=quoted(value), allowed="printable ASCII")


def _body(members: Mapping[str, Any]) -> bytes:
    """Return the bytes of the body. Raises UsageError."""
    place, body = "effect.respond.body", members.get("body", "")
    try:
        if "encoding" in members:
            return base64.b64decode(body, validate=True)
        text = body if isinstance(body, str) else json.dumps(body, allow_nan=False)
        return text.encode()
    except (TypeError, ValueError) as error:  # no text, no JSON, no base64
        allowed = "base64" if "encoding" in members else "a string or a JSON value"
        raise UsageError(place, seen=quoted(str(error)), allowed=allowed) from None
