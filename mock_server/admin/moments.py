"""Moments as the control API reads and writes them: RFC 3339, with a zone."""

import re
from datetime import UTC, datetime

_FORM = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?([Zz]|[+-]\d\d:[0-5]\d)",
    re.ASCII,
)


def read_moment(text: str) -> datetime:
    """Return the moment that a text of the format ``date-time`` names. Raises ValueError."""
    if not _FORM.fullmatch(text):
        msg = f"{text!r} is not a date and time with a zone, such as 2026-01-31T12:00:00Z"
        raise ValueError(msg)
    return datetime.fromisoformat(text.upper())


def write_moment(moment: datetime) -> str:
    """Return a moment as UTC, to the millisecond."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
