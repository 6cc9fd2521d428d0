"""Delivery scripts of a world and of a webhook request: put and listed."""

from crmcom_kit.mock_server.deliveries.scripts import DeliveryScript, ScriptedDelivery
from crmcom_kit.mock_server.world.changes import record_named
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.usage_errors import UsageError


def delivery_scripts(epoch: Epoch) -> list[DeliveryScript]:
    """Return the scripts, the world's first; none if the mock really sends."""
    delivery = epoch.delivery
    return delivery.scripts() if isinstance(delivery, ScriptedDelivery) else []


def put_script(epoch: Epoch, script: str | None, record: str | None = None) -> None:
    """Let a script decide the deliveries of a webhook request, or of all others.

    Args:
        epoch: where.
        script: outcomes in order, such as ``2*timeout, success``; the last one forever. None ends
            the script of the webhook request, and lets the world's be what it began with.
        record: number or id of the webhook request.

    Raises:
        UsageError: the script is not allowed, or the mock really sends.
        NotFound: there is no such webhook request.
        LimitExceeded: there are as many scripts as allowed.
    """
    delivery = epoch.delivery
    if not isinstance(delivery, ScriptedDelivery):
        seen = "a script, while this mock really sends"
        raise UsageError("script", seen=seen, allowed="a mock without --deliver http")
    delivery.put(script, None if record is None else record_named(epoch, record).number)
