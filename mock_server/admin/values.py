"""Values as the control API reads and writes them: JSON bodies, and dates with a time zone."""

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.request import body_text, why
from crmcom_kit.usage_errors import UsageError

MAX_DEPTH = 64  # values are written again, which has a limit of its own
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


def parse_body(raw: bytes) -> Any:
    """Return the JSON value of a body, None if it is empty. Raises UsageError."""
    try:
        text = body_text(raw)
    except VendorError as error:
        raise UsageError(error.parameter, seen=error.seen, allowed=error.allowed) from None
    if not text.strip():
        return None
    try:
        value = orjson.loads(text)
        if _depth(value) <= MAX_DEPTH:
            return value
        seen = "nesting that is too deep"
    except RecursionError:
        seen = "nesting that is too deep"
    except ValueError as error:
        seen = why(error)
    raise UsageError("body", seen=seen, allowed="a JSON value")


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, inner), default=0) if isinstance(value, dict | list) else 0
