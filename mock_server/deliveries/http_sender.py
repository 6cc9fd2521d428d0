"""The delivery that really sends: one call a webhook request, and what it means."""

from crmcom_kit.mock_server.deliveries.deadline_streams import CallFailed
from crmcom_kit.mock_server.deliveries.http_client import Caller, Limits
from crmcom_kit.mock_server.deliveries.http_message import message_of
from crmcom_kit.mock_server.deliveries.senders import (
    Attempt,
    Outcome,
    outcome_of,
    outcome_of_status,
)
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.third_party import ThirdPartyMessages


class HttpDelivery:
    """Sends webhook requests over HTTP."""

    def __init__(self, dialect: Dialect, caller: Caller) -> None:
        """Send as ``dialect`` says.

        Args:
            dialect: what is sent (``message.*``), and how long it may take (``delivery.*``).
            caller: makes the calls.
        """
        self._messages = ThirdPartyMessages(dialect)
        self._caller = caller
        self._limit: int = dialect["delivery.description_limit"]
        self._success: str = dialect["delivery.success"]
        self._limits = Limits(
            connect=dialect["delivery.connect_timeout"] / 1000,
            read=dialect["delivery.read_timeout"] / 1000,
            overall=dialect["delivery.overall_timeout"] / 1000,
            redirects=dialect["delivery.redirects"],
        )

    def send(self, attempt: Attempt) -> Outcome:
        """Send once, and say what came of it. Raises Stopped."""
        url, limit = attempt.url, self._limit
        try:
            returned = self._caller.call(url, message_of(self._messages, attempt), self._limits)
        except CallFailed as failed:
            return outcome_of(failed.outcome, url, limit, why=str(failed))
        status = returned.status
        if (
            self._success == "any"
            or status == 200
            or (self._success == "2xx" and status // 100 == 2)
        ):
            return Outcome("success", None, None, status, returned.body)
        return outcome_of_status(status, returned.reason, url, limit, answer=returned.body)

    def reset(self) -> None:
        """Nothing to go back to."""

    def stop(self) -> None:
        """Give up what is on its way, and send nothing more."""
        self._caller.stop()
