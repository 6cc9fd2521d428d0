"""Delivery scripts of a world, of a definition and of a webhook request: put and listed."""

from typing import NamedTuple

from crmcom_kit.mock_server.deliveries.scripts import WORLD, ScriptedDelivery, ScriptTarget
from crmcom_kit.mock_server.world.changes import record_named
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.reference_data import named
from crmcom_kit.usage_errors import UsageError, quoted


class DeliveryScript(NamedTuple):
    """A script, whose deliveries it decides, and how many of its outcomes are used up."""

    script: str
    number: str | None  # of a webhook request
    definition: str | None  # its name, or its id if it has none
    used: int


def delivery_scripts(epoch: Epoch) -> list[DeliveryScript]:
    """Return the scripts, the world's first; none if the mock really sends."""
    delivery, found = epoch.delivery, []
    if isinstance(delivery, ScriptedDelivery):
        for (number, definition), script in delivery.scripts().items():
            known = epoch.reference_data.definitions.find("id", definition or "") or {}
            shown = known.get("name", definition)
            found.append(DeliveryScript(script.text, number, shown, script.used))
    return found


def put_script(
    epoch: Epoch, script: str | None, *, number: str | None = None, definition: str | None = None
) -> None:
    """Let a script decide the deliveries of a webhook request, of a definition, or of all others.

    Args:
        epoch: where.
        script: outcomes in order, such as ``2*timeout, success``; the last one forever. None ends
            the script: the next one decides again. The world's own is then what it began with.
        number: number or id of the webhook request.
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
    target = WORLD
    if number is not None and definition is not None:
        seen = f"{quoted(definition)} with number {quoted(number)}"
        raise UsageError("definition", seen=seen, allowed="number or definition, not both")
    if number is not None:
        target = ScriptTarget(number=record_named(epoch, number).number)
    if definition is not None:
        found = named(epoch.reference_data.definitions, "definition", definition)
        target = ScriptTarget(definition=found["id"])
    delivery.put(target, script)
