"""The delivery that really sends: one call a webhook request, and what it means."""

import orjson

from crmcom_kit import __version__
from crmcom_kit.mock_server.delivery import (
    Attempt,
    Outcome,
    outcome_of,
    outcome_of_status,
)
from crmcom_kit.mock_server.outgoing import Caller, CallFailed, Limits
from crmcom_kit.schemas import Dialect
from crmcom_kit.schemas.third_party import Message, ThirdPartyMessages

#: What the mock says of itself in each message: no vendor's header.
OWN_HEADER = "X-Crmcom-Mock"
LABEL_HEADER = "X-Mock-Attempt"


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
            returned = self._caller.call(url, self.message(attempt), self._limits)
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

    def message(self, attempt: Attempt) -> Message:
        """Return what goes out for an attempt."""
        data = {} if attempt.data is None else orjson.loads(attempt.data)
        method, headers, body = self._messages.written(data, attempt.authentication_code)
        if attempt.cut:
            body = body[: len(body) // 2]
        own = (("User-Agent", f"crmcom-kit/{__version__}"), (OWN_HEADER, __version__))
        label = ((LABEL_HEADER, attempt.label),) if attempt.label else ()
        return Message(method, (*own, *label, *headers), body)

    def reset(self) -> None:
        """Nothing to go back to."""

    def stop(self) -> None:
        """Give up what is on its way, and send nothing more."""
        self._caller.stop()
