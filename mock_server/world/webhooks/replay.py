"""Repeat an attempt as it was."""

from crmcom_kit.mock_server.deliveries.attempts import Attempt, Cause
from crmcom_kit.mock_server.store.life_cycle import Event, WrongState
from crmcom_kit.mock_server.store.records import Record
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.webhooks.delivery_job import DeliveryJob, repeated
from crmcom_kit.mock_server.world.webhooks.redelivery import redelivery
from crmcom_kit.usage_errors import NotFound


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
