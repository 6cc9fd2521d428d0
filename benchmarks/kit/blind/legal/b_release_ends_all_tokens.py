"""From R12 on, the release of a token ends all tokens of its user: a log-out everywhere."""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer

FACTS = "8.26"  # effect of release from R12 on
CHOICES: dict[str, Any] = {"release_from_r12": "ends"}


class Server(SoundServer):
    """Ends the tokens with the same user in their claims; before R12, only the one."""

    def do_release_token(self, call: Call) -> Any:
        """End all tokens of the user whose token is released."""
        data = super().do_release_token(call)
        if self.key >= (12, 0):
            user = self.tokens.claims(call.parameters["token"])["usr"]
            for text in self.tokens.known:
                if self.tokens.claims(text)["usr"] == user:
                    self.tokens.end(text)
        return data
