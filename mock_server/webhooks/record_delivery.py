"""The delivery of a stored webhook request: what is sent, and what its outcome changes.

Source: POST webhook_requests/resend, R9.0.0 and later. What a delivery changes in the record is
inferred from the page's example; the rest are dials (``resend.*``).
"""

from collections.abc import Callable
from typing import Any

import orjson

from crmcom_kit.mock_server.deliveries.attempts import Cause
from crmcom_kit.mock_server.deliveries.senders import Attempt, Outcome
from crmcom_kit.mock_server.protocol.rendering import compact_json
from crmcom_kit.mock_server.store.life_cycle import Event, State
from crmcom_kit.mock_server.store.records import Record, shown_state
from crmcom_kit.mock_server.webhooks.dispatch import Dispatch, begun
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.tokens import Session


def record_delivery(
    epoch: Epoch,
    session: Session,
    claimed: Record,
    cause: Cause,
    attempt: Attempt | None = None,
    of: int | None = None,
) -> Dispatch:
    """Return the delivery of a record that is claimed; its outcome settles the record.

    Args:
        epoch: where the record is.
        session: whose user and unit the record names afterwards.
        claimed: the record, in state SENDING.
        cause: why it is sent; the first delivery of a record is caused by FIRE.
        attempt: what is sent; by default what resend sends.
        of: the attempt that this one repeats.
    """
    row = claimed.row
    first = cause is Cause.FIRE

    def abandon() -> None:
        epoch.store.transition(row.id, Event.ABANDONED)

    try:
        prepared, data = _attempt(epoch, claimed)
        sent = prepared if attempt is None else attempt
        note = begun(
            epoch,
            cause,
            sent,
            record_id=row.id,
            number=row.number,
            definition=row.definition,
            before=None if first else shown_state(row.state),
            of=of,
        )
    except BaseException:
        abandon()
        raise

    def settle(outcome: Outcome) -> Record | None:
        event = Event.DELIVERED if outcome.delivered else Event.FAILED
        change = _settled(epoch, session, sent, data, outcome, first=first)
        return epoch.store.transition(row.id, event, change)

    return Dispatch(epoch, note, settle, abandon)


def _attempt(epoch: Epoch, record: Record) -> tuple[Attempt, Any]:
    """Return what resend sends, signed with its definition's key, and the data object.

    The data object is None, too, if nothing needs it.
    """
    url, definition = record.row.url, record.row.definition
    if epoch.dialect["resend.destination"] == "definition":
        found = epoch.reference_data.definitions.find("id", definition) or {}
        url = found.get("url", url)
    exchanges = epoch.exchanges
    data = None
    signed = None if record.data is None else exchanges.signed_of(record.data)
    if record.data is not None and (exchanges.tells_status or signed is None):
        data = orjson.loads(record.data)
    key = epoch.reference_data.key_of(definition)
    code = exchanges.code(data if signed is None else signed, key, None)
    return Attempt(url, record.data, code), data


def _settled(
    epoch: Epoch, session: Session, attempt: Attempt, data: Any, outcome: Outcome, *, first: bool
) -> Callable[[Record], Record]:
    """Return the function that turns a record into the one that ``outcome`` leaves behind."""
    dialect, exchanges = epoch.dialect, epoch.exchanges
    renewed = first or dialect["resend.exchange"] == "renewed"
    reference = "" if first else epoch.ids.next("exchange")
    code = exchanges.after(attempt.authentication_code, outcome.error_code)
    now = epoch.date_time()

    def settle(record: Record) -> Record:
        body = orjson.loads(record.body)
        named = epoch.ids.of("exchange", record.row.id) if first else reference
        state = State.SUCCESSFUL if outcome.delivered else State.REJECTED
        body["life_cycle_state"] = state.value  # a plain text, which orjson writes faster
        body["error_code"] = outcome.error_code
        body["error_description"] = outcome.error_description
        body["url"] = attempt.url
        if attempt.data is not None:
            body["authentication_code"] = code
        if renewed:
            body["request"] = exchanges.request(data, body["authentication_code"], named)
        body["response"] = exchanges.response(outcome.status, named)
        if first or dialect["resend.updates_log"]:
            log = body["log_information"]
            before = len(log)
            log["updated_date"] = now
            log[epoch.renderer.unit_member("updated")] = session.unit
            log["updated_by_user"] = session.user
            if len(log) > before:  # an unset date that was left out
                body["log_information"] = epoch.renderer.ordered("log_information", log)
        row = record.row
        if row.url != attempt.url:
            row = row._replace(url=attempt.url)
        return Record(row, compact_json(body), record.data)

    return settle
