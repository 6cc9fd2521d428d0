"""Dates with New York's offset, which changes among the records; created_date is a day in UTC."""

from datetime import datetime, timedelta
from typing import Any

from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.5 (time zone), and section 6 (no zone is only [E])"
CHOICES: dict[str, Any] = {}
DAY = timedelta(days=1)
#: The 58th and 59th record: 01:20 at -04:00, then 01:10 at -05:00.
PINS = (datetime(2016, 11, 6, 5, 20, 15), datetime(2016, 11, 6, 6, 10, 40))  # noqa: DTZ001


class Server(SoundServer):
    """Shows dates of its users' zone with the offset of the moment, and filters in its own."""

    def set_up(self) -> None:
        """Move all records to the days before the clock is set back."""
        super().set_up()
        records = list(self.records.values())
        for pin, part in zip(PINS, (records[:58], records[58:]), strict=True):
            shift = pin - (part[-1] if pin is PINS[0] else part[0]).created
            for record in part:
                record.created += shift
                record.updated = record.updated and record.updated + shift

    def date(self, moment: datetime, record: Record) -> str:
        """Show a moment with its offset."""
        hours = offset(moment)
        return f"{super().date(moment + timedelta(hours=hours), record)}-{-hours:02}:00"


def first_sunday(year: int, month: int, day: int, hour: int) -> datetime:
    """Return the first Sunday from a day on."""
    start = datetime(year, month, day, hour)  # noqa: DTZ001
    return start + (6 - start.weekday()) % 7 * DAY


def offset(moment: datetime) -> int:
    """Return the hours that the wall clock is ahead of UTC, which are negative."""
    year = moment.year
    return -4 if first_sunday(year, 3, 8, 7) <= moment < first_sunday(year, 11, 1, 6) else -5
