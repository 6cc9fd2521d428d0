"""Attempts to deliver, received webhooks, and the chain from a request to a state, as JSON."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from crmcom_kit.mock_server.admin.values import write_moment
from crmcom_kit.mock_server.deliveries.attempts import Attempt
from crmcom_kit.mock_server.deliveries.outcomes import Outcome
from crmcom_kit.mock_server.deliveries.receiver import Received
from crmcom_kit.mock_server.deliveries.senders import message_of
from crmcom_kit.mock_server.journal.journal import Entry
from crmcom_kit.mock_server.journal.tracing import steps_of
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.mock_server.world.webhooks.signature_diagnosis import (
    attempt_of_request,
    diagnose_attempt,
)
from crmcom_kit.redaction import MASK, is_secret, redact_path, redact_url
from crmcom_kit.usage_errors import NotFound, quoted

_MAX_SHOWN = 65_536
_ATTEMPT = re.compile(r"attempt-([0-9]{1,18})", re.ASCII)


def _text(body: bytes) -> str:
    return body[:_MAX_SHOWN].decode("utf-8", "replace")


def attempts(epoch: Epoch, made: Iterable[Attempt]) -> list[dict[str, Any]]:
    """Return attempts to deliver as JSON."""
    causes = _causes(epoch)
    return [_attempt(epoch, one, causes.get(one.of or one.number)) for one in made]


def attempt(epoch: Epoch, attempt: Attempt) -> dict[str, Any]:
    """Return one attempt to deliver as JSON."""
    return attempts(epoch, [attempt])[0]


def attempt_with_signature(epoch: Epoch, made: Attempt) -> dict[str, Any]:
    """Return one attempt to deliver as JSON, with a verdict on the code that it sends."""
    return {**attempt(epoch, made), "signature": diagnose_attempt(epoch, made).as_json()}


def _causes(epoch: Epoch) -> dict[int, int]:
    """Return the number of the request that caused each attempt, if the journal still has it."""
    return {
        number: entry.number
        for entry in epoch.journal.entries()
        for number in entry.response.attempts
    }


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


def received(epoch: Epoch, request: Received) -> dict[str, Any]:
    """Return a request that the built-in receiver got as JSON."""
    attempt = attempt_of_request(epoch, request)
    return {
        "id": request.number,
        "at": write_moment(request.at),
        "method": request.verb,
        "headers": {k: MASK if is_secret(k) else value for k, value in request.headers},
        "body": _text(request.body),
        "size": request.size,
        "cut": request.size > len(request.body),
        "status": request.answer.status,
        "delivery": None if attempt is None else attempt.number,
        "signature": request.verdict.as_json(),
    }


def chain(epoch: Epoch, text: str) -> dict[str, Any]:
    """Return the chain that a request or an attempt belongs to, in the order of what happened.

    ``text`` is the id or number of an entry in the journal, or ``attempt-`` and an attempt's
    number. Raises NotFound if there is no such entry or attempt, or if it was removed.
    """
    entry, begun = _beginning(epoch, text)
    found: list[dict[str, Any]] = []
    if entry is not None:
        request = {"method": entry.request.verb, "path": redact_path(entry.request.path)}
        at = write_moment(entry.at)
        found.append({"link": "call", "number": entry.number, "at": at, **request})
    for attempt in begun:
        found += _links(epoch, attempt)
    if entry is not None:
        response = entry.response
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
            return entry, epoch.attempts.with_repeats(*entry.response.attempts)
    allowed = "the id of a call in the journal, or attempt- and the id of a delivery"
    raise NotFound("id", seen=quoted(text), allowed=allowed)


def _links(epoch: Epoch, attempt: Attempt) -> Iterator[dict[str, Any]]:
    """Yield the links of one attempt: state, what was sent, what came back, state."""
    about = {"id": attempt.record_id, "number": attempt.record_number}
    for step in steps_of(attempt):
        if step.step == "change":
            yield {"link": "state", "webhook_request": about, **step.facts}
        elif step.step == "attempt":
            yield {"link": "attempt", **attempts(epoch, [attempt])[0]}
        else:
            requests = epoch.receiver.requests()
            got = next((one for one in requests if attempt_of_request(epoch, one) is attempt), None)
            number = None if got is None else got.number
            yield {"link": "receiver", **step.facts, "received": number}
