"""An import elsewhere makes six new records at each twentieth request, in one second."""

from typing import Any

from sound_server.server import SoundServer

FACTS = "5 (requests are created by the system)"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Grows in bursts between two requests of a client, up to 200 records."""

    def work_of_others(self) -> None:
        """Let workflow rules add a burst of records."""
        super().work_of_others()
        if self.requests % 20 == 0 and len(self.records) < 200:
            for _ in range(6):
                self.add()
