"""One delivery from beginning to end: delivery faults, sending, the attempt's note, the record.

The caller says what an outcome changes; it waits for the outcome with ``deliver_now``, or not with
``enqueue``. No lock is held while something is sent. A delivery ends in the epoch that it began in.
"""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from time import perf_counter

from crmcom_kit.mock_server.deliveries.attempts import AttemptNote, Cause, Stage
from crmcom_kit.mock_server.deliveries.faults import DeliveryFault
from crmcom_kit.mock_server.deliveries.senders import (
    Outcome,
    ScriptedDelivery,
    Stopped,
    outcome_of,
    outcome_of_error,
)
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.world.epoch import Epoch

#: Applies an outcome to the record; returns None if the record is gone, or is not concerned.
Settle = Callable[[Outcome], Record | None]


class DeliveryJob:
    """One delivery."""

    def __init__(
        self, epoch: Epoch, note: AttemptNote, settle: Settle, abandon: Callable[[], object]
    ) -> None:
        """Prepare the delivery of ``note``.

        Args:
            epoch: where it begins and ends.
            note: what is sent.
            settle: applies its outcome.
            abandon: called if there is no outcome.
        """
        self.note = note
        self._epoch = epoch
        self._settle = settle
        self._abandon = abandon

    @property
    def may_block(self) -> bool:
        """True if sending may take long: over the network, or with a delivery fault's delay."""
        epoch = self._epoch
        scripted = isinstance(epoch.delivery, ScriptedDelivery)
        return not scripted or epoch.delivery_faults.has_active

    def start(self) -> Record | None:
        """Send as the dialect says, now or soon; return the record once it is settled.

        If the mock stops meanwhile, it is the record as it was.
        """
        if self._epoch.config.dialect["resend.delivery"] == "queued":
            return self.enqueue()
        try:
            return self.deliver_now()[1]
        except Stopped:
            return self._epoch.store.get("id", self.note.record_id)

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
        return self._end(self._refused("queue_full", f"{queue.room} deliveries wait already"))

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
        except BaseException:
            self.abandon()
            raise
        return outcome, self._end(outcome)

    def abandon(self) -> None:
        """Give it up: the record is as it was."""
        self._abandon()
        self._over(self.note, stage=Stage.ABANDONED)

    def _end(self, outcome: Outcome) -> Record | None:
        record = self._settle(outcome)
        changes: dict[str, object] = {"outcome": outcome, "stage": Stage.ENDED}
        if record is not None and self.note.before is not None:
            changes["after"] = record.state
        self._over(self.note, **changes)
        return record

    def _over(self, note: AttemptNote, **changes: object) -> None:
        epoch = self._epoch
        epoch.attempts.change(note, **changes)
        if epoch.delivery_queue.on_attempt is not None:
            epoch.delivery_queue.on_attempt(epoch.name, note)

    def _refused(self, name: str, why: str) -> Outcome:
        limit = self._epoch.config.dialect["delivery.description_limit"]
        return outcome_of(name, self.note.attempt.url, limit, why=why)

    def _send_while_waited_for(self) -> Outcome:
        """Send while the caller waits; a delivery that may take long needs a slot."""
        queue = self._epoch.delivery_queue
        slot = queue.slot() if self.may_block else nullcontext(enter_result=True)
        with queue.running(), slot as found:
            if not found:
                return self._refused("no_connection", "as many deliveries as allowed are running")
            return self._send()

    def _send(self) -> Outcome:
        epoch, note, fault = self._epoch, self.note, self._fault()
        note.stage = Stage.SENDING
        if fault is not None:
            key = epoch.reference_data.key_of(note.definition)
            attempt = fault.changed(note.attempt, epoch.config.exchanges, key)
            epoch.attempts.change(note, fault=fault.fault, attempt=attempt)
            if fault.fault == "delay":
                epoch.clock.sleep(fault.seconds, epoch.delivery_queue.closed)
        outcome = self._send_once(note)
        for _ in range(fault.copies if fault is not None and fault.fault == "duplicate" else 0):
            self._duplicate()
        return outcome

    def _send_once(self, note: AttemptNote) -> Outcome:
        epoch = self._epoch
        began = perf_counter()
        try:
            outcome = epoch.delivery.send(note.attempt)
            if not isinstance(outcome, Outcome):
                msg = f"{type(outcome).__name__} is not allowed; allowed is an Outcome"
                raise TypeError(msg)  # noqa: TRY301 - handled like any other mistake of the sender
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - the sender may be the user's
            limit = epoch.config.dialect["delivery.description_limit"]
            outcome = outcome_of_error(error, limit)
        note.milliseconds = round((perf_counter() - began) * 1000, 3)
        return outcome

    def _duplicate(self) -> None:
        """Send the same once more, which changes no record."""
        copy = repeated(self._epoch, Cause.DUPLICATE, self.note)
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
        note = self.note
        definition = self._epoch.reference_data.definitions.find("id", note.definition) or {}
        names = (definition.get(name) for name in ("id", "name", "alternative_code"))
        return faults.select(note.record_number, frozenset(n for n in names if n is not None))


def repeated(epoch: Epoch, cause: Cause, before: AttemptNote) -> AttemptNote:
    """Add a note that an attempt is repeated without a change of the record, and return it."""
    return epoch.attempts.add(
        AttemptNote(
            cause=cause,
            record_id=before.record_id,
            record_number=before.record_number,
            definition=before.definition,
            at=epoch.clock.now(),
            attempt=before.attempt,
            of=before.number,
        )
    )
