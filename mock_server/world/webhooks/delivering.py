"""Deliveries of resend and fire: claim, prepare, send, settle. A replay only sends.

The caller claims the record (``store.transition``, one atomic step): one of several callers gets
it. ``prepare`` makes the message and an attempt. The ``Delivery`` then sends without a lock, in the
caller's thread or in a thread of the queue, and settles the record in a second step. It ends in the
epoch in which it began.

The changes of a resend are inferred from the example on its page (POST webhook_requests/resend,
R9.0.0); others are dials (``resend.*``).
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
    Outcome,
    OutgoingMessage,
    outcome_of_error,
)
from crmcom_kit.mock_server.protocol.response import compact_json
from crmcom_kit.mock_server.store.records import Event, Record, State
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.tokens import Session
from crmcom_kit.schemas.formats import derived_id
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
        problem = f"{fault}, while a script decides and nothing is sent"
        raise UsageError("fault", seen=problem, allowed="a mock with --deliver http")
    if fault in SIGNATURE_FAULTS and epoch.reference_data.key_of(definition) is None:
        problem = f"{fault}, while the webhook definition has no secret key"
        raise UsageError("fault", seen=problem, allowed="a webhook definition with a secret key")


def prepare(
    epoch: Epoch, session: Session, record: Record, cause: Cause, fault: str | None = None
) -> "Delivery":
    """Return the delivery of a claimed record, which settles the record when it ends.

    Args:
        epoch: the epoch of the delivery.
        session: the user and unit that change the record.
        record: the claimed record; if this raises, it is REJECTED again.
        cause: FIRE for the first delivery of a record, or RESEND.
        fault: a fault in the delivery, see ``check_fault``.
    """
    try:
        message = _message(epoch, record, cause)
        attempt = Attempt(
            cause=cause,
            record_id=record.id,
            record_number=record.number,
            definition=record.definition,
            at=epoch.clock.now(),
            message=_apply_fault(epoch, message, fault, record.definition),
            before=None if cause is Cause.FIRE else record.state.in_responses,
            fault=fault,
        )
        return Delivery(epoch, session, epoch.attempts.add(attempt), message, record)
    except BaseException:
        epoch.store.transition(record.id, Event.ABANDONED)
        raise


def replay(epoch: Epoch, original: Attempt, fault: str | None = None) -> Attempt:
    """Send the message of an attempt again, without changing the record; return the new attempt.

    Raises UsageError as ``check_fault`` does.
    """
    check_fault(epoch, fault, original.definition)
    attempt = Attempt(
        cause=Cause.REPLAY,
        record_id=original.record_id,
        record_number=original.record_number,
        definition=original.definition,
        at=epoch.clock.now(),
        message=_apply_fault(epoch, original.message, fault, original.definition),
        of=original.number,
        fault=fault,
    )
    Delivery(epoch, epoch.session(), epoch.attempts.add(attempt), original.message).deliver()
    return attempt


def _apply_fault(
    epoch: Epoch, message: OutgoingMessage, fault: str | None, definition: str
) -> OutgoingMessage:
    """Return ``message`` with a fault, which ``check_fault`` has allowed."""
    if fault == "cut_body":
        return message._replace(cut=True)
    if fault not in SIGNATURE_FAULTS:
        return message
    key = epoch.reference_data.key_of(definition)
    if fault == "old_key":
        key = derived_id(f"old key/{key}")
    code = epoch.config.exchanges.code(message.data_object, key, None)
    # A code of the same form that differs from the correct one.
    if fault == "wrong_signature" and code:
        code = ("1" if code[0] == "0" else "0") + code[1:]
    return message._replace(authentication_code=code)


def _message(epoch: Epoch, record: Record, cause: Cause) -> OutgoingMessage:
    """Return the message of a record, signed with its definition's key."""
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
    """One delivery: of a claimed record, or of a message that changes no record."""

    epoch: Epoch
    session: Session  # that changes the record
    attempt: Attempt
    message: OutgoingMessage  # without a fault
    record: Record | None = None  # claimed

    @property
    def is_queued(self) -> bool:
        """True if no request waits for it."""
        return bool(self.epoch.config.dialect["resend.delivery"] == "queued")

    @property
    def may_block(self) -> bool:
        """True if ``start`` may take long, since it uses the network."""
        return self.epoch.sends and not self.is_queued

    def start(self) -> Record | None:
        """Send now or queue the delivery, as the dialect says; return the settled record.

        None if it is not settled yet, was deleted, or is unchanged since the mock stops.
        """
        if not self.is_queued:
            return self.deliver()
        self.epoch.delivery_queue.put(self.deliver)
        return None

    def deliver(self) -> Record | None:
        """Send in this thread; return the settled record, if any.

        Raises UsageError if a change cannot be stored; it says what was sent.
        """
        outcome = None
        with self.epoch.delivery_queue.track():
            try:
                outcome = self._send()
                return self._settle(outcome)
            except BaseException as error:
                self._give_up(outcome)
                if isinstance(error, UsageError) and outcome is not None:
                    raise self._storage_error(error, outcome) from error
                raise

    def _send(self) -> Outcome | None:
        """Send, and return the outcome; None if it is abandoned before it starts, or cut."""
        epoch, attempt, closed = self.epoch, self.attempt, self.epoch.delivery_queue.closed
        if closed.is_set() or (self.is_queued and epoch.is_over):  # a reset has replaced it
            return None
        epoch.attempts.change(attempt, stage=Stage.SENDING)
        start = perf_counter()
        try:
            outcome = epoch.delivery.send(attempt.message)
        except Exception as error:  # noqa: BLE001 - a sender may raise anything
            outcome = outcome_of_error(error)
        attempt.seconds = round(perf_counter() - start, 6)
        if attempt.fault == "duplicate":
            replay(epoch, attempt)
        if closed.is_set() and not outcome.delivered:
            return None
        return outcome.limit_description(epoch.config.dialect["delivery.description_limit"])

    def _settle(self, outcome: Outcome | None) -> Record | None:
        """Change the record by the outcome; return it, or None if it was deleted or is not claimed.

        Without an outcome, the record does not change and is not returned.
        """
        if outcome is None:
            self._give_up(None)
            return None
        attempt, record = self.attempt, None
        if self.record is not None:
            event = Event.DELIVERED if outcome.delivered else Event.FAILED
            change = partial(self._apply, outcome)
            record = self.epoch.store.transition(self.record.id, event, change)
        shows_change = attempt.before is not None  # False for a triggered webhook request
        new_state = record.state if shows_change and record is not None else None
        self._end(outcome, Stage.ENDED, new_state)
        return record

    def _give_up(self, outcome: Outcome | None) -> None:
        """Release the record unchanged; ``outcome`` is that of the sent message, if any."""
        if self.record is not None:
            self.epoch.store.transition(self.record.id, Event.ABANDONED)
        self._end(outcome, Stage.ABANDONED if outcome is None else Stage.ENDED)

    def _end(self, outcome: Outcome | None, stage: Stage, new_state: State | None = None) -> None:
        self.epoch.attempts.change(self.attempt, outcome=outcome, stage=stage, after=new_state)
        self.epoch.delivery_queue.on_attempt(self.epoch.name, self.attempt)

    def _storage_error(self, error: UsageError, outcome: Outcome) -> UsageError:
        """Return the error that the outcome of a delivery could not be stored."""
        result = f"the delivery has failed ({outcome.name})"
        if outcome.delivered:
            result = "the receiver has the webhook" if self.epoch.sends else "it was delivered"
        number = self.attempt.record_number
        text = f"{error.seen}, after the delivery: {result}, webhook request {number} is as before"
        return type(error)(error.parameter, seen=text, allowed=error.allowed)

    def _apply(self, outcome: Outcome, record: Record) -> Record:
        """Return the record after the outcome."""
        members = self._apply_profile(outcome, record) if record.is_recorded else None
        if members is not None:
            return record._replace(url=str(members.get("url") or ""), body=compact_json(members))
        epoch, message, first = self.epoch, self.message, self.attempt.cause is Cause.FIRE
        config = epoch.config
        ids, exchanges = epoch.ids, config.exchanges
        reference = ids.of("exchange", record.id) if first else ids.next("exchange")
        body = orjson.loads(record.body)
        names = set(body)
        body["life_cycle_state"] = (State.SUCCESSFUL if outcome.delivered else State.REJECTED).value
        body["error_code"] = outcome.error_code
        body["error_description"] = outcome.error_description
        body["url"] = message.url
        if message.data is not None:
            code = exchanges.code_after(message.authentication_code, outcome.error_code)
            body["authentication_code"] = code
        if first or message.data is not None or not exchanges.tells_status:
            self._set_exchange(body, outcome, reference, first=first)
        if first or config.dialect["resend.updates_log"]:
            log = body.get("log_information")
            log = log if isinstance(log, dict) else {}  # imported data may have any value here
            body["log_information"] = epoch.update_log(log, self.session)
        body = config.renderer.drop_unset(body)
        if not body.keys() <= names:  # move new members to their places
            body = config.renderer.sort_members("webhook_request", body)
        return record._replace(url=message.url, body=compact_json(body))

    def _apply_profile(self, outcome: Outcome, record: Record) -> dict[str, Any] | None:
        """Return the record after the profile's effects; None if the profile has none.

        The effects of a success count for a failure, except for error and response.
        """
        kind = "resend" if outcome.delivered else "failed_resend"
        body = self.epoch.apply_change(kind, record.body, self.session)
        is_guess = body is None and not outcome.delivered
        if is_guess:
            body = self.epoch.apply_change("resend", record.body, self.session)
        if body is not None and not outcome.delivered:
            old_body = orjson.loads(record.body)
            if outcome.error_code:
                body["error_code"] = outcome.error_code
                body["error_description"] = outcome.error_description
            elif is_guess:  # the old error may recur
                body |= {name: old_body.get(name) for name in ("error_code", "error_description")}
            if is_guess:
                body["response"] = old_body.get("response")
            body["life_cycle_state"] = State.REJECTED.value
        return body

    def _set_exchange(
        self, body: dict[str, Any], outcome: Outcome, reference: str, *, first: bool
    ) -> None:
        """Set request and response of a record, as the dials ``resend.*`` say."""
        exchanges, dialect = self.epoch.config.exchanges, self.epoch.config.dialect
        if first or dialect["resend.request"] == "renewed":
            code = body.get("authentication_code")
            body["request"] = exchanges.request(self.message.data_object, code, reference)
        response = "renewed" if first else dialect["resend.response"]
        if response == "null":
            body["response"] = None
        elif response != "kept":
            response_id = self.epoch.ids.next("exchange") if response == "own" else reference
            body["response"] = exchanges.response(outcome.status, response_id)
