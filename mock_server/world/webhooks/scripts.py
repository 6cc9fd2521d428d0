"""Delivery scripts of a world, of a definition and of a webhook request: put and listed."""

from crmcom_kit.mock_server.deliveries.scripts import DeliveryScript, ScriptedDelivery
from crmcom_kit.mock_server.world.changes import record_named
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.reference_data import named
from crmcom_kit.usage_errors import UsageError, quoted


def delivery_scripts(epoch: Epoch) -> list[DeliveryScript]:
    """Return the scripts, the world's first; none if the mock really sends."""
    delivery = epoch.delivery
    return delivery.scripts() if isinstance(delivery, ScriptedDelivery) else []


def put_script(
    epoch: Epoch, script: str | None, *, record: str | None = None, definition: str | None = None
) -> None:
    """Let a script decide the deliveries of a webhook request, of a definition, or of all others.

    Args:
        epoch: where.
        script: outcomes in order, such as ``2*timeout, success``; the last one forever. None ends
            the script: the next one decides again. The world's own is then what it began with.
        record: number or id of the webhook request.
        definition: name, alternative code or id of the webhook definition.

    Raises:
        UsageError: the script is not allowed, both targets are given, or the mock really sends.
        NotFound: there is no such webhook request or definition.
        LimitExceeded: there are as many scripts as allowed.
    """
    delivery = epoch.delivery
    if not isinstance(delivery, ScriptedDelivery):
        seen = "a script, while this mock really sends"
        raise UsageError("script", seen=seen, allowed="a mock without --deliver http")
    if record is not None and definition is not None:
        seen = f"{quoted(definition)} with record {quoted(record)}"
        raise UsageError("definition", seen=seen, allowed="record or definition, not both")
    found = None
    number = None if record is None else record_named(epoch, record).number
    if definition is not None:
        found = named(epoch.reference_data.definitions, "definition", definition)
        definition = found.get("name", found["id"])
    definition_id = None if found is None else found["id"]
    if script is None:
        delivery.remove(number, definition_id)
    else:
        delivery.put(DeliveryScript(script, number, definition), definition_id)
