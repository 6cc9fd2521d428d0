"""A resend is queued for 3 seconds, in which the record stays rejected and takes no other."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, SoundServer
from sound_server.world import REJECTED

FACTS = "8.23"  # synchronous or queued
CHOICES: dict[str, Any] = {}

ERRORS.setdefault("already_queued", ("WEBHOOKS", "RESENDALREADYQUEUED", 409))


class Server(SoundServer):
    """Sends what is queued when its time has come; a second resend before is refused."""

    def set_up(self) -> None:
        """Start with an empty queue."""
        super().set_up()
        self.sending_times: dict[str, float] = {}  # id of a record → when it is sent

    def do_resend(self, call: Call) -> Any:
        """Put a record into the queue, once."""
        record = self.find(call)
        if not self.may_resend(record, call):
            return super().do_resend(call)
        if not record.definition.effective and self.choices.resend_not_effective == "error":
            return super().do_resend(call)
        if record.id in self.sending_times:
            raise Refusal("already_queued", "The webhook request is about to be sent again.")
        self.sending_times[record.id] = self.now + 3
        return self.trimmed(record, call)

    def work_of_others(self) -> None:
        """Send the records whose time has come, if they are still there and rejected."""
        super().work_of_others()
        for record_id, time in list(self.sending_times.items()):
            if time <= self.now:
                del self.sending_times[record_id]
                record = self.records.get(record_id)
                if record is not None and record.life_cycle_state == REJECTED:
                    self.send_again(record)
