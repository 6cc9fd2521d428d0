"""One delivery from its beginning to its end: faults, sending, what is noted, what it changes.

Whoever wants something sent hands in what an outcome does to the records; with ``run`` they wait
for it, with ``put`` they do not. No lock is held while something is sent. A delivery ends in the
epoch that it began in.
"""

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from crmcom_kit.mock_server.deliveries.attempts import AttemptNote, Cause, Stage
from crmcom_kit.mock_server.deliveries.faults import DeliveryFault
from crmcom_kit.mock_server.deliveries.senders import (
    Attempt,
    Outcome,
    ScriptedDelivery,
    Stopped,
    outcome_of,
)
from crmcom_kit.mock_server.store.life_cycle import State
from crmcom_kit.mock_server.store.records import Record

if TYPE_CHECKING:
    from crmcom_kit.mock_server.world.epoch import Epoch

#: Makes of an outcome what it makes of the record; None where there is no record any more.
Settle = Callable[[Outcome], Record | None]


class Dispatch:
    """One delivery."""

    __slots__ = ("_abandon", "_epoch", "_settle", "note")

    def __init__(
        self,
        epoch: "Epoch",
        note: AttemptNote,
        settle: Settle,
        abandon: Callable[[], None],
    ) -> None:
        """Take what ``note`` tells of.

        Args:
            epoch: where it begins and ends.
            note: what is sent.
            settle: what its outcome does.
            abandon: what is done where there is no outcome.
        """
        self.note = note
        self._epoch = epoch
        self._settle = settle
        self._abandon = abandon

    @property
    def may_block(self) -> bool:
        """Whether sending may take long: over the network, or with a delivery fault's delay."""
        epoch = self._epoch
        scripted = isinstance(epoch.delivery, ScriptedDelivery)
        return not scripted or epoch.delivery_faults.has_active

    def wait(self) -> tuple[Outcome, Record | None]:
        """Send now, and return outcome and record. Raises Stopped where the mock ends."""
        try:
            with self._epoch.delivery_queue.running():
                outcome = self._sent_in_place()
        except BaseException:
            self.abandon()
            raise
        return outcome, self._settled(outcome)

    def put(self) -> Record | None:
        """Send soon; return the record only where that is not possible, and so is settled."""
        if self._epoch.delivery_queue.put(self):
            return None
        if self._epoch.delivery_queue.closed.is_set():
            self.abandon()
            return None
        why = f"{self._epoch.delivery_queue.room} deliveries wait already"
        return self._settled(self._refused("queue_full", why))

    def _refused(self, name: str, why: str) -> Outcome:
        limit = self._epoch.config.dialect["delivery.description_limit"]
        return outcome_of(name, self.note.attempt.url, limit, why=why)

    def run(self) -> None:
        """Send, in a thread of the outbox; what a reset has overtaken is not sent any more."""
        if self._epoch.over:
            self.abandon()
            return
        try:
            outcome = self._sent(self._fault())
        except Stopped:
            self.abandon()
        except BaseException:
            self.abandon()
            raise
        else:
            self._settled(outcome)

    def abandon(self) -> None:
        """Give it up: the record is as it was."""
        self._abandon()
        self._epoch.attempts.change(self.note, stage=Stage.ABANDONED)

    def _settled(self, outcome: Outcome) -> Record | None:
        record = self._settle(outcome)
        changes: dict[str, object] = {"outcome": outcome, "stage": Stage.ENDED}
        if record is not None and self.note.before is not None:
            changes["after"] = record.state
        self._epoch.attempts.change(self.note, **changes)
        return record

    def _sent_in_place(self) -> Outcome:
        """Send while the caller waits; what may take long needs a place."""
        fault = self._fault()
        late = fault is not None and fault.fault == "delay"
        if isinstance(self._epoch.delivery, ScriptedDelivery) and not late:
            return self._sent(fault)
        with self._epoch.delivery_queue.place() as found:
            if not found:
                why = "as many deliveries as may run at once are on their way"
                return self._refused("no_connection", why)
            return self._sent(fault)

    def _sent(self, fault: DeliveryFault | None) -> Outcome:
        epoch, note = self._epoch, self.note
        note.stage = Stage.SENDING
        attempt = note.attempt
        if fault is not None:
            key = epoch.reference_data.key_of(note.definition)
            attempt = fault.changed(attempt, epoch.config.exchanges, key)
            epoch.attempts.change(note, fault=fault.fault, attempt=attempt)
            if fault.fault == "delay":
                epoch.clock.sleep(fault.seconds, epoch.delivery_queue.closed)
        began = perf_counter()
        outcome = epoch.delivery.send(attempt)
        note.milliseconds = _since(began)
        for _ in range(fault.copies if fault is not None and fault.fault == "duplicate" else 0):
            self._again(attempt)
        return outcome

    def _again(self, attempt: Attempt) -> None:
        """Send the same once more, which changes nothing."""
        epoch, note = self._epoch, self.note
        copy = begun_again(epoch, Cause.DUPLICATE, note, attempt)
        began = perf_counter()
        try:
            outcome = epoch.delivery.send(copy.attempt)
        except Stopped:
            epoch.attempts.change(copy, stage=Stage.ABANDONED)
            return
        copy.milliseconds = _since(began)
        epoch.attempts.change(copy, outcome=outcome, stage=Stage.ENDED)

    def _fault(self) -> DeliveryFault | None:
        faults = self._epoch.delivery_faults
        if not faults.has_active:
            return None
        note = self.note
        definition = self._epoch.reference_data.definitions.find("id", note.definition) or {}
        names = (definition.get(name) for name in ("id", "name", "alternative_code"))
        fitting = frozenset(name for name in names if name is not None)
        return faults.next(note.record_number, fitting)


def _since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 3)


def begun(
    epoch: "Epoch",
    cause: Cause,
    attempt: Attempt,
    *,
    record_id: str,
    number: str,
    definition: str,
    before: State | None = None,
    of: int | None = None,
) -> AttemptNote:
    """Note that something about a record is to be sent."""
    note = epoch.attempts.begin(
        cause,
        attempt,
        record_id=record_id,
        record_number=number,
        definition=definition,
        at=epoch.clock.now(),
        of=of,
    )
    note.before = before
    note.attempt = labelled(epoch, note)
    return note


def begun_again(epoch: "Epoch", cause: Cause, before: AttemptNote, attempt: Attempt) -> AttemptNote:
    """Note that what was sent once is to be sent again, without a change of the record."""
    return begun(
        epoch,
        cause,
        attempt,
        record_id=before.record_id,
        number=before.record_number,
        definition=before.definition,
        of=before.number,
    )


def labelled(epoch: "Epoch", note: AttemptNote) -> Attempt:
    """Return what a note's attempt sends, with a label by which a receiver can name it."""
    return note.attempt._replace(label=f"{epoch.name}/{note.number}")
