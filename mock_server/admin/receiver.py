"""Operations of the built-in receiver: its answers, the requests it got, their signatures."""

from contextlib import nullcontext
from typing import Annotated, Any, TypedDict

from crmcom_kit.mock_server.admin import serializers
from crmcom_kit.mock_server.admin.access import RECEIVER, SECRET
from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.admin.contract import operation
from crmcom_kit.mock_server.admin.serializers import ReceivedRequest
from crmcom_kit.mock_server.deliveries.receiver import ReceiverAnswer
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES
from crmcom_kit.mock_server.protocol.typed_schemas import Keywords
from crmcom_kit.mock_server.world.webhooks.signatures import labeled_attempt, verdict_on_message
from crmcom_kit.usage_errors import UsageError

_BODILESS = (204, 205, 304)
_TEXT = "text/plain; charset=utf-8"


class Answer(TypedDict, total=False):
    """A response of the receiver."""

    status: Annotated[int, "200 by default.", Keywords(minimum=200, maximum=599)]
    body: Annotated[str, Keywords(maxLength=65536)]
    delay: Annotated[float, "In seconds of the world's time.", Keywords(minimum=0, maximum=600)]
    times: Annotated[
        int | None,
        "How often it is used; null, and the last one: no limit.",
        Keywords(minimum=1),
    ]


class Receiver(TypedDict):
    """The built-in receiver: its URL, its script of responses, how many messages it received."""

    url: str
    answers: list[Answer]
    received: int


class Answers(TypedDict):
    """The script of the receiver; nothing is the one that it has at the start."""

    answers: Annotated[list[Answer], Keywords(maxItems=1000)]


class ReceivedRequests(TypedDict):
    """The messages that are still kept."""

    requests: list[ReceivedRequest]


@operation("GET /receiver", "deliveries")
def get_receiver(call: Call) -> Receiver:
    """Show the built-in receiver."""
    receiver, secret = call.epoch.receiver, call.registry.receiver_secret
    query = "" if secret is None else f"?{SECRET}={secret}"
    return {
        "url": f"{call.origin}/worlds/{call.world.name}{RECEIVER}{query}",
        "answers": [
            {"status": one.status, "body": one.body, "delay": one.delay, "times": one.times}
            for one in receiver.answers
        ],
        "received": receiver.last,
    }


@operation(
    "PUT /receiver",
    "deliveries",
    examples={
        "two failures first": {"answers": [{"status": 503, "times": 2}, {"status": 200}]},
        "as at the start": {"answers": []},
    },
)
def put_receiver(call: Call, body: Answers) -> Receiver:
    """Set the script of the built-in receiver."""
    answers = [ReceiverAnswer(**one) for one in body["answers"]]
    for answer in answers:
        if answer.status in _BODILESS and answer.body:
            raise UsageError("body", seen=f"a body with status {answer.status}", allowed="no body")
    call.epoch.receiver.answer_with(answers)
    return get_receiver(call)


@operation("GET /receiver/requests", "deliveries")
def list_received(call: Call) -> ReceivedRequests:
    """List the messages that the built-in receiver received, oldest first.

    Each has a verdict: whether its authentication code is valid, and what the right one signs.
    """
    found = call.epoch.receiver.requests()
    return {"requests": [serializers.received(call, one) for one in found]}


@operation("PUT /receiver/in", "deliveries", id="receive_put", media=_TEXT, stream=Any)
@operation("POST /receiver/in", "deliveries", media=_TEXT, stream=Any)
def receive(
    call: Call,
    *,
    secret: Annotated[str, "Opens it without the admin token; `GET /receiver` shows it."] = "",
) -> Reply:
    """Receive a message, and return the next answer.

    Accepts any message and responds as the script says; `GET /receiver/requests` has its verdict.
    For authors of receivers: send a message with the code that your receiver computed. It creates
    no world.
    """
    del secret  # the guard has looked at it
    body = call.stream.read(MAX_BODY_BYTES)
    headers = {name: value for name, value in call.headers.items() if name != "Cookie"}
    epoch = call.world.current_epoch
    receiver = epoch.receiver
    # First the slot: a request that is refused because none is free was never received.
    waits = any(answer.delay for answer in receiver.answers)
    with call.registry.waiting if waits else nullcontext():
        named = {name.lower(): value for name, value in headers.items()}
        attempt = labeled_attempt(epoch, named)
        number, definition = (attempt.number, attempt.definition) if attempt else (None, None)
        verdict = verdict_on_message(epoch, named, body, definition)
        answer = receiver.take(call.verb, headers, body, verdict, number)
        if answer.delay:
            call.world.clock.sleep(answer.delay, call.over)
    return Reply(answer.body.encode(), answer.status, _TEXT)
