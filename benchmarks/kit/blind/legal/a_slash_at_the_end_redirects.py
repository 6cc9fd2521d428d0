"""A path with a slash at its end is redirected to the one without, with its query."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from sound_server.server import API_PATH, SoundServer

FACTS = "1.1 (a client calls list/ [E]) and 8.1"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Has one address for each method."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Redirect a path with a slash at its end."""
        path = environ.get("PATH_INFO", "")
        if not path.startswith(f"{API_PATH}/") or not path.endswith("/"):
            return super().__call__(environ, start_response)
        target = quote(environ.get("SCRIPT_NAME", "") + path.rstrip("/"))
        if environ.get("QUERY_STRING"):
            target += f"?{environ['QUERY_STRING']}"
        status = {"message": "Moved", "description": None, "code": "MOVED"}
        body = json.dumps({"status": status}).encode()
        head = [("Location", target), ("Content-Type", self.choices.content_type)]
        start_response("307 Temporary Redirect", [*head, ("Content-Length", str(len(body)))])
        return [body]
