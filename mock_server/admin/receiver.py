"""Operations of the built-in receiver: its answers, the requests it got, their signatures."""

from contextlib import nullcontext
from typing import Any

from crmcom_kit.mock_server.admin import serializers
from crmcom_kit.mock_server.admin.access import RECEIVER, SECRET
from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.deliveries.receiver import ReceiverAnswer
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES
from crmcom_kit.mock_server.world.webhooks.delivering import attempt_of
from crmcom_kit.mock_server.world.webhooks.signature_diagnosis import diagnose
from crmcom_kit.usage_errors import UsageError

_BODILESS = (204, 205, 304)


def get_receiver(call: Call) -> Any:
    """Return its answers and its URL."""
    receiver, secret = call.epoch.receiver, call.registry.receiver_secret
    query = "" if secret is None else f"?{SECRET}={secret}"
    return {
        "url": f"{call.origin}/worlds/{call.world.name}{RECEIVER}{query}",
        "answers": [one.as_json() for one in receiver.answers],
        "received": receiver.last,
    }


def put_receiver(call: Call) -> Any:
    """Replace its answers."""
    answers = [ReceiverAnswer(**one) for one in call.body["answers"]]
    for answer in answers:
        if answer.status in _BODILESS and answer.body:
            raise UsageError("body", seen=f"a body with status {answer.status}", allowed="no body")
    call.epoch.receiver.answer_with(answers)
    return get_receiver(call)


def list_received(call: Call) -> Any:
    """Return the requests that it got, oldest first, each with a verdict on its signature."""
    epoch = call.epoch
    found = epoch.receiver.requests(call.query["since"])
    return {
        "requests": [serializers.received(call, one) for one in found],
        "last": epoch.receiver.last,
    }


def forget_received(call: Call) -> Any:
    """Forget the requests that it got."""
    return {"removed": call.epoch.receiver.forget()}


def receive(call: Call) -> Any:
    """Receive a request, and return the next answer."""
    body = call.stream.read(MAX_BODY_BYTES)
    headers = {name: value for name, value in call.headers.items() if name != "Cookie"}
    epoch = call.world.current_epoch
    receiver = epoch.receiver
    # First the slot: a request that is refused because none is free was never received.
    waits = any(answer.delay for answer in receiver.answers)
    with call.registry.waiting if waits else nullcontext():
        verdict = diagnose(epoch, headers, body)
        answer = receiver.take(call.verb, headers, body, verdict).answer
        if answer.delay:
            call.world.clock.sleep(answer.delay, call.over)
    return Reply(answer.body.encode(), answer.status, answer.content_type)


receive_put = receive  # an operation needs an id of its own for each verb


def verify_message(call: Call) -> Any:
    """Return whether a code is that of a message, and if not, why."""
    epoch, asked = call.epoch, call.body
    attempt = None if "delivery" not in asked else attempt_of(epoch, asked["delivery"])
    definition = asked.get("definition")
    if definition is not None:
        found = epoch.reference_data.definitions.find_any(definition)
        if found is None:
            allowed = "a webhook definition of this world"
            raise UsageError("definition", seen=definition, allowed=allowed)
        definition = found["id"]
    verdict = diagnose(
        epoch,
        asked.get("headers", {}),
        asked["body"].encode(),
        attempt=attempt,
        definition=definition,
        code=asked.get("code"),
    )
    return serializers.verdict(call, verdict)
