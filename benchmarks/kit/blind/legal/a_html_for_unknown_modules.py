"""A path in no module of the API gets the container's page in HTML; an unknown method gets JSON."""

from typing import Any

from sound_server.reading import Refusal, Request
from sound_server.server import API_PATH, Reply, SoundServer

FACTS = "8.1"  # unknown paths; arguable: section 3 has every response of the API in JSON
CHOICES: dict[str, Any] = {}
MODULES = ("webhook_requests", "authentication")
PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Error 404</title></head><body>"
    b"<h1>Error 404: SRVE0190E: File not found</h1></body></html>\n"
)


class Server(SoundServer):
    """Has servlets for the modules that it knows, and nothing of its own elsewhere."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        """Answer a path outside of all modules as the container does."""
        module = request.path.removeprefix(f"{API_PATH}/").partition("/")[0]
        if refusal.kind == "unknown_path" and module not in MODULES:
            return Reply(404, "text/html;charset=ISO-8859-1", PAGE)
        return super().refusal(request, refusal)
