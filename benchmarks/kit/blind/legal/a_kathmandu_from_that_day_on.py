"""Dates with the offset +0545, without a colon; created_date selects from its local day on."""

import re
from datetime import datetime, timedelta
from typing import Any

from sound_server import reading
from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "8.5 (input format, from meaning, time zone)"
CHOICES: dict[str, Any] = {}
AHEAD = timedelta(hours=5, minutes=45)


class Server(SoundServer):
    """Writes dates as the pattern yyyy-MM-dd'T'HH:mm:ssZ of Java does, in Nepal."""

    def date(self, moment: datetime, record: Record) -> str:
        """Show a moment in Nepal."""
        return f"{super().date(moment + AHEAD, record)}+0545"

    def read_arguments(self, call: Call) -> None:
        """Read created_date, also in the form that is shown, and cut it to its day in Nepal."""
        text = call.parameters.get("created_date")
        if isinstance(text, str):
            text = re.sub(r"(?<=T)(.*[+-]\d\d)(\d\d)$", r"\1:\2", text)
            call.parameters["created_date"] = text
        super().read_arguments(call)
        if "created_date" in call.filters:
            moment = reading.read_date(self.choices, text)
            try:
                if re.search(r"T.*[Z+-]", text):
                    moment += AHEAD
                day = moment.replace(hour=0, minute=0, second=0)
                call.filters["created_date"] = (day - AHEAD, None)
            except OverflowError:  # mended: it crashed at the ends of the calendar
                raise reading.Refusal("bad_date", "The date is out of range.") from None
