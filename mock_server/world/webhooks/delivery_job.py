"""One delivery from beginning to end: delivery faults, sending, the attempt, the record.

The caller says what an outcome changes; it waits for the outcome with ``deliver_now``, or not with
``enqueue``. No lock is held while something is sent. A delivery ends in the epoch that it began in.
"""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from time import perf_counter

from crmcom_kit.mock_server.deliveries.attempts import Attempt, Cause, Stage
from crmcom_kit.mock_server.deliveries.faults import DeliveryFault
from crmcom_kit.mock_server.deliveries.outcomes import (
    Outcome,
    OutcomeName,
    outcome_of,
    outcome_of_error,
)
from crmcom_kit.mock_server.deliveries.senders import Stopped
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.world.epoch import Epoch

#: Applies an outcome to the record; returns None if the record is gone, or is not concerned.
Settle = Callable[[Outcome], Record | None]


class DeliveryJob:
    """One delivery."""

    def __init__(
        self, epoch: Epoch, attempt: Attempt, settle: Settle, abandon: Callable[[], object]
    ) -> None:
        """Prepare the delivery of ``attempt``; ``abandon`` is called if there is no outcome."""
        self.attempt = attempt
        self._epoch = epoch
        self._settle = settle
        self._abandon = abandon

    @property
    def may_block(self) -> bool:
        """True if sending may take long: over the network, or with a delivery fault's delay."""
        return self._epoch.sends or self._epoch.delivery_faults.has_active

    def start(self) -> Record | None:
        """Send as the dialect says, now or soon; return the record once it is settled.

        If the mock stops meanwhile, it is the record as it was.
        """
        if self._epoch.config.dialect["resend.delivery"] == "queued":
            return self.enqueue()
        try:
            return self.deliver_now()[1]
        except Stopped:
            return self._epoch.store.get("id", self.attempt.record_id)

    def deliver_now(self) -> tuple[Outcome, Record | None]:
        """Send in this thread; return outcome and record. Raises Stopped if the mock stops."""
        return self._finished(self._send_while_waited_for)

    def enqueue(self) -> Record | None:
        """Send soon; return the record only if that is impossible, and so it is settled."""
        queue = self._epoch.delivery_queue
        if queue.put(self):
            return None
        if queue.closed.is_set():
            self.abandon()
            return None
        return self._end(
            self._refused(OutcomeName.QUEUE_FULL, f"{queue.room} deliveries are already waiting")
        )

    def run(self) -> None:
        """Send in a thread of the queue, unless a reset has replaced the epoch."""
        if self._epoch.over:
            self.abandon()
            return
        with suppress(Stopped):
            self._finished(self._send)

    def _finished(self, send: Callable[[], Outcome]) -> tuple[Outcome, Record | None]:
        try:
            outcome = send()
            return outcome, self._end(outcome)
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Give it up: the record is as it was."""
        self._abandon()
        self._over(self.attempt, stage=Stage.ABANDONED)

    def _end(self, outcome: Outcome) -> Record | None:
        record = self._settle(outcome)
        changes: dict[str, object] = {"outcome": outcome, "stage": Stage.ENDED}
        if record is not None and self.attempt.before is not None:
            changes["after"] = record.state
        self._over(self.attempt, **changes)
        return record

    def _over(self, attempt: Attempt, **changes: object) -> None:
        self._epoch.attempts.change(attempt, **changes)
        self._epoch.delivery_queue.attempted(self._epoch.name, attempt)

    def _refused(self, name: OutcomeName, why: str) -> Outcome:
        limit = self._epoch.config.dialect["delivery.description_limit"]
        return outcome_of(name, self.attempt.message.url, limit, why=why)

    def _send_while_waited_for(self) -> Outcome:
        """Send while the caller waits; a delivery that may take long needs a slot."""
        queue = self._epoch.delivery_queue
        slot = queue.slot() if self.may_block else nullcontext(enter_result=True)
        with queue.running(), slot as found:
            if not found:
                return self._refused(
                    OutcomeName.NO_CONNECTION, "the maximum number of deliveries is running"
                )
            return self._send()

    def _send(self) -> Outcome:
        epoch, attempt, fault = self._epoch, self.attempt, self._fault()
        epoch.attempts.change(attempt, stage=Stage.SENDING)
        if fault is not None:
            key = epoch.reference_data.key_of(attempt.definition)
            message = fault.changed(attempt.message, epoch.config.exchanges, key)
            epoch.attempts.change(attempt, fault=fault.fault, message=message)
            if fault.fault == "delay":
                epoch.clock.sleep(fault.seconds, epoch.delivery_queue.closed.is_set)
        outcome = self._send_once(attempt)
        for _ in range(fault.copies if fault is not None and fault.fault == "duplicate" else 0):
            self._duplicate()
        return outcome

    def _send_once(self, attempt: Attempt) -> Outcome:
        epoch = self._epoch
        began = perf_counter()
        try:
            outcome = epoch.delivery.send(attempt.message)
            if not isinstance(outcome, Outcome):
                msg = f"{type(outcome).__name__} is not allowed; allowed is an Outcome"
                raise TypeError(msg)  # noqa: TRY301 - handled like any other mistake of the sender
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - the sender may be the user's
            limit = epoch.config.dialect["delivery.description_limit"]
            outcome = outcome_of_error(error, limit)
        attempt.milliseconds = round((perf_counter() - began) * 1000, 3)
        return outcome

    def _duplicate(self) -> None:
        """Send the same once more, which changes no record."""
        copy = repeated(self._epoch, Cause.DUPLICATE, self.attempt)
        try:
            outcome = self._send_once(copy)
        except Stopped:
            self._over(copy, stage=Stage.ABANDONED)
        else:
            self._over(copy, outcome=outcome, stage=Stage.ENDED)

    def _fault(self) -> DeliveryFault | None:
        faults = self._epoch.delivery_faults
        if not faults.has_active:
            return None
        attempt = self.attempt
        definition = self._epoch.reference_data.definitions.find("id", attempt.definition) or {}
        names = (definition.get(name) for name in ("id", "name", "alternative_code"))
        return faults.select(attempt.record_number, frozenset(n for n in names if n is not None))


def repeated(epoch: Epoch, cause: Cause, before: Attempt) -> Attempt:
    """Add an attempt that repeats ``before`` and changes no record; return it."""
    return epoch.attempts.add(
        Attempt(
            cause=cause,
            record_id=before.record_id,
            record_number=before.record_number,
            definition=before.definition,
            at=epoch.clock.now(),
            message=before.message,
            of=before.number,
        )
    )
