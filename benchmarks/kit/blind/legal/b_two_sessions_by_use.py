"""A user has two sessions; a third login ends the one that was used longest ago."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, SoundServer

FACTS = "8.26"  # number of live tokens
CHOICES: dict[str, Any] = {}

ERRORS.setdefault("session_replaced", ("SECURITY", "SESSIONREPLACED", 401))


class Server(SoundServer):
    """Counts the tokens of the user, not those for a Web API key, and says why one ended."""

    def set_up(self) -> None:
        """Start without sessions."""
        super().set_up()
        self.session_tokens: list[str] = []
        self.replaced_tokens: set[str] = set()

    def do_login(self, call: Call) -> Any:
        """Return a token, and end the session that was used least of late."""
        data = super().do_login(call)
        known = self.tokens.known
        older = [text for text in self.session_tokens if text != data["token"]]
        live = [text for text in older if text in known and not known[text].released]
        live.append(data["token"])
        while len(live) > 2:
            ended = min(live[:-1], key=lambda text: known[text].used)
            live.remove(ended)
            self.replaced_tokens.add(ended)
            del known[ended]
        self.session_tokens = live
        return data

    def check_token(self, token: Any, call: Call) -> None:
        """Refuse the token of a session that ended with a code of its own."""
        if isinstance(token, str) and token in self.replaced_tokens:
            raise Refusal("session_replaced", "The user has logged in elsewhere.")
        super().check_token(token, call)
