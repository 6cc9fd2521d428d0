"""The method resend: claim a rejected record, deliver it with no lock held, settle it.

Source: POST webhook_requests/resend, R9.0.0 and later. What a resend changes in the record is
inferred from the page's example; the rest are dials (``resend.*``).
"""

from collections.abc import Generator
from typing import Any

from crmcom_kit.mock_server.api.methods.show import IDENTIFIER, Values, find, unknown
from crmcom_kit.mock_server.api.waits import Blocking, Wait
from crmcom_kit.mock_server.deliveries.attempts import Cause
from crmcom_kit.mock_server.deliveries.senders import NOT_SENT, Stopped
from crmcom_kit.mock_server.protocol.errors import (
    DefinitionNotEffective,
    DeliveryFailed,
    NotRejected,
    ResendUnderWay,
    UnknownWebhookRequest,
)
from crmcom_kit.mock_server.protocol.parameters import Identifier
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.store.life_cycle import Event, State, WrongState, after
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.webhooks.dispatch import Dispatch
from crmcom_kit.mock_server.webhooks.record_delivery import record_delivery
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.tokens import Session


def resend(world: Epoch, values: Values, session: Session) -> Generator[Wait, Any, Response]:
    """Send a rejected webhook request again and return it as it then is.

    Raises:
        UnknownWebhookRequest, NotRejected, ResendUnderWay: it cannot be sent again.
        DefinitionNotEffective, DeliveryFailed: where the dialect answers so.
    """
    record = find(world, values[IDENTIFIER])
    _move(world, record, Event.RESEND, only_ask=True)
    _check_definition(world, record)
    claimed = _move(world, record, Event.RESEND)
    dispatch = record_delivery(world, session, claimed, Cause.RESEND)
    if world.dialect["resend.delivery"] == "queued":
        return _queued(world, values, record, dispatch)
    try:
        if dispatch.may_block:
            outcome, settled = yield Blocking(dispatch.deliver_now)
        else:
            outcome, settled = dispatch.deliver_now()
    except Stopped:  # the mock ends: nothing has come of it
        return _answered(world, values, record, claimed, dispatch)
    if settled is None:
        raise UnknownWebhookRequest(
            IDENTIFIER,
            seen=f"number {record.row.number}, deleted while it was being sent",
            allowed="a webhook request that exists until it is sent",
        ).caused(dispatch.note.number)
    if not outcome.delivered and world.dialect["resend.failed"] == "error":
        failed = DeliveryFailed(
            IDENTIFIER,
            seen=f"{outcome.error_code} when number {record.row.number} was sent",
            allowed="a receiver that takes it",
        )
        raise failed.about(settled.body).caused(dispatch.note.number)
    return _answered(world, values, record, settled, dispatch)


def _queued(world: Epoch, values: Values, record: Record, dispatch: Dispatch) -> Response:
    """Answer at once, with the record as it still is, or as a full queue leaves it."""
    settled = dispatch.enqueue()
    return _answered(world, values, record, record if settled is None else settled, dispatch)


def _answered(
    world: Epoch, values: Values, before: Record, after: Record, dispatch: Dispatch
) -> Response:
    answer = world.responses.record(after.body, values.get("fields_set"))
    answer.before, answer.after = before.body, after.body
    answer.attempts = (dispatch.note.number,)
    outcome = dispatch.note.outcome
    if outcome is not None and outcome.why and outcome.name in NOT_SENT:
        # The error in the record is the vendor's way to say it, and tells nobody what to do.
        answer.warnings = (f"nothing was sent: {outcome.why}",)
    return answer


def _move(world: Epoch, record: Record, event: Event, *, only_ask: bool = False) -> Record:
    """Let ``event`` happen, or only ask whether it may. Raises NotRejected, ResendUnderWay."""
    try:
        if only_ask:
            after(record.row.state, event)
            return record
        moved = world.store.transition(record.row.id, event)
    except WrongState as wrong:
        number = f"number {record.row.number}"
        if wrong.state is State.SENDING:
            seen = f"{number} while another resend of it runs"
            under_way = ResendUnderWay(IDENTIFIER, seen=seen, allowed="one at a time")
            raise under_way.about(record.body) from None
        seen = f"{number} in state {wrong.state}"
        allowed = "a webhook request that is REJECTED"
        raise NotRejected(IDENTIFIER, seen=seen, allowed=allowed).about(record.body) from None
    if moved is None:
        raise unknown(Identifier("id", record.row.id))
    return moved


def _check_definition(world: Epoch, record: Record) -> None:
    refuses = world.dialect["resend.definition_not_effective"] == "error"
    if refuses and not world.reference_data.is_effective(record.row.definition):
        raise DefinitionNotEffective(
            IDENTIFIER,
            seen=f"number {record.row.number}, whose webhook definition is not effective",
            allowed="one whose webhook definition is effective",
        ).about(record.body)
