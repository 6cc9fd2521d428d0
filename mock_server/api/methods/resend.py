"""The method resend: claim a rejected record, deliver it without a lock, settle it.

Source: POST webhook_requests/resend, R9.0.0 and later. Only records in state REJECTED may be resent
(see ``store.life_cycle``). How a delivery changes the record is in ``webhooks.delivering``.
"""

from crmcom_kit.mock_server.api.methods.records import find, unknown_record
from crmcom_kit.mock_server.clock import Waits
from crmcom_kit.mock_server.deliveries.attempts import Attempt, Cause
from crmcom_kit.mock_server.deliveries.messages import NOT_SENT
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER, Identifier, Values
from crmcom_kit.mock_server.protocol.response import Response, usage_error_response
from crmcom_kit.mock_server.store.records import Event, Record, State, WrongState
from crmcom_kit.mock_server.store.reference_data import is_effective
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.tokens import Session
from crmcom_kit.mock_server.world.webhooks.delivering import prepare
from crmcom_kit.usage_errors import UsageError

_DIALS = (
    "resend.delivery",
    "resend.destination",
    "resend.request",
    "resend.response",
    "resend.updates_log",
)


async def resend(epoch: Epoch, values: Values, session: Session, waits: Waits) -> Response:
    """Send a rejected webhook request again, and return its new content.

    Raises:
        VendorError: it does not exist (unknown_webhook_request), is not REJECTED (not_rejected), is
            being sent (resend_under_way), or the dialect refuses its definition
            (definition_not_effective) or the failed delivery (delivery_failed).
    """
    record = find(epoch.store, values[REQUEST_IDENTIFIER])
    _check_definition(epoch, record)
    delivery = prepare(epoch, session, _claim(epoch, record), Cause.RESEND)
    attempt = delivery.attempt
    try:
        record_after = await waits.call(delivery.start) if delivery.may_block else delivery.start()
    except UsageError as error:  # the state file cannot be written
        response = usage_error_response(error)
        response.before = response.after = record.body
        response.attempts = (attempt.number,)
        return response
    if delivery.is_queued or attempt.outcome is None:  # abandoned: the mock stops
        return _response(epoch, values, record, record_after or record, attempt)
    outcome, attempts = attempt.outcome, (attempt.number,)
    if record_after is None:
        raise VendorError(
            "unknown_webhook_request",
            REQUEST_IDENTIFIER,
            case="during_delivery",
            seen=f"number {record.number}, which was deleted during the delivery",
            allowed="a webhook request that is not deleted during the delivery",
            attempts=attempts,
        )
    if not outcome.delivered and epoch.config.dialect["resend.failed"] == "error":
        raise VendorError(
            "delivery_failed",
            REQUEST_IDENTIFIER,
            case="failed",
            seen=f"{outcome.error_code} when number {record.number} was delivered",
            allowed="a receiver that accepts the delivery",
            dials=("resend.failed",),
            record=record_after.body,
            attempts=attempts,
        )
    return _response(epoch, values, record, record_after, attempt)


def _response(
    epoch: Epoch, values: Values, old_record: Record, new_record: Record, attempt: Attempt
) -> Response:
    outcome = attempt.outcome
    response = epoch.config.responses.record(new_record.body, values.get("fields_set"), "resend")
    response.before, response.after = old_record.body, new_record.body
    response.attempts = (attempt.number,)
    response.dials += _DIALS
    if outcome is not None and outcome.why and outcome.name in NOT_SENT:
        # The record has the vendor's error text, which does not say what to change.
        response.warnings = (f"nothing was sent: {outcome.why}",)
    if outcome is not None and not outcome.delivered:
        response.dials += ("resend.failed",)
    return response


def _claim(epoch: Epoch, record: Record) -> Record:
    """Claim a record for sending: until it is settled, no other resend can claim it."""
    try:
        claimed_record = epoch.store.transition(record.id, Event.RESEND)
    except WrongState as error:
        kind, case, situation = "not_rejected", "", f"number {record.number} in state {error.state}"
        allowed = "a webhook request that is REJECTED"
        was_sent = any(attempt.delivered for attempt in epoch.attempts.select(record.id))
        variant = "resent_webhook_request" if was_sent else ""
        if error.state is State.SENDING:
            kind, case, allowed = "resend_under_way", "being_sent", "one resend at a time"
            variant = ""
            situation = f"number {record.number} while another resend of it is running"
        raise VendorError(
            kind,
            REQUEST_IDENTIFIER,
            case=case,
            variant=variant,
            seen=situation,
            allowed=allowed,
            record=record.body,
        ) from None
    if claimed_record is None:  # deleted in the meantime
        raise unknown_record(epoch.store, Identifier("id", record.id))
    return claimed_record


def _check_definition(epoch: Epoch, record: Record) -> None:
    dial = "resend.definition_not_effective"
    if epoch.config.dialect[dial] == "send":
        return
    if not is_effective(epoch.reference_data.definitions.find("id", record.definition) or {}):
        raise VendorError(
            "definition_not_effective",
            REQUEST_IDENTIFIER,
            seen=f"number {record.number}, whose webhook definition is not effective",
            allowed="a webhook request whose webhook definition is effective",
            dials=(dial,),
            record=record.body,
        )
