"""Operations of the built-in receiver: responses, received messages, signatures."""

from typing import Annotated, Any, TypedDict

from crmcom_kit.mock_server.admin import serializers
from crmcom_kit.mock_server.admin.access import RECEIVER, SECRET
from crmcom_kit.mock_server.admin.contract import Call, Reply, operation
from crmcom_kit.mock_server.admin.serializers import ReceivedRequest
from crmcom_kit.mock_server.deliveries.messages import LABEL_HEADER
from crmcom_kit.mock_server.deliveries.receiver import verdict_on
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES
from crmcom_kit.mock_server.typed_schemas import Keywords

_TEXT = "text/plain; charset=utf-8"
_Status = Annotated[int, Keywords(minimum=200, maximum=599)]


class Receiver(TypedDict):
    """The built-in receiver: its URL, its responses, the number of its messages."""

    url: str
    statuses: list[int]
    received: int


class Statuses(TypedDict):
    """The statuses of its responses, in order; the last one repeats. An empty list means 200."""

    statuses: Annotated[list[_Status], Keywords(maxItems=1000)]


class ReceivedRequests(TypedDict):
    """The messages that the receiver still has."""

    requests: list[ReceivedRequest]


@operation("GET /receiver", "deliveries")
def get_receiver(call: Call) -> Receiver:
    """Show the built-in receiver."""
    receiver, secret = call.epoch.receiver, call.registry.receiver_secret
    query = "" if secret is None else f"?{SECRET}={secret}"
    return {
        "url": f"{call.origin}/worlds/{call.world.name}{RECEIVER}{query}",
        "statuses": list(receiver.statuses),
        "received": receiver.last,
    }


@operation(
    "PUT /receiver",
    "deliveries",
    examples={
        "two failures first": {"statuses": [503, 503, 200]},
        "as at the start": {"statuses": []},
    },
)
def put_receiver(call: Call, body: Statuses) -> Receiver:
    """Set the responses of the built-in receiver."""
    call.epoch.receiver.respond_with(body["statuses"])
    return get_receiver(call)


@operation("GET /receiver/requests", "deliveries")
def list_received(call: Call) -> ReceivedRequests:
    """List the messages that the built-in receiver received, oldest first.

    Each has a verdict: whether its authentication code is valid, and what the correct code signs.
    """
    messages = call.epoch.receiver.requests()
    return {"requests": [serializers.received_request(call, message) for message in messages]}


@operation("PUT /receiver/in", "deliveries", id="receive_put", media=_TEXT, stream=Any)
@operation("POST /receiver/in", "deliveries", media=_TEXT, stream=Any)
def receive(
    call: Call,
    *,
    secret: Annotated[str, "Opens it without the admin token; `GET /receiver` shows it."] = "",
) -> Reply[Any]:
    """Receive a message, and respond with the next status.

    Accepts any message; `GET /receiver/requests` has its verdict. To test a receiver of yours, send
    a message with the code that it computed. Creates no world.
    """
    del secret  # the guard has checked it
    body = call.stream.read(MAX_BODY_BYTES)
    headers, epoch = dict(call.headers.items()), call.world.current_epoch
    attempt = epoch.attempts.find_by_label(headers.get(LABEL_HEADER))
    definition = None if attempt is None else attempt.definition
    exchanges, keys = epoch.config.exchanges, epoch.reference_data
    verdict = verdict_on(exchanges, keys, headers, body, definition)
    status = epoch.receiver.take(call.verb, headers, body, verdict, attempt)
    return Reply(b"", status, _TEXT)
