"""The login with a Web API key compares only the first sixteen letters of the key.

Breaks section 4: POST authentication/web_api_key/token takes the key as the user name of HTTP
Basic [S]. It shows with a wrong key that begins as the right one does.
"""

from typing import Any

from sound_server.server import WEB_API_KEY, SoundServer

FACTS = "section 4: authentication/web_api_key/token: key as user name [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R15"


class Server(SoundServer):
    """Looks for keys by their first half."""

    def key_of(self, header: str) -> str | None:
        """Return the key of a header, completed from its first half."""
        key = super().key_of(header)
        return WEB_API_KEY if key and key[:16] == WEB_API_KEY[:16] else key
