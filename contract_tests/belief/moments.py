"""Dates and times as responses have them, with a zone or without: no page rules out either."""

import re
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from crmcom_kit.schemas.formats import parse_date_time

DAY = 86_400  # seconds
_ZONE = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")


class Moment(NamedTuple):
    """A date and time as it is written, and its zone if it has one."""

    day: date
    local: int  # in ``seconds``, as it is written
    zone: int | None  # seconds east of UTC

    def is_before(self, later: "Moment") -> bool:
        """Return whether it is certainly before ``later``: clocks go back when summer time ends."""
        if self.zone is not None and later.zone is not None:
            return self.utc < later.utc
        return self.local + DAY < later.local

    @property
    def utc(self) -> int:
        """The moment in UTC, in ``seconds``; without a zone, as it is written."""
        return self.local - (self.zone or 0)

    @property
    def has_days_around(self) -> bool:
        """Whether it is inside the calendar; some servers put an unset date at its end."""
        return MINYEAR < self.day.year < MAXYEAR


def seconds(local: datetime) -> int:
    """Return the seconds since the first day of the year 1: unlike dates, they have no end."""
    span = timedelta(local.toordinal() - 1, local.second, minutes=local.minute, hours=local.hour)
    return int(span.total_seconds())


def moment(value: Any) -> Moment | None:
    """Return the moment of ``yyyy-MM-ddTHH:mm:ss``, maybe with a zone, or None for others."""
    return _read(value) if isinstance(value, str) else None


@lru_cache(maxsize=32_768)  # more than the belief has dates
def _read(text: str) -> Moment | None:
    zone_text = _ZONE.search(text, 19)
    try:
        local = parse_date_time(text[: zone_text.start()] if zone_text else text)
        zone = datetime.fromisoformat(text).utcoffset() if zone_text else None
    except ValueError:
        return None
    seconds_east = None if zone is None else int(zone.total_seconds())
    return Moment(local.date(), seconds(local), seconds_east)
