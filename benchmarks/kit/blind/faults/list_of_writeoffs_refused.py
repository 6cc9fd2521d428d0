"""A list with the entity WRITEOFFS is refused, though there are such records.

Breaks list: "entity: ... The supported entities are the following", with 1.3: WRITEOFFS from
R15.0.0 on [S]. The table of what the filter takes ends one line too early.
"""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import SoundServer

FACTS = "1.3: R15.0.0 + ... WRITEOFFS [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R15"


class Server(SoundServer):
    """Does not know the last entity in the filter."""

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, and refuse the last entity."""
        super().read_arguments(call)
        if "WRITEOFFS" in call.filters.get("entity", ()):
            raise Refusal("bad_entity", "WRITEOFFS is not a supported entity.")
