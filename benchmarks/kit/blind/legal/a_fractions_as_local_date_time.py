"""Dates as LocalDateTime of Java writes them: fractions of 3 or 9 digits, or not even seconds."""

import re
from datetime import datetime, timedelta
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.5 (input format), and section 6 (no fraction is only [E])"
CHOICES: dict[str, Any] = {}
#: Microseconds of the records, by the last digit of their position; the sixth is at midnight.
FRACTIONS = (999_999, 0, 120_000, 250_000, 500_000, 999_999, 0, 812_345, 812_346, 7)


class Server(SoundServer):
    """Keeps fractions of seconds, and leaves out of a date what is zero at its end."""

    def set_up(self) -> None:
        """Give the records fractions."""
        super().set_up()
        for position, record in enumerate(self.records.values(), 1):
            fraction = timedelta(microseconds=FRACTIONS[position % 10])
            record.created += fraction
            record.updated = record.updated and record.updated + fraction

    def date(self, moment: datetime, record: Record) -> str:
        """Show a moment as short as it can be."""
        text = super().date(moment, record)
        if not moment.microsecond:
            return re.sub(r"(T\d\d:\d\d):00", r"\1", text)
        return re.sub(r"\.(\d{6})", lambda digits: f".{nanoseconds(digits[1])}", text)

    def read_arguments(self, call: Call) -> None:
        """Read created_date in all forms that are shown, less its fraction."""
        text = call.parameters.get("created_date")
        if isinstance(text, str):
            text = re.sub(r"(T\d\d:\d\d:\d\d)\.\d{1,9}", r"\1", text)
            call.parameters["created_date"] = re.sub(r"(T\d\d:\d\d)(?!:|\d)", r"\1:00", text)
        super().read_arguments(call)


def nanoseconds(digits: str) -> str:
    """Return six digits of microseconds as three or nine."""
    return digits[:3] if digits.endswith("000") else f"{digits}501"
