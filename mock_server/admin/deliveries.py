"""Operations on deliveries: attempts, replay, scripts, triggers."""

from typing import Any

from crmcom_kit.mock_server.admin import serializers
from crmcom_kit.mock_server.admin.call import Call
from crmcom_kit.mock_server.world.webhooks.delivering import attempt_of, replay
from crmcom_kit.mock_server.world.webhooks.scripts import delivery_scripts, put_script
from crmcom_kit.mock_server.world.webhooks.triggers import fire


def list_deliveries(call: Call) -> Any:
    """Return the attempts, oldest first."""
    epoch, asked = call.epoch, call.query
    attempts = epoch.attempts.list(since=asked["since"], record=asked.get("record"))
    newest = attempts[-asked["limit"] :] if "limit" in asked else attempts
    return {"deliveries": serializers.attempts(call, newest), "last": epoch.attempts.last}


def get_delivery(call: Call) -> Any:
    """Return one attempt, with a verdict on the code that it sends."""
    found = attempt_of(call.epoch, call.path["id"])
    return serializers.attempt_with_signature(call, found)


def replay_delivery(call: Call) -> Any:
    """Repeat an attempt."""
    asked = call.body or {}
    return serializers.attempt(call, replay(call.epoch, call.path["id"], asked.get("fault")))


def get_delivery_scripts(call: Call) -> Any:
    """Return the delivery scripts."""
    return {"scripts": [one.as_json() for one in delivery_scripts(call.epoch)]}


def put_delivery_script(call: Call) -> Any:
    """Let a script decide deliveries, or end it."""
    put_script(call.epoch, **call.body)
    return get_delivery_scripts(call)


def fire_event(call: Call) -> Any:
    """Trigger a webhook as a workflow rule would."""
    epoch, asked = call.epoch, dict(call.body)
    data = asked.pop("data")
    fired = fire(epoch, asked.pop("entity"), asked.pop("definition"), data, **asked)
    attempt = None if fired.attempt is None else serializers.attempt(call, fired.attempt)
    return {
        "sent": fired.sent,
        "why": fired.why,
        "left_out": list(fired.left_out),
        "webhook_request": None if attempt is None else attempt["webhook_request"],
        "life_cycle_state": None if fired.record is None else fired.record.state,
        "delivery": attempt,
    }
