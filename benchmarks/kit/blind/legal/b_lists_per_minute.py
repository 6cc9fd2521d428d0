"""The plan allows fifty lists a minute; more are refused with HTTP 429 until the next minute."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, SoundServer

FACTS = "6 (no rate limits mentioned), 8.1"
CHOICES: dict[str, Any] = {"error_http": "by_kind"}

ERRORS.setdefault("too_many_lists", ("WEBAPI", "TOOMANYREQUESTS", 429))


class Server(SoundServer):
    """Counts the lists of each minute of the clock; other methods have no limit."""

    def set_up(self) -> None:
        """Start a minute."""
        super().set_up()
        self.list_minute = self.now // 60
        self.lists_in_minute = 0

    def do_list(self, call: Call) -> Any:
        """Return a list, if the minute has one left."""
        if self.list_minute != self.now // 60:
            self.list_minute, self.lists_in_minute = self.now // 60, 0
        self.lists_in_minute += 1
        if self.lists_in_minute > 50:
            raise Refusal("too_many_lists", "Too many lists in this minute.")
        return super().do_list(call)
