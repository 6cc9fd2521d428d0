"""A job resends two rejected records now and then, and most are rejected again a little later."""

from typing import Any

from sound_server.server import SoundServer
from sound_server.world import REJECTED, SUCCESSFUL

FACTS = "5 (no automatic retry mentioned), 8.23"
CHOICES: dict[str, Any] = {}


class Server(SoundServer):
    """Retries at each eighth request while many are rejected; after ten more they fail again."""

    def set_up(self) -> None:
        """Start without retries."""
        super().set_up()
        self.retried: dict[str, int] = {}  # id of a record → request at which it fails

    def work_of_others(self) -> None:
        """Let records fail whose time has come, and retry others."""
        super().work_of_others()
        for record_id in [each for each, due in self.retried.items() if due <= self.requests]:
            del self.retried[record_id]
            record = self.records.get(record_id)
            if record is not None and record.life_cycle_state == SUCCESSFUL:
                record.life_cycle_state = REJECTED
                self.world.set_error(record)
                self.touch(record)
        if self.requests % 8 == 0:
            rejected = [r for r in self.records.values() if r.life_cycle_state == REJECTED]
            for record in self.random.sample(rejected, 2 if len(rejected) > 12 else 0):
                self.send_again(record)
                if record.life_cycle_state == SUCCESSFUL and self.random.random() < 0.8:
                    self.retried[record.id] = self.requests + 10
