"""Five wrong passwords in a row lock the user for good, while their live tokens go on."""

from typing import Any

from sound_server.reading import Refusal
from sound_server.server import ERRORS, ORGANISATION, USERNAME, SoundServer

FACTS = "8.26"  # exact text for locked users
CHOICES: dict[str, Any] = {}

ERRORS.setdefault("user_locked", ("SECURITY", "USERLOCKED", 403))


class Server(SoundServer):
    """Refuses each login of a locked user with a code of its own, the right password too."""

    def set_up(self) -> None:
        """Start without wrong passwords."""
        super().set_up()
        self.wrong_in_a_row = 0

    def credentials_right(self, username: str, password: str, organisation: str) -> bool:
        """Return whether the user may come in, and count wrong passwords."""
        is_user = (username, organisation) == (USERNAME, ORGANISATION)
        if is_user and self.wrong_in_a_row >= 5:
            raise Refusal("user_locked", "The user is locked. Contact your administrator.")
        right = super().credentials_right(username, password, organisation)
        if is_user:
            self.wrong_in_a_row = 0 if right else self.wrong_in_a_row + 1
        return right
