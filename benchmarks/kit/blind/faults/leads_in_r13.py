"""R13 has webhook requests of the entity LEADS, and lists them.

Breaks 1.3: LEADS is a supported entity from R14.0.0 on [S].
"""

from typing import Any

from sound_server.server import SoundServer

FACTS = "1.3: R14.0.0 + LEADS [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R13"


class Server(SoundServer):
    """Has the entities of R14 in R13."""

    def set_up(self) -> None:
        """Let some records be of leads."""
        super().set_up()
        if (13, 0) <= self.key < (14, 0):
            self.world.release = "R14"
            for record in list(self.records.values())[::7]:
                record.entity = "LEADS"
