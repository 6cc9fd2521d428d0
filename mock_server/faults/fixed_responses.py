"""From the effect ``respond`` of a specification to the bytes and headers that are sent."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from crmcom_kit.mock_server.faults.model import FixedResponse
from crmcom_kit.usage_errors import UsageError, quoted

#: So many bytes the bodies of all fixed responses of a world may have.
MAX_BODIES = 16 * 1024 * 1024
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[ -~]*")
# Headers that say where a response ends or how it is sent, or that the mock adds itself.
_RESERVED = re.compile(
    "connection|content-(?:encoding|length|type)|date|keep-alive|proxy-connection|te"
    "|trailer|transfer-encoding|upgrade|(?:access-control|x-mock|x-crmcom-mock)(?:-.*)?",
    re.IGNORECASE,
)


def fixed_response(given: Mapping[str, Any]) -> FixedResponse:
    """Return the response that fits the type ``specification.Respond``. Raises UsageError."""
    content_type = given.get("content_type")
    if content_type is not None and not (content_type.strip() and _VALUE.fullmatch(content_type)):
        allowed = "printable ASCII, such as application/json"
        raise UsageError("effect.respond.content_type", seen=quoted(content_type), allowed=allowed)
    headers = tuple(given.get("headers", {}).items())
    for name, value in headers:
        _check_header(name, value)
    return FixedResponse(given.get("status", 200), content_type, headers, _body(given))


def shown(given: Mapping[str, Any], fixed: FixedResponse) -> dict[str, Any]:
    """Return the effect without what may be long or secret: its headers, the text of its body."""
    kept = {name: given[name] for name in ("status", "content_type") if name in given}
    return {**kept, "body": f"({len(fixed.body):,} bytes)"}


def _check_header(name: str, value: str) -> None:
    if _NAME.fullmatch(name) is None:
        allowed = "names of letters, digits and hyphens"
        raise UsageError("effect.respond.headers", seen=quoted(name), allowed=allowed)
    place = f"effect.respond.headers.{name}"
    if _RESERVED.fullmatch(name):
        seen = "a header that frames the response, or is the mock's own"
        raise UsageError(place, seen=seen, allowed="other headers; the type is content_type")
    if _VALUE.fullmatch(value) is None:
        raise UsageError(place, seen=quoted(value), allowed="printable ASCII")


def _body(given: Mapping[str, Any]) -> bytes:
    """Return the bytes of the body. Raises UsageError."""
    place, body = "effect.respond.body", given.get("body", "")
    try:
        if "encoding" in given:
            return base64.b64decode(body, validate=True)
        text = body if isinstance(body, str) else json.dumps(body, allow_nan=False)
        return text.encode()
    except (TypeError, ValueError) as error:  # no text, no JSON, no base64
        allowed = "base64" if "encoding" in given else "a string or a JSON value"
        raise UsageError(place, seen=quoted(str(error)), allowed=allowed) from None
