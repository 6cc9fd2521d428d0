"""Attempts to deliver as JSON.

Every view is redacted here, once it is complete.
"""

from collections.abc import Iterable
from typing import Annotated, Any, NotRequired, TypedDict, cast

from crmcom_kit.mock_server.admin.contract import Call, Moment
from crmcom_kit.mock_server.clock import write_moment
from crmcom_kit.mock_server.deliveries.attempts import Attempt, Cause, Stage
from crmcom_kit.mock_server.deliveries.messages import Outcome, message_of
from crmcom_kit.mock_server.deliveries.verdicts import Reason, verdict_on
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.redaction import redact_url

_MAX_SHOWN = 65_536


class SigningKey(TypedDict):
    """A key that signs webhooks."""

    id: str
    name: str | None
    key: Annotated[str, "The secret."]


class SignatureVerdict(TypedDict):
    """The verdict on an authentication code."""

    valid: bool
    reason: Reason
    code: Annotated[str | None, "The code that was checked."]
    expected: Annotated[str | None, "The correct code, if there is a key."]
    signed: Annotated[str | None, "The text that the correct code signs: the first 65,536 bytes."]
    size: Annotated[int | None, "The number of bytes that it signs."]
    key: Annotated[SigningKey | None, "The key of the correct code."]


class RecordName(TypedDict):
    """The id and number of a webhook request."""

    id: str
    number: str


class SentRequest(TypedDict):
    """A message that was sent."""

    method: str
    headers: dict[str, str]
    body: str
    size: int


class DeliveryOutcome(TypedDict):
    """The outcome of a delivery."""

    name: str
    delivered: bool
    status: int | None
    error_code: str | None
    error_description: str | None
    why: str
    answer: str


class Delivery(TypedDict):
    """One attempt to deliver."""

    id: int
    cause: Cause
    of: Annotated[int | None, "The delivery that it repeats."]
    stage: Annotated[Stage, "abandoned: given up; the webhook request did not change."]
    at: Moment
    webhook_request: RecordName
    definition: str
    url: str
    fault: Annotated[str | None, "The fault in it, if it has one on purpose."]
    request: SentRequest
    outcome: DeliveryOutcome | None
    seconds: Annotated[float | None, "The duration of the attempt."]
    before: str | None
    after: str | None
    call: Annotated[int | None, "Number of the journal's entry of the request that caused it."]
    signature: NotRequired[Annotated[SignatureVerdict, "Only if one attempt is shown."]]


def _text(body: bytes) -> str:
    return body[:_MAX_SHOWN].decode("utf-8", "replace")


def attempts_view(call: Call, selection: Iterable[Attempt]) -> list[Delivery]:
    """Return attempts to deliver as JSON."""
    epoch, redactor = call.epoch, call.world.redactor
    causes = _causes(epoch)
    views = (
        _attempt(epoch, attempt, causes.get(attempt.of or attempt.number)) for attempt in selection
    )
    return [redactor.value("", view) for view in views]


def attempt_view(call: Call, attempt: Attempt) -> Delivery:
    """Return one attempt to deliver as JSON."""
    return attempts_view(call, [attempt])[0]


def attempt_with_signature(call: Call, attempt: Attempt) -> Delivery:
    """Return one attempt to deliver as JSON, with a verdict on the code that it sends.

    It shows the key, which is a secret, since comparing codes needs it.
    """
    exchanges = call.world.config.exchanges
    _, headers, body = message_of(exchanges.messages, attempt.message)
    entry = call.epoch.reference_data.key_entry_of(attempt.definition)
    key: SigningKey | None = None
    if entry is not None:
        key = {"id": entry["id"], "name": entry.get("name"), "key": entry["key"]}
    verdict = verdict_on(exchanges, None if key is None else key["key"], dict(headers), body)
    facts: Any = call.world.redactor.value("", {"valid": verdict.valid, **verdict._asdict()})
    signature = cast("SignatureVerdict", {**facts, "key": key})
    return {**attempt_view(call, attempt), "signature": signature}


def _causes(epoch: Epoch) -> dict[int, int]:
    """Return the number of the request that caused each attempt, if the journal still has it."""
    return {
        number: entry.number
        for entry in epoch.journal.entries()
        if entry.result is not None
        for number in entry.result.attempts
    }


def _attempt(epoch: Epoch, attempt: Attempt, cause: int | None) -> Delivery:
    message = message_of(epoch.config.exchanges.messages, attempt.message)
    return {
        "id": attempt.number,
        "cause": attempt.cause,
        "of": attempt.of,
        "stage": attempt.stage,
        "at": write_moment(attempt.at),
        "webhook_request": {"id": attempt.record_id, "number": attempt.record_number},
        "definition": attempt.definition,
        "url": redact_url(attempt.message.url),
        "fault": attempt.fault,
        "request": {
            "method": message.method,
            "headers": dict(message.headers),
            "body": _text(message.body),
            "size": len(message.body),
        },
        "outcome": _outcome(attempt.outcome),
        "seconds": attempt.seconds,
        "before": attempt.before,
        "after": attempt.after,
        "call": cause,
    }


def _outcome(outcome: Outcome | None) -> DeliveryOutcome | None:
    if outcome is None:
        return None
    view = outcome._asdict()
    body = view.pop("body")
    view |= {"delivered": outcome.delivered, "answer": _text(body)}
    return cast("DeliveryOutcome", view)
