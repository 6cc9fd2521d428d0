"""A login answers 201 Created, and resend, delete and release answer 202 Accepted."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sound_server.reading import Call
from sound_server.server import Reply, SoundServer

FACTS = "3 (HTTP status: no page states one, not even for success) and 8.1"
CHOICES: dict[str, Any] = {}
STATUSES = {"login": 201, "key_login": 201, "resend": 202, "delete": 202, "release_token": 202}
REASONS = {"201": "Created", "202": "Accepted"}


class Server(SoundServer):
    """Says 200 only where nothing is changed."""

    def success(self, call: Call, data: Any) -> Reply:
        """Answer with the status of the method."""
        return replace(super().success(call, data), status=STATUSES.get(call.method, 200))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer with the reason that belongs to the status."""

        def start(status: str, *more: Any) -> Any:
            code = status[:3]
            return start_response(f"{code} {REASONS[code]}" if code in REASONS else status, *more)

        return super().__call__(environ, start)
