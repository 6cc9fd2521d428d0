"""A login compares only the first eight letters of the password.

Breaks section 4: POST authentication/token takes username, password and organisation, all
mandatory [S]. It shows with a wrong password that begins as the right one does.
"""

from typing import Any

from sound_server.server import PASSWORD, SoundServer

FACTS = "section 4: authentication/token: password (mandatory) [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R10"


class Server(SoundServer):
    """Hashes passwords as old systems do, without what comes after the eighth letter."""

    def credentials_right(self, username: str, password: str, organisation: str) -> bool:
        """Return whether the user may come in."""
        if password[:8] == PASSWORD[:8]:
            password = PASSWORD
        return super().credentials_right(username, password, organisation)
