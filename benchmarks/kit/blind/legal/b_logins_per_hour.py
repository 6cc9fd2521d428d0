"""A user may log in fifteen times in an hour; more logins are refused until the hour is over."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, SoundServer

FACTS = "6 (no rate limits mentioned), 8.26"
CHOICES: dict[str, Any] = {}

ERRORS.setdefault("too_many_logins", ("SECURITY", "TOOMANYLOGINS", 429))


class Server(SoundServer):
    """Counts the logins that went well, of the last 3,600 seconds; live tokens go on."""

    def set_up(self) -> None:
        """Start without logins."""
        super().set_up()
        self.login_times: list[float] = []

    def do_login(self, call: Call) -> Any:
        """Return a token, or refuse the sixteenth in an hour."""
        self.login_times = [time for time in self.login_times if self.now - time < 3600]
        if len(self.login_times) >= 15:
            raise Refusal("too_many_logins", "Too many logins. Use the token that you have.")
        data = super().do_login(call)
        self.login_times.append(self.now)
        return data
