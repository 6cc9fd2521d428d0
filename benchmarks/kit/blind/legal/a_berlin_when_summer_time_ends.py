"""Dates without a zone on the wall clock of Berlin, and two records in its repeated hour."""

import re
from datetime import datetime, timedelta
from typing import Any

from sound_server import reading
from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.5 (time zone), and section 6 (dates without a zone [E])"
CHOICES: dict[str, Any] = {}
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
#: The 31st and 32nd record: 02:20 in summer time, then 02:10 in standard time.
PINS = (datetime(2016, 10, 30, 0, 20, 15), datetime(2016, 10, 30, 1, 10, 40))  # noqa: DTZ001


class Server(SoundServer):
    """Shows and reads dates on one wall clock, in days of 23, 24 or 25 hours."""

    def set_up(self) -> None:
        """Move all records to the night in which summer time ends."""
        super().set_up()
        records = list(self.records.values())
        for pin, part in zip(PINS, (records[:31], records[31:]), strict=True):
            shift = pin - (part[-1] if pin is PINS[0] else part[0]).created
            for record in part:
                record.created += shift
                record.updated = record.updated and record.updated + shift

    def date(self, moment: datetime, record: Record) -> str:
        """Show a moment on the wall clock."""
        return super().date(moment + offset(moment), record)

    def read_arguments(self, call: Call) -> None:
        """Read created_date as a day of the wall clock."""
        super().read_arguments(call)
        if "created_date" not in call.filters:
            return
        text = call.parameters["created_date"]
        moment = reading.read_date(self.choices, text)
        if re.search(r"T.*[Z+-]", text):
            moment += offset(moment)
        day = moment.replace(hour=0, minute=0, second=0)
        try:
            call.filters["created_date"] = (server_time(day), server_time(day + DAY))
        except OverflowError:  # mended: it crashed at the ends of the calendar
            raise reading.Refusal("bad_date", "The date is out of range.") from None


def last_sunday(year: int, month: int) -> datetime:
    """Return when the clock changes in a month of 31 days."""
    last = datetime(year, month, 31, 1)  # noqa: DTZ001
    return last - (last.weekday() + 1) % 7 * DAY


def offset(moment: datetime) -> timedelta:
    """Return how far the wall clock is ahead of UTC."""
    summer = last_sunday(moment.year, 3) <= moment < last_sunday(moment.year, 10)
    return 2 * HOUR if summer else HOUR


def server_time(midnight: datetime) -> datetime:
    """Return the moment of a midnight on the wall clock."""
    return midnight - offset(midnight - HOUR)
