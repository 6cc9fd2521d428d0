"""Five wrong passwords in a row lock a user out for 20 seconds, with 200 and an error envelope."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer

FACTS = "8.26 (locked users)"
CHOICES: dict[str, Any] = {}
WRONG, SECONDS = 5, 20


class Server(SoundServer):
    """Slows down those who guess passwords; tokens that were made before stay good."""

    def set_up(self) -> None:
        """Start with nobody locked out."""
        super().set_up()
        self.lock_wrong: dict[str, int] = {}
        self.lock_until: dict[str, float] = {}

    def do_login(self, call: Call) -> Any:
        """Count the wrong passwords of each user."""
        name = str(call.parameters.get("username"))
        if self.now < self.lock_until.get(name, 0):
            raise Refusal("wrong_credentials", "The user is locked. Try again later.")
        try:
            data = super().do_login(call)
        except Refusal as refusal:
            if refusal.kind == "wrong_credentials":
                self.lock_wrong[name] = self.lock_wrong.get(name, 0) + 1
                if self.lock_wrong[name] == WRONG:
                    self.lock_until[name] = self.now + SECONDS
                    self.lock_wrong[name] = 0
            raise
        self.lock_wrong[name] = 0
        return data
