"""A created_date in the hour that summer time leaves out crashes the strict conversion to UTC.

How to provoke it: list with
    entity=ACTIVITIES&created_date=2016-03-27T03:30:00, or 2024-03-31T03:00:00.
"""

from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any

from sound_server.reading import Call, Request, in_utc, read_local
from sound_server.server import Reply, SoundServer

FACTS = (
    "section 3: 'every response, errors included, is JSON' - this one is a page of HTML; "
    "section 1.2: created_date is a parameter of list, its format and zone are all that is open"
)
CHOICES: dict[str, Any] = {"clock": "Europe/Athens", "created_date_zone": "Europe/Athens"}
RELEASE = "R18"

#: What the servlet container shows for an exception that nobody caught.
PAGE = b"<html><body><h1>HTTP Status 500</h1></body></html>"


class Server(SoundServer):
    """Converts local times strictly."""

    def answer(self, request: Request) -> Reply:
        """Answer a request, with the container's error page if an exception gets through."""
        try:
            return super().answer(request)
        except ArithmeticError:
            return Reply(500, "text/html;charset=UTF-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, created_date on the strict wall clock of the server."""
        super().read_arguments(call)
        if "created_date" in call.filters:
            self.strict(read_local(self.choices, call.parameters["created_date"]))

    def strict(self, local: datetime) -> datetime:
        """Return a local time in UTC, if there is such a time."""
        moment = in_utc(local)
        if local.year in (MINYEAR, MAXYEAR):
            return moment
        if moment.replace(tzinfo=UTC).astimezone(local.tzinfo).hour != local.hour:
            raise ArithmeticError(f"NonExistentTimeError: {local}")
        return moment
