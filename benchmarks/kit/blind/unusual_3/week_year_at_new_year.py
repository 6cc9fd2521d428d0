"""created_date goes into the statement by the pattern YYYY-MM-dd, whose year is that of the week.

How to provoke it: list with
    entity=ACTIVITIES (or the entity of such a record)&created_date=2019-12-30 or -31: records of
    these days are missing, as the filter looks in December 2020.
"""

from datetime import date, datetime
from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer

FACTS = (
    "section 1.2: created_date of list is a 'Date (one value; there is no from/to pair)': "
    "records created at that very date are missing in the last days of December"
)
CHOICES: dict[str, Any] = {"first_record": datetime(2019, 12, 29, 9, 30)}  # noqa: DTZ001 - in UTC
RELEASE = "R12"


class Server(SoundServer):
    """Formats dates by a pattern with the year of the week."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, created_date through the pattern of the statement."""
        text = call.parameters.get("created_date")
        if call.method == "list" and isinstance(text, str):
            call.parameters["created_date"] = self.formatted(text)
        super().read_arguments(call)

    def formatted(self, text: str) -> str:
        """Return a date with the year that the pattern gives, or what is no date as it is."""
        try:
            day = date.fromisoformat(text[:10])
        except ValueError:
            return text
        return f"{day.isocalendar().year:04}{text[4:]}" if text[4:5] == "-" else text
