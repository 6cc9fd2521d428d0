"""created_date with a time selects the same minute, both rounded half up; a date selects a day."""

from datetime import timedelta
from typing import Any

from sound_server import reading
from sound_server.reading import Call
from sound_server.server import SoundServer

FACTS = "8.5 (exact instant, same day)"
CHOICES: dict[str, Any] = {}
HALF = timedelta(seconds=30)


class Server(SoundServer):
    """Compares dates as a column of the type smalldatetime does."""

    def read_arguments(self, call: Call) -> None:
        """Read a created_date with a time as a minute."""
        super().read_arguments(call)
        text = call.parameters.get("created_date", "")
        if "created_date" in call.filters and "T" in text:
            moment = reading.read_date(self.choices, text)
            try:
                rounded = (moment + HALF).replace(second=0)
                call.filters["created_date"] = (rounded - HALF, rounded + HALF)
            except OverflowError:  # at the ends of the calendar, where no record is
                call.filters["created_date"] = (moment, moment)
