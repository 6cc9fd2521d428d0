"""After a minute of silence a gateway answers one request with 502, and does not pass it on."""

from typing import Any

from sound_server.reading import Request
from sound_server.server import Reply, SoundServer

FACTS = "8.1; nothing is said of what stands in front of the API"
CHOICES: dict[str, Any] = {}
PAUSE = 60
PAGE = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"


class Server(SoundServer):
    """Closes connections that its gateway still believes in."""

    def set_up(self) -> None:
        """Note when the last request came."""
        super().set_up()
        self.pause_since = self.now

    def behind_gateway(self, request: Request) -> Reply:
        """Answer a request unless the connection to the server is gone."""
        pause, self.pause_since = self.now - self.pause_since, self.now
        if pause > PAUSE:
            return Reply(502, "text/html", PAGE)
        return super().behind_gateway(request)
