"""Dates and times as responses have them: with a zone or without one, which no page rules out."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from crmcom_kit.schemas.formats import parse_date_time

_ZONE = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")


class Moment(NamedTuple):
    """A date and time as it is written, and its zone if it has one."""

    local: datetime
    zone: timedelta | None

    def is_before(self, other: "Moment") -> bool:
        """Whether it is before ``other``; not if only one of them has a zone."""
        if (self.zone is None) != (other.zone is None):
            return False
        return self.utc < other.utc

    @property
    def utc(self) -> datetime:
        """The moment in UTC; as it is written if it has no zone."""
        return self.local - (self.zone or timedelta())


def moment(value: Any) -> Moment | None:
    """Return what ``yyyy-MM-ddTHH:mm:ss``, perhaps with a zone behind it, stands for, or None."""
    return _read(value) if isinstance(value, str) else None


@lru_cache(maxsize=4096)
def _read(text: str) -> Moment | None:
    found = _ZONE.search(text, 19)
    try:
        local = parse_date_time(text[: found.start()] if found else text)
        zone = datetime.fromisoformat(text).utcoffset() if found else None
    except ValueError:
        return None
    return Moment(local, zone)
