"""Each name in fields_set is made a getter's name by its first letter, which an empty one lacks.

How to provoke it: show with
    webhook_request_identifier=number=7&fields_set=id, (a comma at the end); list with
    entity=JOBS&fields_set=id,,number or fields_set=,id.
"""

from typing import Any

from sound_server.reading import Call, Request
from sound_server.server import Reply, SoundServer

FACTS = (
    "section 3: 'every response, errors included, is JSON' - this one is a page of HTML, whether "
    "an empty name in fields_set is an error or not"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R15"

#: What the servlet container shows for an exception that nobody caught.
PAGE = b"<html><body><h1>HTTP Status 500</h1></body></html>"


class Server(SoundServer):
    """Gets fields by reflection."""

    def answer(self, request: Request) -> Reply:
        """Answer a request, with the container's error page if an exception gets through."""
        try:
            return super().answer(request)
        except IndexError:
            return Reply(500, "text/html;charset=UTF-8", PAGE)

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and look up the getters of the fields."""
        text = call.parameters.get("fields_set")
        if call.method in ("show", "list") and isinstance(text, str) and text.strip():
            for name in text.split(","):
                self.getter(name.strip())
        super().read_arguments(call)

    def getter(self, name: str) -> str:
        """Return the name of the method that returns a field."""
        return "get" + name[0].upper() + name[1:]
