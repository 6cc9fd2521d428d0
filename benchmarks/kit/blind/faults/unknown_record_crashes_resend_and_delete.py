"""A resend or delete of an unknown record is answered with a web page of the server's crash.

Breaks section 3: every response, errors included, is JSON [S]. A show of an unknown record is
refused in JSON.
"""

from typing import Any

from sound_server.reading import Refusal, Request
from sound_server.server import Reply, SoundServer

FACTS = "section 3: every response, errors included, is JSON [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R18"
PAGE = b"<html><h1>HTTP Status 500</h1><p>java.lang.NullPointerException</p></html>"


class Server(SoundServer):
    """Does not ask whether there is a record before it works on it."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        """Return the response of a call that was refused, or a crash."""
        if refusal.kind in ("unknown_record", "deleted_record") and request.verb == "POST":
            return Reply(500, "text/html", PAGE)
        return super().refusal(request, refusal)
