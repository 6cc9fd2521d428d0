"""Three wrong passwords in a row lock the user for 30 seconds and end their live tokens."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, ORGANISATION, USERNAME, SoundServer

FACTS = "8.26"  # exact text for locked users
CHOICES: dict[str, Any] = {}

ERRORS.setdefault("locked_for_a_while", ("SECURITY", "TEMPORARILYLOCKED", 423))


class Server(SoundServer):
    """Thinks of a stolen password: the lock ends what was open, except for Web API keys."""

    def set_up(self) -> None:
        """Start without wrong passwords."""
        super().set_up()
        self.wrong_passwords = 0
        self.locked_until = 0.0
        self.open_tokens: list[str] = []

    def credentials_right(self, username: str, password: str, organisation: str) -> bool:
        """Return whether the user may come in, and lock them after three wrong passwords."""
        if (username, organisation) != (USERNAME, ORGANISATION):
            return super().credentials_right(username, password, organisation)
        if self.now < self.locked_until:
            raise Refusal("locked_for_a_while", "The user is locked. Try again later.")
        right = super().credentials_right(username, password, organisation)
        self.wrong_passwords = 0 if right else self.wrong_passwords + 1
        if self.wrong_passwords == 3:
            self.wrong_passwords = 0
            self.locked_until = self.now + 30
            while self.open_tokens:
                self.tokens.known.pop(self.open_tokens.pop(), None)
        return right

    def do_login(self, call: Call) -> Any:
        """Return a token, and keep whose it is."""
        data = super().do_login(call)
        self.open_tokens.append(data["token"])
        return data
