"""What a mock sends, and its own receiver, as a test holds them."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from crmcom_kit.mock_server.deliveries.attempts import AttemptNote
from crmcom_kit.mock_server.deliveries.faults import KINDS, DeliveryFault
from crmcom_kit.mock_server.deliveries.receiver import Received, ReceiverAnswer
from crmcom_kit.mock_server.python_api.arguments import integer, moment, number, text
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import UsageError
from crmcom_kit.mock_server.webhooks.replay import recover, replay
from crmcom_kit.mock_server.webhooks.signatures import Verdict
from crmcom_kit.mock_server.webhooks.verdicts import sent_as, verdict_on
from crmcom_kit.mock_server.world.epoch import Epoch

_SECONDS = 20.0
_MOST = {"times": 1_000_000, "copies": 10}


class Deliveries:
    """The attempts to send webhook requests since the last reset, oldest first."""

    def __init__(self, epoch: Callable[[], Epoch]) -> None:
        """Look at the epoch that ``epoch`` returns."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[AttemptNote]:
        return iter(self._epoch().attempts.notes())

    def __len__(self) -> int:
        return len(self._epoch().attempts.notes())

    def __getitem__(self, at: int) -> AttemptNote:
        return self._epoch().attempts.notes()[at]

    def of(self, record: str | int) -> list[AttemptNote]:
        """Return the attempts for one webhook request, by its number or id."""
        return self._epoch().attempts.notes(record=str(record))

    def wait_for(
        self,
        record: str | int | None = None,
        *,
        delivered: bool | None = None,
        seconds: float = _SECONDS,
    ) -> AttemptNote:
        """Return the first attempt that is over, waiting for it.

        Args:
            record: of this webhook request, by number or id; of any where left out.
            delivered: whether the receiver took it; either where left out.
            seconds: how long to wait, of the machine's time.

        Raises:
            TimeoutError: there was none in time.
            UsageError: ``seconds`` is no number of them.
        """
        number("seconds", seconds)
        attempts = self._epoch().attempts
        wanted = None if record is None else str(record)

        def found() -> AttemptNote | None:
            for note in attempts.notes(record=wanted):
                took = note.outcome is not None and note.outcome.delivered
                if note.over and delivered in (None, took):
                    return note
            return None

        note = attempts.wait_for(found, seconds)
        if note is None:
            msg = f"no such delivery within {seconds:g} s; there were {len(attempts.notes())}"
            raise TimeoutError(msg)
        return note

    def awaited(self, record: str | None, seconds: float) -> AttemptNote:
        """Return the first attempt that is over, as ``wait_for`` does. Raises AssertionError."""
        __tracebackhide__ = True
        try:
            return self.wait_for(record, seconds=seconds)
        except TimeoutError as late:
            raise AssertionError(str(late)) from None

    def replay(self, number: int) -> AttemptNote:
        """Send exactly what an attempt sent once more. Raises NotFound."""
        return replay(self._epoch(), number)

    def recover(
        self, since: datetime | str | None = None, *, seconds: float = _SECONDS
    ) -> list[AttemptNote]:
        """Send again all that is REJECTED and was created at ``since`` or later; wait for it.

        Raises:
            UsageError: ``since`` is no moment with a zone, or ``seconds`` no number.
        """
        begin = moment("since", since)
        if begin is not None and begin.tzinfo is None:
            raise UsageError("since", seen=begin.isoformat(), allowed="a moment with a zone")
        number("seconds", seconds)
        epoch = self._epoch()
        notes = recover(epoch, begin).attempts
        epoch.attempts.wait_for(lambda: all(note.over for note in notes) or None, seconds)
        return notes

    def fail(self, fault: str, **given: Any) -> None:
        """Let deliveries go wrong: *duplicate*, *delay*, *wrong_signature*, *old_key*, *cut_body*.

        Args:
            fault: what goes wrong.
            given: ``times`` (1; None for all), ``seconds`` of a delay, ``copies`` of a duplicate;
                ``definition`` or ``number`` for the webhook requests of one alone.

        Raises:
            UsageError: there is no such fault, or it has no such argument.
            LimitExceeded: there are as many as may be.
        """
        if fault not in KINDS:
            raise UsageError("fault", seen=quoted(fault), allowed=f"one of {', '.join(KINDS)}")
        for name, value in given.items():
            _check_fault(name, value)
        faults = self._epoch().delivery_faults
        faults.put([*faults.all(), DeliveryFault(fault=fault, **given)])


def _check_fault(name: str, value: Any) -> None:
    """Refuse what no delivery fault takes. Raises UsageError."""
    if name in ("times", "definition", "number") and value is None:
        return
    if name in ("definition", "number"):
        text(name, value)
    elif name == "seconds":
        number(name, value)
    elif name in _MOST:
        integer(name, value, 1, _MOST[name])
    else:
        allowed = "times, seconds, copies, definition or number"
        raise UsageError(quoted(name).strip('"'), seen="among the arguments", allowed=allowed)


class Got:
    """One message that the built-in receiver got."""

    def __init__(self, epoch: Epoch, received: Received) -> None:
        """Tell of ``received``."""
        self._epoch = epoch
        self.received = received

    @property
    def json(self) -> Any:
        """The body as a JSON value. Raises ValueError where it is none."""
        return json.loads(self.received.body)

    @property
    def signature(self) -> Verdict:
        """Whether its authentication code verifies, and why not."""
        received = self.received
        note = sent_as(self._epoch, received)
        return verdict_on(self._epoch, received.named, received.body, note=note)


class BuiltInReceiver:
    """The mock's own receiver of webhook requests."""

    def __init__(self, epoch: Callable[[], Epoch], address: Callable[[], str]) -> None:
        """Look at the receiver of ``epoch``, which is at ``address``."""
        self._epoch = epoch
        self._address = address

    @property
    def url(self) -> str:
        """Where to send to; the mock's server is started."""
        return self._address()

    @property
    def requests(self) -> list[Got]:
        """What it got, oldest first."""
        epoch = self._epoch()
        return [Got(epoch, one) for one in epoch.receiver.requests()]

    def answer_with(self, *answers: int | ReceiverAnswer) -> None:
        """Answer these statuses or answers, one after another; the last one for ever.

        Raises:
            UsageError: one is neither.
        """
        for one in answers:
            if not isinstance(one, ReceiverAnswer):
                integer("answers", one, 200, 599)
        self._epoch().receiver.answer_with(
            ReceiverAnswer(status=one, times=1) if isinstance(one, int) else one for one in answers
        )

    def forget(self) -> None:
        """Forget what it got."""
        self._epoch().receiver.forget()
