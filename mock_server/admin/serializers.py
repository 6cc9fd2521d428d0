"""Attempts to deliver, received webhooks, and the chain from a request to a state, as JSON."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from crmcom_kit.mock_server.admin.values import write_moment
from crmcom_kit.mock_server.deliveries.attempts import AttemptNote
from crmcom_kit.mock_server.deliveries.receiver import Received
from crmcom_kit.mock_server.deliveries.senders import message_of
from crmcom_kit.mock_server.journal.journal import Entry
from crmcom_kit.mock_server.journal.tracing import links
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import NotFound
from crmcom_kit.mock_server.webhooks.signature_diagnosis import attempt_of_request, diagnose
from crmcom_kit.mock_server.world.epoch import Epoch
from crmcom_kit.redaction import MASK, is_secret, redact_path, redact_url

_MAX_SHOWN = 65_536
_ID = re.compile(r"(attempt-|[0-9]{1,18}-)?([0-9]{1,18})", re.ASCII)


def _text(body: bytes) -> str:
    return body[:_MAX_SHOWN].decode("utf-8", "replace")


def attempts(epoch: Epoch, notes: Iterable[AttemptNote]) -> list[dict[str, Any]]:
    """Return attempts to deliver as JSON."""
    causes = {
        number: entry.number
        for entry in epoch.journal.entries()
        for number in entry.response.attempts
    }
    return [
        _attempt(epoch, note, causes.get(note.number if note.of is None else note.of))
        for note in notes
    ]


def attempt(epoch: Epoch, note: AttemptNote) -> dict[str, Any]:
    """Return one attempt to deliver as JSON."""
    return _attempt(epoch, note, _cause(epoch, note))


def _attempt(epoch: Epoch, note: AttemptNote, cause: int | None) -> dict[str, Any]:
    message = message_of(epoch.config.exchanges.messages, note.attempt)
    outcome = note.outcome
    return {
        "id": note.number,
        "cause": note.cause,
        "of": note.of,
        "stage": note.stage,
        "at": write_moment(note.at),
        "webhook_request": {"id": note.record_id, "number": note.record_number},
        "definition": note.definition,
        "url": redact_url(note.attempt.url),
        "fault": note.fault,
        "request": {
            "method": message.method,
            "headers": dict(message.headers),
            "body": _text(message.body),
            "size": len(message.body),
        },
        "outcome": None
        if outcome is None
        else {
            "name": outcome.name,
            "delivered": outcome.delivered,
            "status": outcome.status,
            "error_code": outcome.error_code,
            "error_description": outcome.error_description,
            "why": outcome.why,
            "answer": _text(outcome.answer),
        },
        "milliseconds": note.milliseconds,
        "before": note.before,
        "after": note.after,
        "call": cause,
    }


def _cause(epoch: Epoch, note: AttemptNote) -> int | None:
    """Return the number of the request that caused an attempt, if the journal still has it."""
    found = note.number if note.of is None else note.of
    entries = reversed(epoch.journal.entries())
    return next((entry.number for entry in entries if found in entry.response.attempts), None)


def received(epoch: Epoch, request: Received) -> dict[str, Any]:
    """Return a request that the built-in receiver got as JSON."""
    note = attempt_of_request(epoch, request)
    verdict = diagnose(epoch, request.named, request.body, note=note)
    return {
        "id": request.number,
        "at": write_moment(request.at),
        "method": request.verb,
        "headers": {k: MASK if is_secret(k) else value for k, value in request.headers},
        "body": _text(request.body),
        "size": request.size,
        "status": request.answer.status,
        "delivery": None if note is None else note.number,
        "signature": verdict._asdict(),
    }


def chain(epoch: Epoch, text: str) -> dict[str, Any]:
    """Return the chain that a request or an attempt belongs to, in the order of what happened.

    Args:
        epoch: where it happened.
        text: the id or number of an entry in the journal, or ``attempt-`` and an attempt's number.

    Raises:
        NotFound: there is no such entry or attempt any more.
    """
    found = _ID.fullmatch(text)
    allowed = "the id of a call in the journal, or attempt- and the id of a delivery"
    if found is None:
        raise NotFound("id", seen=quoted(text), allowed=allowed)
    number = int(found[2])
    entry: Entry | None
    if found[1] == "attempt-":
        first = epoch.attempts.find(number)
        if first is None:
            raise NotFound("id", seen=quoted(text), allowed=allowed)
        notes = epoch.attempts_of(first.of or first.number)
        by = _cause(epoch, first)
        entry = None if by is None else epoch.journal.find(by)
    else:
        if found[1]:  # an id names its journal, too; 0 if that is another one
            number = epoch.journal.number_of(text)
        entry = epoch.journal.find(number)
        if entry is None:
            raise NotFound("id", seen=quoted(text), allowed=allowed)
        notes = [one for each in entry.response.attempts for one in epoch.attempts_of(each)]
    found_links: list[dict[str, Any]] = []
    if entry is not None:
        found_links.append(
            {
                "link": "call",
                "number": entry.number,
                "at": write_moment(entry.at),
                "method": entry.request.verb,
                "path": redact_path(entry.request.path),
            }
        )
    for note in notes:
        found_links += _links(epoch, note)
    if entry is not None:
        response = entry.response
        found_links.append({"link": "answer", "status": response.status, "method": response.method})
    return {"id": text, "chain": found_links}


def _links(epoch: Epoch, note: AttemptNote) -> Iterator[dict[str, Any]]:
    """Yield the links of one attempt: state, what was sent, what came back, state."""
    about = {"id": note.record_id, "number": note.record_number}
    for link in links(note):
        if link.kind == "state":
            states = {"before": link.before, "after": link.after}
            yield {"link": "state", "webhook_request": about, **states}
        elif link.kind == "attempt":
            yield {"link": "attempt", **attempt(epoch, note)}
        elif note.outcome is not None:
            requests = epoch.receiver.requests()
            got = next((one for one in requests if attempt_of_request(epoch, one) is note), None)
            number = None if got is None else got.number
            outcome = {"name": note.outcome.name, "status": note.outcome.status}
            yield {"link": "receiver", **outcome, "received": number}
