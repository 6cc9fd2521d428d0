"""The login with a Web API key works in R9 already.

Breaks section 4: POST authentication/web_api_key/token is available from R10.0.0 [S].
"""

from typing import Any

from sound_server import reading
from sound_server.reading import Call, Request
from sound_server.server import API_PATH, SoundServer

FACTS = "section 4: authentication/web_api_key/token R10.0.0 [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(SoundServer):
    """Has the method of R10 in R9."""

    def route(self, request: Request) -> Call:
        """Return the call that a request is, in R9 of that method, too."""
        name = request.path.removeprefix(API_PATH).strip("/")
        early = self.key < (10, 0) and request.path.startswith(f"{API_PATH}/")
        if early and name == "authentication/web_api_key/token" and request.verb == "POST":
            return reading.read_call(self.choices, self.key, "key_login", request)
        return super().route(request)
