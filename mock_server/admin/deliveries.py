"""Operations on deliveries: attempts, replay, scripts, triggers."""

from typing import Annotated, NotRequired, TypedDict

from crmcom_kit.mock_server.admin import serializers
from crmcom_kit.mock_server.admin.contract import Call, Count, JsonObject, RecordKey, operation
from crmcom_kit.mock_server.admin.serializers import Delivery, RecordName
from crmcom_kit.mock_server.deliveries.messages import MESSAGE_FAULTS
from crmcom_kit.mock_server.deliveries.scripts import ScriptedDelivery
from crmcom_kit.mock_server.typed_schemas import Keywords
from crmcom_kit.mock_server.world.webhooks.delivering import replay
from crmcom_kit.mock_server.world.webhooks.triggers import fire

_Id = Annotated[int, Keywords(minimum=1)]
_Text = Annotated[str, Keywords(maxLength=400)]
MessageFault = Annotated[
    str,
    "To test a receiver, if the mock really sends: a wrong code of the right form, a code of "
    "another key, half of the body, or the same message twice.",
    Keywords(enum=[*MESSAGE_FAULTS]),
]


class Deliveries(TypedDict):
    """The attempts that the mock still has."""

    deliveries: list[Delivery]


class Replay(TypedDict, total=False):
    """The options of a repeated attempt."""

    fault: MessageFault


class DeliveryScript(TypedDict):
    """The outcomes of deliveries, in order."""

    script: str
    record: str | None
    used: Annotated[Count, "The number of its used outcomes."]


class DeliveryScripts(TypedDict):
    """The delivery scripts, the world's first; none if the mock really sends."""

    scripts: list[DeliveryScript]


class DeliveryScriptChange(TypedDict):
    """A delivery script to set, for a webhook request or the world."""

    script: Annotated[
        str | None,
        "Outcomes in order, such as `2*timeout, success`; `crmcom-kit dialect` prints the outcomes "
        "(`delivery.script`).",
        Keywords(maxLength=10000),
    ]
    record: NotRequired[RecordKey]


class Event(TypedDict):
    """The event that triggers a webhook."""

    entity: Annotated[_Text, "The entity that the data describes, such as ACTIVITIES."]
    definition: Annotated[_Text, "Name, alternative code or id of the webhook definition."]
    data: Annotated[JsonObject, "The entity; without an id it gets a new one."]
    url: NotRequired[
        Annotated[str, "By default the URL of the definition.", Keywords(maxLength=2048)]
    ]
    fault: NotRequired[MessageFault]


class TriggerResult(TypedDict):
    """The result of a trigger."""

    sent: Annotated[bool, "True if the message leaves the mock, now or later."]
    why: Annotated[str, "Why nothing is sent."]
    left_out: Annotated[list[str], "Members of the data that the fields set does not name."]
    webhook_request: RecordName | None
    life_cycle_state: Annotated[str | None, "null if it is not delivered yet."]
    delivery: Delivery | None


@operation("GET /deliveries", "deliveries")
def list_deliveries(
    call: Call,
    *,
    record: Annotated[RecordKey, "Only attempts for this webhook request."] | None = None,
) -> Deliveries:
    """List the delivery attempts, oldest first."""
    epoch = call.epoch
    attempts = epoch.attempts.select() if record is None else epoch.attempts_of(record)
    return {"deliveries": serializers.attempts_view(call, attempts)}


@operation("GET /deliveries/script", "deliveries")
def get_delivery_scripts(call: Call) -> DeliveryScripts:
    """List the delivery scripts."""
    delivery = call.epoch.delivery
    scripts = delivery.scripts() if isinstance(delivery, ScriptedDelivery) else []
    return {
        "scripts": [
            {"script": script.script, "record": script.record, "used": script.used}
            for script in scripts
        ]
    }


@operation(
    "PUT /deliveries/script",
    "deliveries",
    examples={
        "one webhook request": {"script": "2*timeout, success", "record": "7"},
        "the world": {"script": "3*refused, success"},
        "an end": {"script": None, "record": "7"},
    },
)
def put_delivery_script(call: Call, body: DeliveryScriptChange) -> DeliveryScripts:
    """Set a script of delivery outcomes.

    The script starts with its first outcome; its last outcome repeats. The script of a webhook
    request takes precedence over the world's; omit `record` to set the world's. null removes a
    script; the world then has its initial script again. A reset removes all scripts. Refused if the
    mock really sends.
    """
    call.epoch.put_script(**body)
    return get_delivery_scripts(call)


@operation("GET /deliveries/{id}", "deliveries")
def get_delivery(call: Call, id: _Id) -> Delivery:
    """Show one attempt, with a verdict on its signature."""
    return serializers.attempt_with_signature(call, call.epoch.attempts.get(id))


@operation("POST /deliveries/{id}/replay", "deliveries", examples={"twice": {"fault": "duplicate"}})
def replay_delivery(call: Call, id: _Id, body: Replay | None = None) -> Delivery:
    """Send exactly the same message again. The webhook request does not change."""
    attempt, fault = call.epoch.attempts.get(id), (body or {}).get("fault")
    with call.may_send():
        return serializers.attempt_view(call, replay(call.epoch, attempt, fault))


@operation(
    "POST /events/fire",
    "deliveries",
    examples={
        "an activity": {
            "entity": "ACTIVITIES",
            "definition": "ACT CREATE",
            "data": {"id": "A1", "number": "ACT000001", "status": "COMPLETED"},
        }
    },
)
def fire_event(call: Call, body: Event) -> TriggerResult:
    """Trigger a webhook as a workflow rule would.

    Creates a webhook request, signs it with the key of the definition, delivers it and keeps it
    with the outcome. A definition or rule that is NOT EFFECTIVE sends nothing. The fields set of
    the definition selects which members of the data are sent.
    """
    with call.may_send():
        result = fire(call.epoch, **body)
    attempt = None if result.attempt is None else serializers.attempt_view(call, result.attempt)
    return {
        "sent": result.sent,
        "why": result.why,
        "left_out": list(result.left_out),
        "webhook_request": None if attempt is None else attempt["webhook_request"],
        "life_cycle_state": None if result.record is None else result.record.state,
        "delivery": attempt,
    }
