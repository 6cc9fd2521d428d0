"""The method resend: claim a rejected record, deliver it with no lock held, settle it.

Source: POST webhook_requests/resend, R9.0.0 and later. What a resend changes in the record is
inferred from the page's example; the rest are dials (``resend.*``).
"""

from collections.abc import Callable, Generator
from typing import Any

import orjson

from crmcom_kit.mock_server.api.methods.show import IDENTIFIER, Values, find, unknown
from crmcom_kit.mock_server.api.waits import Blocking, Wait
from crmcom_kit.mock_server.deliveries.attempts import Cause
from crmcom_kit.mock_server.deliveries.senders import NOT_SENT, Attempt, Outcome, Stopped
from crmcom_kit.mock_server.protocol.errors import (
    DefinitionNotEffective,
    DeliveryFailed,
    NotRejected,
    ResendUnderWay,
    UnknownWebhookRequest,
)
from crmcom_kit.mock_server.protocol.parameters import Identifier
from crmcom_kit.mock_server.protocol.rendering import compact_json
from crmcom_kit.mock_server.protocol.response import Response
from crmcom_kit.mock_server.store.life_cycle import Event, State, WrongState, after
from crmcom_kit.mock_server.store.records import Record, shown_state
from crmcom_kit.mock_server.webhooks.dispatch import Dispatch, begun
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
    dispatch = sending(world, session, claimed, Cause.RESEND)
    if world.dialect["resend.delivery"] == "queued":
        return _queued(world, values, record, dispatch)
    try:
        if dispatch.may_block:
            outcome, settled = yield Blocking(dispatch.wait)
        else:
            outcome, settled = dispatch.wait()
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
    settled = dispatch.put()
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


def sending(
    world: Epoch,
    session: Session,
    claimed: Record,
    cause: Cause,
    attempt: Attempt | None = None,
    of: int | None = None,
) -> Dispatch:
    """Return what sends a record that is claimed, and settles it.

    Args:
        world: where it is.
        session: who does it.
        claimed: the record, in state SENDING.
        cause: why it is sent.
        attempt: what is sent; as resend does where left out.
        of: the attempt that this one sends again.
    """
    row = claimed.row

    def abandon() -> None:
        _end(world, claimed, Event.ABANDONED)

    try:
        prepared, data = _attempt(world, claimed)
        sent = prepared if attempt is None else attempt
        note = begun(
            world,
            cause,
            sent,
            record_id=row.id,
            number=row.number,
            definition=row.definition,
            before=shown_state(row.state),
            of=of,
        )
    except BaseException:
        abandon()
        raise

    def settle(outcome: Outcome) -> Record | None:
        event = Event.DELIVERED if outcome.delivered else Event.FAILED
        return _end(world, claimed, event, _settler(world, session, sent, data, outcome))

    return Dispatch(world, note, settle, abandon)


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


def _end(
    world: Epoch,
    claimed: Record,
    event: Event,
    settle: Callable[[Record], Record] | None = None,
) -> Record | None:
    """Let a delivery end; None where the record was deleted meanwhile."""
    return world.store.transition(claimed.row.id, event, settle)


def _attempt(world: Epoch, record: Record) -> tuple[Attempt, Any]:
    """Return what resend sends, signed with its definition's key, and the data object.

    That is None, too, where nobody needs it.
    """
    url, definition = record.row.url, record.row.definition
    if world.dialect["resend.destination"] == "definition":
        found = world.reference_data.definitions.find("id", definition) or {}
        url = found.get("url", url)
    exchanges = world.exchanges
    data = None
    signed = None if record.data is None else exchanges.signed_of(record.data)
    if record.data is not None and (exchanges.tells_status or signed is None):
        data = orjson.loads(record.data)
    key = world.reference_data.key_of(definition)
    code = exchanges.code(data if signed is None else signed, key, None)
    return Attempt(url, record.data, code), data


def _settler(
    world: Epoch, session: Session, attempt: Attempt, data: Any, outcome: Outcome
) -> Callable[[Record], Record]:
    """Return what turns a record into the one that ``outcome`` leaves behind."""
    reference = world.ids.next("exchange")
    code = world.exchanges.after(attempt.authentication_code, outcome.error_code)
    now = world.date_time()

    def settle(record: Record) -> Record:
        body = orjson.loads(record.body)
        state = State.SUCCESSFUL if outcome.delivered else State.REJECTED
        body["life_cycle_state"] = state.value  # a plain text, which is written sooner
        body["error_code"] = outcome.error_code
        body["error_description"] = outcome.error_description
        body["url"] = attempt.url
        if attempt.data is not None:
            body["authentication_code"] = code
        if world.dialect["resend.exchange"] == "renewed":
            body["request"] = world.exchanges.request(data, body["authentication_code"], reference)
        body["response"] = world.exchanges.response(outcome.status, reference)
        if world.dialect["resend.updates_log"]:
            log = body["log_information"]
            had = len(log)
            log["updated_date"] = now
            log[world.renderer.unit_member("updated")] = session.unit
            log["updated_by_user"] = session.user
            if len(log) > had:  # an unset date that was left out
                body["log_information"] = world.renderer.ordered("log_information", log)
        row = record.row
        if row.url != attempt.url:
            row = row._replace(url=attempt.url)
        return Record(row, compact_json(body), record.data)

    return settle
