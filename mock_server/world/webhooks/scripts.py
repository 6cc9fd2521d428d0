"""Put a script of deliveries in a world."""

from crmcom_kit.mock_server.deliveries.scripts import ScriptedDelivery
from crmcom_kit.mock_server.world.changes import record_named
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.usage_errors import UsageError


def put_script(epoch: Epoch, script: str | None, record: str | None = None) -> None:
    """Let a script decide the deliveries of a webhook request, or of all others; None ends it.

    Args:
        epoch: where.
        script: outcomes in order, such as ``2*timeout, success``; the last one forever.
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
