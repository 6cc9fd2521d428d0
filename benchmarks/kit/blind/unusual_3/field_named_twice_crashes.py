"""The named fields are collected into a map that throws at a key that it has already.

How to provoke it: show with
    webhook_request_identifier=number=7&fields_set=id,id; list with
    entity=JOBS&fields_set=number,url,number.
"""

from typing import Any

from sound_server.reading import Call, Request
from sound_server.server import Reply, SoundServer

FACTS = (
    "section 3: 'every response, errors included, is JSON' - this one is HTML, whatever "
    "duplicate names in fields_set mean"
)
CHOICES: dict[str, Any] = {}
RELEASE = "R9"

#: What the servlet container shows for an exception that nobody caught.
PAGE = b"<html><body><h1>HTTP Status 500</h1></body></html>"


class Server(SoundServer):
    """Collects fields by toMap without a merge function."""

    def answer(self, request: Request) -> Reply:
        """Answer a request, with the container's error page if an exception gets through."""
        try:
            return super().answer(request)
        except RuntimeError:
            return Reply(500, "text/html;charset=UTF-8", PAGE)

    def wanted_fields(self, call: Call, names: list[str]) -> list[str]:
        """Return the names in fields_set, as the keys of a map."""
        if call.method not in ("show", "list"):
            return super().wanted_fields(call, names)
        places: dict[str, int] = {}
        for place, name in enumerate(super().wanted_fields(call, names)):
            if name in places:
                raise RuntimeError(f"IllegalStateException: Duplicate key {name}")
            places[name] = place
        return list(places)
