"""A show of a rejected record sets its updated_date and updated_by fields.

Breaks show: "This method returns information related with a webhook request" (it changes
nothing), and 2.3: updated_date, updated_by_user [S]. The change shows in the next response.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import REJECTED

FACTS = "specification, show: returns information; 2.3 [S]"
CHOICES: dict[str, Any] = {}
RELEASE = "R10"


class Server(SoundServer):
    """Saves the rejected records that it has read."""

    def do_show(self, call: Call) -> Any:
        """Return one record, and keep a rejected one as changed."""
        data = super().do_show(call)
        record = self.find(call)
        if record.life_cycle_state == REJECTED:
            self.touch(record)
        return data
