"""Delivering a stored record: what is sent, and how the outcome changes the record.

What a resend changes in the record is inferred from the example on its page (POST
webhook_requests/resend, R9.0.0); the rest are dials (``resend.*``).
"""

from collections.abc import Callable
from typing import Any

import orjson

from crmcom_kit.mock_server.deliveries.attempts import Attempt, Cause
from crmcom_kit.mock_server.deliveries.senders import Outcome, OutgoingMessage
from crmcom_kit.mock_server.protocol.response import compact_json
from crmcom_kit.mock_server.store.life_cycle import Event, State
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.tokens import Session
from crmcom_kit.mock_server.world.webhooks.delivery_job import DeliveryJob


def redelivery(
    epoch: Epoch,
    session: Session,
    claimed: Record,
    cause: Cause,
    message: OutgoingMessage | None = None,
    of: int | None = None,
) -> DeliveryJob:
    """Return the delivery of a claimed record, which settles the record when it ends.

    The cause is FIRE for the first delivery of a record. ``message`` is by default what a resend
    sends; ``of`` is the number of the attempt that is repeated.
    """
    first = cause is Cause.FIRE

    def abandon() -> None:
        epoch.store.transition(claimed.id, Event.ABANDONED)

    try:
        prepared, data = _message(epoch, claimed)
        sent = prepared if message is None else message
        attempt = epoch.attempts.add(
            Attempt(
                cause=cause,
                record_id=claimed.id,
                record_number=claimed.number,
                definition=claimed.definition,
                at=epoch.clock.now(),
                message=sent,
                of=of,
                before=None if first else claimed.state.shown,
            )
        )
    except BaseException:
        abandon()
        raise

    def settle(outcome: Outcome) -> Record | None:
        event = Event.DELIVERED if outcome.delivered else Event.FAILED
        change = _change(epoch, session, sent, data, outcome, first=first)
        return epoch.store.transition(claimed.id, event, change)

    return DeliveryJob(epoch, attempt, settle, abandon)


def _message(epoch: Epoch, record: Record) -> tuple[OutgoingMessage, Any]:
    """Return what a resend sends, signed with its definition's key, and the data object.

    The object is None if the record has no data, or if nothing needs to read it.
    """
    url, definition = record.url, record.definition
    if epoch.config.dialect["resend.destination"] == "definition":
        found = epoch.reference_data.definitions.find("id", definition) or {}
        url = found.get("url", url)
    exchanges = epoch.config.exchanges
    data = None
    signed = None if record.data is None else exchanges.signed_of(record.data)
    if record.data is not None and (exchanges.tells_status or signed is None):
        data = orjson.loads(record.data)
    key = epoch.reference_data.key_of(definition)
    code = exchanges.code(data if signed is None else signed, key, None)
    return OutgoingMessage(url, record.data, code), data


def _change(
    epoch: Epoch,
    session: Session,
    message: OutgoingMessage,
    data: Any,
    outcome: Outcome,
    *,
    first: bool,
) -> Callable[[Record], Record]:
    """Return the change of a record whose delivery ended with ``outcome``."""
    config = epoch.config
    renews = first or config.dialect["resend.exchange"] == "renewed"
    updates_log = first or config.dialect["resend.updates_log"]
    next_reference = "" if first else epoch.ids.next("exchange")
    code = config.exchanges.after(message.authentication_code, outcome.error_code)
    now = epoch.date_time()

    def change(record: Record) -> Record:
        body = orjson.loads(record.body)
        reference = epoch.ids.of("exchange", record.id) if first else next_reference
        state = State.SUCCESSFUL if outcome.delivered else State.REJECTED
        body["life_cycle_state"] = state.value
        body["error_code"] = outcome.error_code
        body["error_description"] = outcome.error_description
        body["url"] = message.url
        if message.data is not None:
            body["authentication_code"] = code
        if renews:
            code_in_body = body["authentication_code"]
            body["request"] = config.exchanges.request(data, code_in_body, reference)
        body["response"] = config.exchanges.response(outcome.status, reference)
        if updates_log:
            body["log_information"] = _updated_log(epoch, session, body["log_information"], now)
        return record._replace(url=message.url, body=compact_json(body))

    return change


def _updated_log(epoch: Epoch, session: Session, log: dict[str, Any], now: str) -> dict[str, Any]:
    """Return a record's log_information with who updated it last."""
    renderer = epoch.config.renderer
    members = len(log)
    log["updated_date"] = now
    log[renderer.unit_member("updated")] = session.unit
    log["updated_by_user"] = session.user
    # An unset date may have been absent: then the new member is not in its place.
    return renderer.ordered("log_information", log) if len(log) > members else log
