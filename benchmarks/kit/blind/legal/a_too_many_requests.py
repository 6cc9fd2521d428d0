"""A bucket of ten requests, filled with 3.75 a second; a request that finds none left gets 429."""

from collections.abc import Iterable
from typing import Any

from sound_server.reading import Request
from sound_server.server import Reply, SoundServer

FACTS = "section 6 (rate limits: none mentioned) and 8.1"
CHOICES: dict[str, Any] = {}
BUCKET, PER_SECOND = 10.0, 3.75


class Server(SoundServer):
    """Is a little slower than a client that never waits."""

    def set_up(self) -> None:
        """Start with a full bucket."""
        super().set_up()
        self.rate_level = BUCKET
        self.rate_since = self.now

    def behind_gateway(self, request: Request) -> Reply:
        """Answer a request if there is something in the bucket."""
        filled = max(0.0, self.now - self.rate_since) * PER_SECOND
        self.rate_level = min(BUCKET, self.rate_level + filled)
        self.rate_since = self.now
        if self.rate_level < 1:
            text = "Too many requests"
            return self.reply(429, {"status": {"message": text, "description": "", "code": "429"}})
        self.rate_level -= 1
        return super().behind_gateway(request)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Say with a 429 when to come again."""

        def start(status: str, head: list[tuple[str, str]], *more: Any) -> Any:
            later = [("Retry-After", "1")] if status[:3] == "429" else []
            return start_response(status, head + later, *more)

        return super().__call__(environ, start)
