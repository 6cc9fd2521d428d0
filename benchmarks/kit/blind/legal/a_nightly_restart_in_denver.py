"""Each night at 02:00:30 in Denver the server restarts: three times 503, and no token is left."""

from typing import Any

from sound_server.reading import Request
from sound_server.server import Reply, SoundServer

FACTS = "8.26; arguable: section 4 has two hours fixed from R12 on, and no word of restarts"
CHOICES: dict[str, Any] = {}
DAY, REQUESTS = 86_400, 3
RESTART = 9 * 3600 + 30  # 02:00:30 in Denver is 09:00:30 UTC in winter


class Server(SoundServer):
    """Keeps its tokens in memory only."""

    def set_up(self) -> None:
        """Note which nights are over."""
        super().set_up()
        self.nightly_last = self.night()
        self.nightly_left = 0

    def night(self) -> int:
        """Return the number of the last restart until now."""
        return int((self.now - RESTART) // DAY)

    def behind_gateway(self, request: Request) -> Reply:
        """Restart if it is time, and answer nothing while that lasts."""
        if self.night() != self.nightly_last:
            self.nightly_last = self.night()
            self.nightly_left = REQUESTS
            self.tokens.known.clear()
        if not self.nightly_left:
            return super().behind_gateway(request)
        self.nightly_left -= 1
        status = {"message": "Starting", "description": None, "code": "STARTING"}
        return self.reply(503, {"status": status})
