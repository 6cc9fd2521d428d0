"""An offset greater than the number of results crashes, as the view of a list of Java does.

How to provoke it: list with
    entity=ACTIVITIES&number_of_results=10&offset=1000, or offset=1000 alone. An offset that
    equals the number of results is answered with an empty list, rightly.
"""

from typing import Any

from sound_server.reading import Call, Request
from sound_server.server import Reply, SoundServer
from sound_server.world import Record

FACTS = (
    "section 3: 'every response, errors included, is JSON' - this one is a page of HTML; "
    "section 1.2: offset is 'records to skip', from R13.0.0 on, without an upper limit"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R15"

#: What the servlet container shows for an exception that nobody caught.
PAGE = b"<html><body><h1>HTTP Status 500</h1></body></html>"


class Server(SoundServer):
    """Cuts pages out with bounds that are checked."""

    def answer(self, request: Request) -> Reply:
        """Answer a request, with the container's error page if an exception gets through."""
        try:
            return super().answer(request)
        except IndexError:
            return Reply(500, "text/html;charset=UTF-8", PAGE)

    def page(self, found: list[Record], call: Call) -> list[Record]:
        """Return the page that a call asks for, as List.subList."""
        if call.skip > len(found):
            raise IndexError(f"fromIndex({call.skip}) > toIndex({len(found)})")
        return super().page(found, call)
