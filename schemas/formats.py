"""The date formats of this API: local, without zone or fraction."""

import re
from datetime import date, datetime

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
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
    """Write ``moment`` the way log_information does; zone and fraction are dropped."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") if moment.year > 999 else moment.isoformat()[:19]


#: JSON Schema format name → reader that raises ValueError; asserted by every validator.
FORMATS = {"crm-date-time": parse_date_time, "crm-date": parse_date}

#: The same formats as patterns, for tools that know neither of them.
FORMAT_PATTERNS = {
    "crm-date-time": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$",
    "crm-date": r"^\d{4}-\d{2}-\d{2}$",
}
