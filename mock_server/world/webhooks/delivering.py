"""One way to deliver for resend and fire: claim, prepare, send, settle. A replay sends only.

Who delivers a record claims it (``store.transition``, one atomic step): of several callers, one
gets it. ``prepare`` makes the message and begins an attempt. The ``Delivery`` then sends with no
lock held, while its caller waits or in a thread of the queue, and settles the record in a second
step. It ends in the epoch that it began in.

What a resend changes in the record is inferred from the example on its page (POST
webhook_requests/resend, R9.0.0); the rest are dials (``resend.*``).
"""

from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import orjson

from crmcom_kit.mock_server.deliveries.attempts import Attempt, Cause, Stage
from crmcom_kit.mock_server.deliveries.messages import (
    MESSAGE_FAULTS,
    SIGNATURE_FAULTS,
    OutgoingMessage,
)
from crmcom_kit.mock_server.deliveries.outcomes import Outcome, outcome_of_error
from crmcom_kit.mock_server.protocol.response import compact_json
from crmcom_kit.mock_server.store.life_cycle import Event, State
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.tokens import Session
from crmcom_kit.schemas.formats import id_of
from crmcom_kit.usage_errors import UsageError, quoted


def check_fault(epoch: Epoch, fault: str | None, definition: str) -> None:
    """Raise UsageError if a delivery cannot have a fault, such as a wrong signature without a key.

    ``definition`` is the id of the webhook definition.
    """
    if fault is None:
        return
    if fault not in MESSAGE_FAULTS:
        allowed = f"one of {', '.join(MESSAGE_FAULTS)}"
        raise UsageError("fault", seen=quoted(fault), allowed=allowed)
    if not epoch.sends:
        seen = f"{fault}, while a script decides and nothing is sent"
        raise UsageError("fault", seen=seen, allowed="a mock with --deliver http")
    if fault in SIGNATURE_FAULTS and epoch.reference_data.key_of(definition) is None:
        seen = f"{fault}, while the webhook definition has no secret key"
        raise UsageError("fault", seen=seen, allowed="a webhook definition with a secret key")


def prepare(
    epoch: Epoch, session: Session, claimed: Record, cause: Cause, fault: str | None = None
) -> "Delivery":
    """Return the delivery of a claimed record, which settles the record when it ends.

    Args:
        epoch: where.
        session: who changes the record.
        claimed: the record; if this raises, it is as it was.
        cause: FIRE for the first delivery of a record, or RESEND.
        fault: what is wrong with the delivery on purpose, see ``check_fault``.
    """
    try:
        right = _message(epoch, claimed, cause)
        attempt = Attempt(
            cause=cause,
            record_id=claimed.id,
            record_number=claimed.number,
            definition=claimed.definition,
            at=epoch.clock.now(),
            message=_wrong(epoch, right, fault, claimed.definition),
            before=None if cause is Cause.FIRE else claimed.state.in_responses,
            fault=fault,
        )
        return Delivery(epoch, session, epoch.attempts.add(attempt), right, claimed)
    except BaseException:
        epoch.store.transition(claimed.id, Event.ABANDONED)
        raise


def replay(epoch: Epoch, before: Attempt, fault: str | None = None) -> Attempt:
    """Send exactly what an attempt sent once more, which changes no record; return the new attempt.

    Raises UsageError as ``check_fault`` does.
    """
    check_fault(epoch, fault, before.definition)
    attempt = Attempt(
        cause=Cause.REPLAY,
        record_id=before.record_id,
        record_number=before.record_number,
        definition=before.definition,
        at=epoch.clock.now(),
        message=_wrong(epoch, before.message, fault, before.definition),
        of=before.number,
        fault=fault,
    )
    Delivery(epoch, epoch.session(), epoch.attempts.add(attempt), before.message).deliver()
    return attempt


def _wrong(
    epoch: Epoch, message: OutgoingMessage, fault: str | None, definition: str
) -> OutgoingMessage:
    """Return what is sent instead of ``message`` because of a fault that ``check_fault`` allows."""
    if fault == "cut_body":
        return message._replace(cut=True)
    if fault not in SIGNATURE_FAULTS:
        return message
    key = epoch.reference_data.key_of(definition)
    if fault == "old_key":
        key = id_of(f"old key/{key}")
    code = epoch.config.exchanges.code(message.data_object, key, None)
    # Another one than the right one, in the same form; the message's own may be wrong already.
    if fault == "wrong_signature" and code:
        code = ("1" if code[0] == "0" else "0") + code[1:]
    return message._replace(authentication_code=code)


def _message(epoch: Epoch, record: Record, cause: Cause) -> OutgoingMessage:
    """Return what is sent for a record, signed with its definition's key."""
    url = record.url
    if cause is not Cause.FIRE and epoch.config.dialect["resend.destination"] == "definition":
        definition = epoch.reference_data.definitions.find("id", record.definition) or {}
        url = definition.get("url", url)
    message = OutgoingMessage(url, record.data, None)
    key = epoch.reference_data.key_of(record.definition)
    code = epoch.config.exchanges.code(message.data_object, key, None)
    return message._replace(authentication_code=code)


@dataclass(slots=True, eq=False)
class Delivery:
    """One delivery: of a record that is claimed, or of a message that changes no record."""

    epoch: Epoch
    session: Session  # who changes the record
    attempt: Attempt
    right: OutgoingMessage  # the message without what is wrong on purpose
    claimed: Record | None = None

    @property
    def is_queued(self) -> bool:
        """True if nobody waits for it."""
        return bool(self.epoch.config.dialect["resend.delivery"] == "queued")

    @property
    def may_block(self) -> bool:
        """True if ``start`` may take long: over the network."""
        return self.epoch.sends and not self.is_queued

    def start(self) -> Record | None:
        """Send as the dialect says, now or soon; return the record if it is settled.

        None if it is not settled yet, is gone, or is as it was because the mock stops.
        """
        if not self.is_queued:
            return self.deliver()
        self.epoch.delivery_queue.put(self.deliver)
        return None

    def deliver(self) -> Record | None:
        """Send in this thread; return the record if it is settled.

        Raises UsageError if a change cannot be kept; it says what was sent.
        """
        outcome = None
        with self.epoch.delivery_queue.running():
            try:
                outcome = self._send()
                return self._settle(outcome)
            except BaseException as error:
                self._give_up(outcome)
                if isinstance(error, UsageError) and outcome is not None:
                    raise self._sent_all_the_same(error, outcome) from error
                raise

    def _send(self) -> Outcome | None:
        """Send, and return the outcome; None if it is given up: it was not begun, or was cut."""
        epoch, attempt, closed = self.epoch, self.attempt, self.epoch.delivery_queue.closed
        if closed.is_set() or (self.is_queued and epoch.over):  # a reset has replaced it
            return None
        epoch.attempts.change(attempt, stage=Stage.SENDING)
        began = perf_counter()
        try:
            outcome = epoch.delivery.send(attempt.message)
        except Exception as error:  # noqa: BLE001 - whatever a receiver makes of the sender
            outcome = outcome_of_error(error)
        attempt.seconds = round(perf_counter() - began, 6)
        if attempt.fault == "duplicate":
            replay(epoch, attempt)
        if closed.is_set() and not outcome.delivered:
            return None
        return outcome.limit_description(epoch.config.dialect["delivery.description_limit"])

    def _settle(self, outcome: Outcome | None) -> Record | None:
        """Let the record have the outcome; return it, or None if it is gone or not concerned.

        Without an outcome the record is as it was, and is not returned.
        """
        if outcome is None:
            self._give_up(None)
            return None
        attempt, record = self.attempt, None
        if self.claimed is not None:
            event = Event.DELIVERED if outcome.delivered else Event.FAILED
            change = partial(self._changed, outcome)
            record = self.epoch.store.transition(self.claimed.id, event, change)
        shows_change = attempt.before is not None  # a triggered webhook request had no state before
        after = record.state if shows_change and record is not None else None
        self._end(outcome, Stage.ENDED, after)
        return record

    def _give_up(self, outcome: Outcome | None) -> None:
        """Leave the record as it was; ``outcome`` is that of what was sent, if anything was."""
        if self.claimed is not None:
            self.epoch.store.transition(self.claimed.id, Event.ABANDONED)
        self._end(outcome, Stage.ABANDONED if outcome is None else Stage.ENDED)

    def _end(self, outcome: Outcome | None, stage: Stage, after: State | None = None) -> None:
        self.epoch.attempts.change(self.attempt, outcome=outcome, stage=stage, after=after)
        self.epoch.delivery_queue.on_attempt(self.epoch.name, self.attempt)

    def _sent_all_the_same(self, error: UsageError, outcome: Outcome) -> UsageError:
        """Return the error that what a delivery came to could not be kept."""
        sent = f"the delivery has failed ({outcome.name})"
        if outcome.delivered:
            sent = "the receiver has the webhook" if self.epoch.sends else "it was delivered"
        number = self.attempt.record_number
        seen = f"{error.seen}, after the delivery: {sent}, webhook request {number} is as before"
        return type(error)(error.parameter, seen=seen, allowed=error.allowed)

    def _changed(self, outcome: Outcome, record: Record) -> Record:
        """Return the record as the outcome changes it."""
        learned = self._learned(outcome, record) if record.is_recorded else None
        if learned is not None:
            return record._replace(url=str(learned.get("url") or ""), body=compact_json(learned))
        epoch, message, first = self.epoch, self.right, self.attempt.cause is Cause.FIRE
        config = epoch.config
        ids, exchanges = epoch.ids, config.exchanges
        reference = ids.of("exchange", record.id) if first else ids.next("exchange")
        body = orjson.loads(record.body)
        before = set(body)
        body["life_cycle_state"] = (State.SUCCESSFUL if outcome.delivered else State.REJECTED).value
        failed = body.get("error_code")
        body["error_code"] = outcome.error_code
        body["error_description"] = outcome.error_description
        body["url"] = message.url
        if message.data is not None:
            code = exchanges.after(message.authentication_code, outcome.error_code)
            body["authentication_code"] = code
        elif outcome.delivered and exchanges.was_not_signed(failed, body):
            # A profile does not have the data; but there is a code now, as on the instance.
            body["authentication_code"] = exchanges.code({}, reference, None)
        if first or message.data is not None or not exchanges.tells_status:
            self._exchanged(body, outcome, reference, first=first)
        if first or config.dialect["resend.updates_log"]:
            log = body.get("log_information")
            log = log if isinstance(log, dict) else {}  # an instance may show what it likes
            body["log_information"] = epoch.updated_log(log, self.session)
        body = config.renderer.without_unset(body)
        if not body.keys() <= before:  # what was left out comes to its place
            body = config.renderer.ordered("webhook_request", body)
        return record._replace(url=message.url, body=compact_json(body))

    def _learned(self, outcome: Outcome, record: Record) -> dict[str, Any] | None:
        """Return the record as the instance of a profile would change it, if the profile says how.

        What is only known of a success counts for a failure, except for error and response.
        """
        kind = "resend" if outcome.delivered else "failed_resend"
        body = self.epoch.changed_by(kind, record.body, self.session)
        is_guess = body is None and not outcome.delivered
        if is_guess:
            body = self.epoch.changed_by("resend", record.body, self.session)
        if body is not None and not outcome.delivered:
            before = orjson.loads(record.body)
            if outcome.error_code:
                body["error_code"] = outcome.error_code
                body["error_description"] = outcome.error_description
            elif is_guess:  # it may fail as it did before
                body |= {name: before.get(name) for name in ("error_code", "error_description")}
            if is_guess:
                body["response"] = before.get("response")
            body["life_cycle_state"] = State.REJECTED.value
        return body

    def _exchanged(
        self, body: dict[str, Any], outcome: Outcome, reference: str, *, first: bool
    ) -> None:
        """Let a record show what was sent and received this time, as the dials ``resend.*`` say."""
        exchanges, dialect = self.epoch.config.exchanges, self.epoch.config.dialect
        if first or dialect["resend.request"] == "renewed":
            code = body.get("authentication_code")
            body["request"] = exchanges.request(self.right.data_object, code, reference)
        response = "renewed" if first else dialect["resend.response"]
        if response == "null":
            body["response"] = None
        elif response != "kept":
            own = self.epoch.ids.next("exchange") if response == "own" else reference
            body["response"] = exchanges.response(outcome.status, own)
