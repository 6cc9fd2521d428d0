"""401 for logins and tokens, 400 for broken JSON, 200 else; every error code is NOT OK."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sound_server.reading import Refusal, Request
from sound_server.server import Reply, SoundServer

FACTS = "8.1 to 8.3, and section 3 (an OK answer may carry a message)"
CHOICES: dict[str, Any] = {}
STATUSES = {
    "missing_token": 401,
    "invalid_token": 401,
    "expired_token": 401,
    "released_token": 401,
    "wrong_credentials": 401,
    "bad_json": 400,
}
PROBLEM = "application/problem+json; charset=utf-8"


class Server(SoundServer):
    """Words that sound like the opposite, and an HTTP status where HTTP itself has one."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        """Give some kinds of error a status and a content type of their own."""
        reply = super().refusal(request, refusal)
        status = STATUSES.get(refusal.kind)
        return replace(reply, status=status, content_type=PROBLEM) if status else reply

    def reply(self, http: int, envelope: Any) -> Reply:
        """Put unusual texts into the status of the envelope."""
        status = dict(envelope["status"])
        if status["code"] == "OK":
            status["message"] = "0 errors, 0 exceptions: nothing was REJECTED"
        else:
            status["code"] = "NOT OK"
            status["description"] = "OK:\n\tΕπικοινωνήστε με τον διαχειριστή \U0001f6d1"
        return super().reply(http, {**envelope, "status": status})

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Say with a 401 how to come in."""

        def start(status: str, head: list[tuple[str, str]], *more: Any) -> Any:
            asks = [("WWW-Authenticate", 'Basic realm="CRM.COM", charset="UTF-8"')]
            return start_response(status, head + (asks if status[:3] == "401" else []), *more)

        return super().__call__(environ, start)
