"""What is told of attempts, of what the receiver got, and of the chain from call to state."""

import re
from typing import Any

from crmcom_kit.mock_server.admin.values import write_moment
from crmcom_kit.mock_server.deliveries.attempts import AttemptNote
from crmcom_kit.mock_server.deliveries.http_message import message_of
from crmcom_kit.mock_server.deliveries.receiver import Received
from crmcom_kit.mock_server.journal.journal import Note
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.redaction import is_secret, masked_path, masked_query
from crmcom_kit.mock_server.usage_errors import NotFound
from crmcom_kit.mock_server.webhooks.verdicts import sent_as, verdict_on
from crmcom_kit.mock_server.world.epoch import Epoch

MASK = "***"
_MAX_SHOWN = 65_536
_ID = re.compile(r"(attempt-|[0-9]{1,18}-)?([0-9]{1,18})", re.ASCII)


def shown_url(url: str) -> str:
    """Return a URL with the secrets in it masked."""
    path, mark, query = url.partition("?")
    return masked_path(path) + (f"?{masked_query(query)}" if mark else "")


def _text(body: bytes) -> str:
    return body[:_MAX_SHOWN].decode("utf-8", "replace")


def told(epoch: Epoch, note: AttemptNote) -> dict[str, Any]:
    """Return what is told of one attempt."""
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
        "url": shown_url(note.attempt.url),
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
        "call": _cause(epoch, note),
    }


def _cause(epoch: Epoch, note: AttemptNote) -> int | None:
    """Return the number of the call that caused an attempt, where it is in the journal."""
    found = note.number if note.of is None else note.of
    calls = reversed(epoch.journal.notes())
    return next((call.number for call in calls if found in call.answer.attempts), None)


def told_request(epoch: Epoch, received: Received) -> dict[str, Any]:
    """Return what is told of a request that the built-in receiver got."""
    note = sent_as(epoch, received)
    verdict = verdict_on(epoch, received.named, received.body, note=note)
    return {
        "id": received.number,
        "at": write_moment(received.at),
        "method": received.verb,
        "headers": {k: MASK if is_secret(k) else value for k, value in received.headers},
        "body": _text(received.body),
        "size": received.size,
        "status": received.answer.status,
        "delivery": None if note is None else note.number,
        "signature": verdict._asdict(),
    }


def chain(epoch: Epoch, text: str) -> dict[str, Any]:
    """Return the chain that a call or an attempt is a link of, in the order of what happened.

    Args:
        epoch: where it happened.
        text: a call's id in the journal or its number, or ``attempt-`` and an attempt's number.

    Raises:
        NotFound: there is no such call or attempt any more.
    """
    found = _ID.fullmatch(text)
    allowed = "the id of a call in the journal, or attempt- and the id of a delivery"
    if found is None:
        raise NotFound("id", seen=quoted(text), allowed=allowed)
    number = int(found[2])
    call: Note | None
    if found[1] == "attempt-":
        first = epoch.attempts.find(number)
        if first is None:
            raise NotFound("id", seen=quoted(text), allowed=allowed)
        notes = _family(epoch, first.of or first.number)
        by = _cause(epoch, first)
        call = None if by is None else epoch.journal.find(by)
    else:
        if found[1]:  # an id names its journal, too: 0 where that is another one
            number = epoch.journal.number_of(text)
        call = epoch.journal.find(number)
        if call is None:
            raise NotFound("id", seen=quoted(text), allowed=allowed)
        notes = [one for each in call.answer.attempts for one in _family(epoch, each)]
    links: list[dict[str, Any]] = [] if call is None else [_call_link(call)]
    for note in notes:
        links += _links(epoch, note)
    if call is not None:
        links.append({"link": "answer", "status": call.answer.status, "method": call.answer.method})
    return {"id": text, "chain": links}


def _family(epoch: Epoch, number: int) -> list[AttemptNote]:
    return [one for one in epoch.attempts.notes() if number in (one.number, one.of)]


def _call_link(call: Note) -> dict[str, Any]:
    path = masked_path(call.request.path)
    return {
        "link": "call",
        "number": call.number,
        "at": write_moment(call.at),
        "method": call.request.verb,
        "path": path,
    }


def _links(epoch: Epoch, note: AttemptNote) -> list[dict[str, Any]]:
    """Return the links of one attempt: state, what was sent, what came back, state."""
    about = {"id": note.record_id, "number": note.record_number}
    links: list[dict[str, Any]] = []
    if note.before is not None:
        links.append(
            {"link": "state", "webhook_request": about, "before": note.before, "after": "SENDING"}
        )
    links.append({"link": "attempt", **told(epoch, note)})
    if note.outcome is not None:
        came = {"name": note.outcome.name, "status": note.outcome.status}
        got = next((one for one in epoch.receiver.requests() if sent_as(epoch, one) is note), None)
        links.append({"link": "receiver", **came, "received": None if got is None else got.number})
    if note.over and (note.before is not None or note.after is not None):
        after = note.after if note.after is not None else note.before
        before = None if note.before is None else "SENDING"
        links.append({"link": "state", "webhook_request": about, "before": before, "after": after})
    return links
