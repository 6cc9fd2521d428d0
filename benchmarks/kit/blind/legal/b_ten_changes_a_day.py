"""The plan allows ten changes a day, resends and deletes together; more are refused."""

from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import ERRORS, SoundServer

FACTS = "6 (no rate limits mentioned), 8.2"
CHOICES: dict[str, Any] = {}

ERRORS.setdefault("daily_quota", ("LICENSING", "DAILYQUOTAEXCEEDED", 429))
DAY = 86_400


class Server(SoundServer):
    """Counts the changes that went well since midnight."""

    def set_up(self) -> None:
        """Start a day."""
        super().set_up()
        self.quota_day = self.now // DAY
        self.changes_today = 0

    def need_quota(self) -> None:
        """Refuse a change when ten were made since midnight."""
        if self.quota_day != self.now // DAY:
            self.quota_day, self.changes_today = self.now // DAY, 0
        if self.changes_today >= 10:
            raise Refusal("daily_quota", "Your plan allows no more changes today.")

    def do_resend(self, call: Call) -> Any:
        """Resend a record within the quota."""
        self.need_quota()
        data = super().do_resend(call)
        self.changes_today += 1
        return data

    def do_delete(self, call: Call) -> Any:
        """Delete a record within the quota."""
        self.need_quota()
        data = super().do_delete(call)
        self.changes_today += 1
        return data
