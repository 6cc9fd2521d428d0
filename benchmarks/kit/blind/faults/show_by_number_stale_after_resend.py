"""A show by number keeps giving what the first one gave, also after the record was sent again.

Breaks show: "life_cycle_state: The life cycle state of the retrieved webhook request". Resend,
list and show by id tell that the record is SUCCESSFUL; only a cache by number is stale.
"""

from typing import Any

from sound_server.reading import Call
from sound_server.server import SoundServer
from sound_server.world import Record

FACTS = "specification, show, Response Data: life_cycle_state"
CHOICES: dict[str, Any] = {}
RELEASE = "R9"


class Server(SoundServer):
    """Keeps the views that shows by number gave."""

    def set_up(self) -> None:
        """Make the cache."""
        super().set_up()
        self.views_by_number: dict[str, dict[str, Any]] = {}

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        """Return the cached view for a show by number."""
        view = super().view(record, call)
        if call.method == "show" and call.identifier[0] == "number":
            return dict(self.views_by_number.setdefault(record.id, view))
        return view
