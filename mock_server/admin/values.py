"""Dates and times with a time zone, as the control API reads and writes them."""

from datetime import UTC, datetime


def read_moment(text: str) -> datetime:
    """Return the datetime in a string of the format ``date-time``. Raises ValueError."""
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        msg = f"{text!r} has no time zone"
        raise ValueError(msg)
    return moment


def write_moment(moment: datetime) -> str:
    """Return a datetime as text in UTC, with milliseconds."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
