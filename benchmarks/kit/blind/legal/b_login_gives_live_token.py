"""A login answers the token that the user has already, while half of its time is left."""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer

FACTS = "8.26"  # number of live tokens
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Keeps one session for each unit; whoever releases its token ends it for all holders."""

    def set_up(self) -> None:
        """Start without sessions."""
        super().set_up()
        self.shared_tokens: dict[str, str] = {}  # id of a unit → its token

    def do_login(self, call: Call) -> Any:
        """Return the token of the session, or that of a new one."""
        data = super().do_login(call)
        unit_id = self.unit(call)["id"]
        text = self.shared_tokens.get(unit_id, "")
        kept = self.tokens.known.get(text)
        if kept is not None and not kept.released:
            begin = kept.used if kept.idle else kept.issued
            spent = kept.requests == self.choices.token_requests
            if not spent and self.now - begin < kept.life / 2:
                self.tokens.known.pop(data["token"], None)
                kept.used = self.now
                return {**data, "token": text}
        self.shared_tokens[unit_id] = data["token"]
        return data
