"""A short maintenance: once, 20 seconds after the start, 36 requests are answered with 503."""

from collections.abc import Iterable
from typing import Any

from sound_server.reading import Request
from sound_server.server import Reply, SoundServer

FACTS = "8.1; nothing is said of the times at which the API is there"
CHOICES: dict[str, Any] = {}
BEGIN, REQUESTS = 20, 36


class Server(SoundServer):
    """Is away for nine seconds of its clock, and then as before."""

    def set_up(self) -> None:
        """Plan the maintenance."""
        super().set_up()
        self.maintenance_begin = self.now + BEGIN
        self.maintenance_left = REQUESTS

    def behind_gateway(self, request: Request) -> Reply:
        """Answer nothing while the maintenance lasts."""
        if self.now < self.maintenance_begin or not self.maintenance_left:
            return super().behind_gateway(request)
        self.maintenance_left -= 1
        text = "The service is under maintenance. Please try again later."
        return self.reply(503, {"status": {"message": text, "description": "", "code": "503"}})

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Say with a 503 when to come again."""

        def start(status: str, head: list[tuple[str, str]], *more: Any) -> Any:
            later = [("Retry-After", "9")] if status[:3] == "503" else []
            return start_response(status, head + later, *more)

        return super().__call__(environ, start)
