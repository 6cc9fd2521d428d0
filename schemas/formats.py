"""The formats of this API: dates, local, without zone or fraction; and ids."""

import re
from datetime import date, datetime
from hashlib import blake2b

# The hour is checked here: newer Pythons read 24:00:00 as the next day.
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def parse_date_time(text: str) -> datetime:
    """Read ``yyyy-MM-ddTHH:mm:ss``. Raises ValueError for anything else."""
    if not _DATE_TIME.fullmatch(text):
        msg = f"{text!r} is not a date and time of the form yyyy-MM-ddTHH:mm:ss"
        raise ValueError(msg)
    return datetime.fromisoformat(text)


def parse_date(text: str) -> date:
    """Read ``yyyy-MM-dd``. Raises ValueError for anything else."""
    if not _DATE.fullmatch(text):
        msg = f"{text!r} is not a date of the form yyyy-MM-dd"
        raise ValueError(msg)
    return date.fromisoformat(text)


def write_date_time(moment: datetime) -> str:
    """Write ``moment`` in the form of log_information, without zone and fraction."""
    return moment.isoformat(timespec="seconds")[:19]


def offset_seconds(text: str) -> int:
    """Return the seconds of an offset such as ``+02:00``."""
    hours, minutes = text[1:].split(":")
    seconds = int(hours) * 3600 + int(minutes) * 60
    return -seconds if text.startswith("-") else seconds


def derived_id(text: str) -> str:
    """Return the id derived from ``text``: 32 upper-case hexadecimal digits."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest().upper()


#: JSON Schema format name → reader that raises ValueError; asserted by every validator.
FORMATS = {"crm-date-time": parse_date_time, "crm-date": parse_date}

_DAY_PATTERN = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"

#: The same formats as patterns, for tools that do not know the formats.
PATTERNS = {
    "crm-date-time": f"^{_DAY_PATTERN}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$",
    "crm-date": f"^{_DAY_PATTERN}$",
}
