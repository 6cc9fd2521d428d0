"""A paging number is checked by isdigit(), which superscripts pass, and int() then crashes.

How to provoke it: list with
    entity=ACTIVITIES&number_of_results=%C2%B2 (a superscript two), or offset=%E2%91%A0 (a
    circled one).
"""

from typing import Any

from sound_server.reading import PAGING, Call, Request
from sound_server.server import Reply, SoundServer

FACTS = (
    "section 3: 'every response, errors included, is JSON' - this one is a page of HTML, for a "
    "number_of_results or an offset, be it a number or an error"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R18"

#: What the servlet container shows for an exception that nobody caught.
PAGE = b"<html><body><h1>HTTP Status 500</h1></body></html>"


class Server(SoundServer):
    """Takes every digit of Unicode for one of a number."""

    def answer(self, request: Request) -> Reply:
        """Answer a request, with the container's error page if an exception gets through."""
        try:
            return super().answer(request)
        except ValueError:
            return Reply(500, "text/html;charset=UTF-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, the paging numbers among them as soon as they look like some."""
        if call.method == "list":
            for name in PAGING:
                self.paging_number(str(call.parameters.get(name, "")))
        super().read_arguments(call)

    def paging_number(self, text: str) -> int | None:
        """Return a number that a text is, as far as it fits into 64 bits."""
        return int(text[:18]) if text.isdigit() else None
