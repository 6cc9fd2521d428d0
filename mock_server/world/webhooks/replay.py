"""Repeat an attempt as it was, or send again everything rejected since a moment."""

import json
from datetime import datetime
from typing import NamedTuple

from crmcom_kit.mock_server.clock import in_clock_range
from crmcom_kit.mock_server.deliveries.attempts import Attempt, Cause
from crmcom_kit.mock_server.protocol.filters import seconds
from crmcom_kit.mock_server.store.life_cycle import RESENDABLE, Event, WrongState
from crmcom_kit.mock_server.store.records import Query, Record
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.webhooks.delivery_job import DeliveryJob, repeated
from crmcom_kit.mock_server.world.webhooks.redelivery import redelivery
from crmcom_kit.usage_errors import NotFound


class Recovery(NamedTuple):
    """The deliveries that ``recover`` began."""

    attempts: list[Attempt]
    left: int  # webhook requests for which the queue had no room


def attempt_of(epoch: Epoch, number: int) -> Attempt:
    """Return an attempt by its number. Raises NotFound."""
    found = epoch.attempts.find(number)
    if found is None:
        kept = epoch.attempts.list()
        allowed = (
            f"{kept[0].number} to {kept[-1].number}"
            if kept
            else "none, since nothing was delivered"
        )
        raise NotFound("delivery", seen=str(number), allowed=allowed)
    return found


def replay(epoch: Epoch, number: int) -> Attempt:
    """Send exactly what an attempt sent once more; return the new attempt.

    The outcome settles a webhook request that is REJECTED, as a resend does; any other stays as it
    is. Raises NotFound.
    """
    before = attempt_of(epoch, number)
    claimed = _claimed(epoch, before.record_id)
    if claimed is None:
        attempt = repeated(epoch, Cause.REPLAY, before)
        job = DeliveryJob(epoch, attempt, settle=lambda _: None, abandon=bool)
    else:
        session = epoch.session()
        job = redelivery(epoch, session, claimed, Cause.REPLAY, before.message, number)
    job.start()
    return job.attempt


def _claimed(epoch: Epoch, record_id: str) -> Record | None:
    try:
        return epoch.store.transition(record_id, Event.RESEND)
    except WrongState:
        return None


def recover(epoch: Epoch, since: datetime | None) -> Recovery:
    """Queue all webhook requests that are REJECTED and were created at ``since`` or later.

    None stands for all of them. Those being sent already are left alone. Raises UsageError if
    ``since`` has no zone, or is out of the range of clocks.
    """
    created = None if since is None else seconds(_written(epoch, since))
    query = Query(indexed=(), states=RESENDABLE, created_from=created, newest_first=False)
    attempts: list[Attempt] = []
    left = 0
    session = epoch.session()
    for body in epoch.store.query(query):
        if epoch.delivery_queue.waiting >= epoch.delivery_queue.room:
            left += 1
            continue
        claimed = _claimed(epoch, json.loads(body)["id"])
        if claimed is None:
            continue
        job = redelivery(epoch, session, claimed, Cause.RECOVER)
        job.enqueue()
        attempts.append(job.attempt)
    return Recovery(attempts, left)


def _written(epoch: Epoch, moment: datetime) -> datetime:
    """Return a moment as the server writes dates: in its own zone, without saying so."""
    local = in_clock_range("since", moment) + epoch.config.utc_offset
    return local.replace(tzinfo=None)
