"""A resend succeeds at once, and five requests later the record is rejected again, once."""

from typing import Any

from sound_server.server import SoundServer
from sound_server.world import REJECTED, SUCCESSFUL, Record

FACTS = "8.23, 8.24"  # new state after a resend; success criteria
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Hears from the receiver late that it refuses what it took; the next resend lasts."""

    def set_up(self) -> None:
        """Start without resends."""
        super().set_up()
        self.late_refusals: dict[str, int] = {}  # id of a record → request at which it fails

    def send_again(self, record: Record) -> None:
        """Send a record, and let the receiver refuse it later the first time."""
        super().send_again(record)
        if record.life_cycle_state == SUCCESSFUL:
            self.late_refusals.setdefault(record.id, self.requests + 5)

    def work_of_others(self) -> None:
        """Let the receiver tell of what it refuses after all."""
        super().work_of_others()
        for record_id, due in self.late_refusals.items():
            record = self.records.get(record_id)
            if due == self.requests and record and record.life_cycle_state == SUCCESSFUL:
                record.life_cycle_state = REJECTED
                self.world.set_error(record)
                self.touch(record)
