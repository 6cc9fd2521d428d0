"""The JSON bodies of calls: from bytes to values that everything behind can bear.

Stricter than JSON itself, since what an operation gets is kept, compared and written again: no
member twice, no number that a double or 64 bits cannot hold, no half of a surrogate pair.
"""

import json
from typing import Any, NoReturn

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.request import body_text, repeated, why
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import UsageError

MAX_DEPTH = 64
_LARGEST = 2**63 - 1


def parsed(raw: bytes, content_type: str) -> Any:
    """Return the value of a body; None of an empty one. Raises UsageError."""
    try:
        text = body_text(raw, content_type)
    except VendorError as error:
        raise UsageError(error.parameter, seen=error.seen, allowed=error.allowed) from None
    if not text.strip():
        return None
    try:
        value = _DECODER.decode(text)
        _check_depth(value)
        if "\\ud" in text.lower():  # the only way in for half of a surrogate pair
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        seen = "too deep nesting"
    except UnicodeEncodeError:
        seen = "half of a surrogate pair"
    except ValueError as error:
        seen = why(error)
    else:
        return value
    raise UsageError("body", seen=seen, allowed="a JSON value") from None


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise RecursionError


def _no_number(text: str) -> NoReturn:
    msg = f"{text}, which JSON does not have"
    raise ValueError(msg)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        msg = f"the number {quoted(text)[1:-1]}, which is too large"
        raise ValueError(msg)
    return value


def _whole(text: str) -> int:
    value = int(text)
    if not -_LARGEST <= value <= _LARGEST:
        msg = f"the number {quoted(text)[1:-1]}, which is too large"
        raise ValueError(msg)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = min(repeated(name for name, _ in pairs))
        msg = f"{quoted(twice)} more than once"
        raise ValueError(msg)
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_constant=_no_number,
    parse_float=_finite,
    parse_int=_whole,
)
