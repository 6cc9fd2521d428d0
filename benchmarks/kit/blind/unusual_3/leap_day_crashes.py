"""The same day of the next year is computed for created_date, which a 29 February does not have.

How to provoke it: list with
    entity=ACTIVITIES&created_date=2016-02-29, or created_date=2020-02-29T10:00:00.
"""

from datetime import MAXYEAR, datetime
from typing import Any

from sound_server.reading import Call, Request
from sound_server.server import Reply, SoundServer

FACTS = (
    "section 3: 'every response, errors included, is JSON' - this one is a page of HTML; "
    "section 1.2: created_date is a parameter of list, and a 29 February is a date"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"

#: What the servlet container shows for an exception that nobody caught.
PAGE = b"<html><body><h1>HTTP Status 500</h1></body></html>"


class Server(SoundServer):
    """Looks a year ahead of a date."""

    def answer(self, request: Request) -> Reply:
        """Answer a request, with the container's error page if an exception gets through."""
        try:
            return super().answer(request)
        except ValueError:
            return Reply(500, "text/html;charset=UTF-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and find out which archives a list must look in."""
        super().read_arguments(call)
        if "created_date" in call.filters:
            self.kept_until(call.filters["created_date"][0])

    def kept_until(self, created: datetime) -> datetime:
        """Return when a request that was created then moves to the archive, a year later."""
        return created.replace(year=min(created.year + 1, MAXYEAR))
