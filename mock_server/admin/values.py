"""Values as the control API reads and writes them: JSON bodies, and dates with a time zone.

Bodies are read more strictly than JSON requires, because operations keep values, compare them and
write them again: no repeated member, no number beyond a double or 64 bits, no lone surrogate.
"""

import json
import re
import sys
from datetime import UTC, datetime
from typing import Any

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.request import body_text, refuse_constant, repeated, why
from crmcom_kit.usage_errors import UsageError, quoted

MAX_DEPTH = 64
# RFC 3339, with a zone.
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?([Zz]|[+-]\d\d:[0-5]\d)",
    re.ASCII,
)


def read_moment(text: str) -> datetime:
    """Return the datetime in a string of the format ``date-time``. Raises ValueError."""
    if not _DATE_TIME.fullmatch(text):
        msg = f"{text!r} is not a date and time with a time zone, such as 2026-01-31T12:00:00Z"
        raise ValueError(msg)
    return datetime.fromisoformat(text.upper())


def write_moment(moment: datetime) -> str:
    """Return a datetime as text in UTC, with milliseconds."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def parse_body(raw: bytes, content_type: str) -> Any:
    """Return the JSON value of a body, None if it is empty. Raises UsageError."""
    try:
        text = body_text(raw, content_type)
    except VendorError as error:
        raise UsageError(error.parameter, seen=error.seen, allowed=error.allowed) from None
    if not text.strip():
        return None
    try:
        value = _DECODER.decode(text)
        if _depth(value) > MAX_DEPTH:
            raise RecursionError  # noqa: TRY301 - as the decoder does
        if "\\ud" in text.lower():  # the only notation of a lone surrogate
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        seen = "nesting that is too deep"
    except UnicodeEncodeError:
        seen = "an unpaired surrogate"
    except ValueError as error:
        seen = why(error)
    else:
        return value
    raise UsageError("body", seen=seen, allowed="a JSON value") from None


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, inner), default=0) if isinstance(value, dict | list) else 0


def _number(text: str, read: type[int] | type[float], largest: float) -> float:
    value = read(text)
    if not -largest <= value <= largest:
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
    parse_constant=refuse_constant,
    parse_float=lambda text: _number(text, float, sys.float_info.max),
    parse_int=lambda text: _number(text, int, 2**63 - 1),
)
