"""Attempts to deliver, received webhooks, and the chain from a request to a state, as JSON.

They hold what was sent and received; every view is redacted here, once it is complete.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from crmcom_kit.mock_server.admin.call import Call
from crmcom_kit.mock_server.admin.values import write_moment
from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.deliveries.messages import message_of
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.mock_server.deliveries.receiver import Received
from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.journal.journal import Entry
from crmcom_kit.mock_server.journal.tracing import steps_of
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.webhooks.signature_diagnosis import (
    Verdict,
    diagnose_attempt,
    labeled_attempt,
)
from crmcom_kit.redaction import Redactor, redact_url
from crmcom_kit.schemas import API_PATH
from crmcom_kit.usage_errors import NotFound, quoted

_MAX_SHOWN = 65_536
_ATTEMPT = re.compile(r"attempt-([0-9]{1,18})", re.ASCII)


def _text(body: bytes) -> str:
    return body[:_MAX_SHOWN].decode("utf-8", "replace")


def _redacted(redactor: Redactor, value: Any) -> Any:
    """Return a JSON value without secrets in its texts."""
    if isinstance(value, dict):
        return {name: _redacted(redactor, part) for name, part in value.items()}
    if isinstance(value, list):
        return [_redacted(redactor, part) for part in value]
    return redactor.text(value) if isinstance(value, str) else value


def attempts(call: Call, made: Iterable[Attempt]) -> list[dict[str, Any]]:
    """Return attempts to deliver as JSON."""
    epoch, redactor = call.epoch, call.world.redactor
    causes = _causes(epoch)
    found = (_attempt(epoch, one, causes.get(one.of or one.number)) for one in made)
    return [_redacted(redactor, one) for one in found]


def attempt(call: Call, attempt: Attempt) -> dict[str, Any]:
    """Return one attempt to deliver as JSON."""
    return attempts(call, [attempt])[0]


def attempt_with_signature(call: Call, made: Attempt) -> dict[str, Any]:
    """Return one attempt to deliver as JSON, with a verdict on the code that it sends."""
    return {**attempt(call, made), "signature": verdict(call, diagnose_attempt(call.epoch, made))}


def verdict(call: Call, found: Verdict) -> dict[str, Any]:
    """Return a verdict on a message's code as JSON."""
    shown: dict[str, Any] = _redacted(call.world.redactor, found.as_json())
    return shown


def _causes(epoch: Epoch) -> dict[int, int]:
    """Return the number of the request that caused each attempt, if the journal still has it."""
    return {
        number: entry.number for entry in epoch.journal.entries() for number in _attempts_of(entry)
    }


def _attempts_of(entry: Entry) -> tuple[int, ...]:
    return () if entry.result is None else entry.result.attempts


def _attempt(epoch: Epoch, attempt: Attempt, cause: int | None) -> dict[str, Any]:
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
        "outcome": None if attempt.outcome is None else _outcome(attempt.outcome),
        "milliseconds": attempt.milliseconds,
        "before": attempt.before,
        "after": attempt.after,
        "call": cause,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "delivered": outcome.delivered,
        "status": outcome.status,
        "error_code": outcome.error_code,
        "error_description": outcome.error_description,
        "why": outcome.why,
        "answer": _text(outcome.answer),
    }


def received(call: Call, request: Received) -> dict[str, Any]:
    """Return a request that the built-in receiver got as JSON."""
    epoch, redactor = call.epoch, call.world.redactor
    attempt = labeled_attempt(epoch, request.named)
    return {
        "id": request.number,
        "at": write_moment(request.at),
        "method": request.verb,
        "headers": {name: redactor.header(name, value) for name, value in request.headers},
        "body": redactor.text(_text(request.body)),
        "size": request.size,
        "cut": request.size > len(request.body),
        "status": request.answer.status,
        "delivery": None if attempt is None else attempt.number,
        "signature": verdict(call, request.verdict),
    }


def chain(call: Call, text: str) -> dict[str, Any]:
    """Return the chain that a request or an attempt belongs to, in the order of what happened.

    That of a running request has no ``answer`` yet.

    ``text`` is the id or number of an entry in the journal, or ``attempt-`` and an attempt's
    number. Raises NotFound if there is no such entry or attempt, or if it was removed.
    """
    entry, begun = _beginning(call.epoch, text)
    found: list[dict[str, Any]] = []
    if entry is not None:
        view = CallView(call.world.reader, entry)
        request = {"method": view.verb, "path": view.path.removeprefix(f"{API_PATH}/")}
        at = write_moment(entry.at)
        found.append({"link": "call", "number": entry.number, "at": at, **request})
    for attempt in begun:
        found += _links(call, attempt)
    response = None if entry is None else entry.response
    if response is not None:
        found.append({"link": "answer", "status": response.status, "method": response.method})
    return {"id": text, "chain": found}


def _beginning(epoch: Epoch, text: str) -> tuple[Entry | None, list[Attempt]]:
    """Return the entry that an id means, or that caused its attempt, and all attempts of it."""
    found = _ATTEMPT.fullmatch(text)
    if found is not None:
        attempt = epoch.attempts.find(int(found[1]))
        if attempt is not None:
            first = attempt.of or attempt.number
            cause = _causes(epoch).get(first)
            entry = None if cause is None else epoch.journal.find(cause)
            return entry, epoch.attempts.with_repeats(first)
    else:
        entry = epoch.journal.find(epoch.journal.number_of(text) or 0)
        if entry is not None:
            return entry, epoch.attempts.with_repeats(*_attempts_of(entry))
    allowed = "the id of a call in the journal, or attempt- and the id of a delivery"
    raise NotFound("id", seen=quoted(text), allowed=allowed)


def _links(call: Call, attempt: Attempt) -> Iterator[dict[str, Any]]:
    """Yield the links of one attempt: state, what was sent, what came back, state."""
    epoch = call.epoch
    about = {"id": attempt.record_id, "number": attempt.record_number}
    for step in steps_of(attempt):
        if step.step == "change":
            yield {"link": "state", "webhook_request": about, **step.facts}
        elif step.step == "attempt":
            yield {"link": "attempt", **attempts(call, [attempt])[0]}
        else:
            got = epoch.receiver.requests()
            numbers = (one.number for one in got if labeled_attempt(epoch, one.named) is attempt)
            yield {"link": "receiver", **step.facts, "received": next(numbers, None)}
