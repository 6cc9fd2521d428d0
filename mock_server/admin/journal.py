"""Operations on a world's journal: its entries, verifying, and waiting."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.admin.conditions import condition_of
from crmcom_kit.mock_server.journal import serializers, verification
from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.journal.journal import Entry
from crmcom_kit.mock_server.journal.patterns import Pattern
from crmcom_kit.usage_errors import NotFound, UsageError, quoted

_DEFAULT_TIMEOUT = 10.0


def _written(payload: Any, status: int = 200) -> Reply:
    """Return a reply with JSON that only Python's own writer accepts, such as large integers."""
    return Reply(json.dumps(payload, separators=(",", ":")).encode(), status)


def list_requests(call: Call) -> Any:
    """Return the entries of the journal, newest first."""
    calls = _since(call, call.query.get("since"))
    if "outcome" in call.query:
        calls = [one for one in calls if one.outcome == call.query["outcome"]]
    calls.reverse()
    return _found(call, calls, call.query.get("limit"))


def find_requests(call: Call) -> Any:
    """Return the entries that match a pattern, oldest first."""
    reader = call.world.reader
    pattern = Pattern(reader, call.body or {})
    return _found(call, [one for one in reader.calls() if pattern.matches(one)])


def _found(call: Call, calls: list[CallView], limit: int | None = None) -> Reply:
    shown = calls if limit is None else calls[:limit]
    dropped = call.world.journal.news().evicted
    requests = [serializers.entry(one) for one in shown]
    return _written({"count": len(calls), "dropped": dropped, "requests": requests})


def _since(call: Call, text: str | None) -> list[CallView]:
    """Return the entries after a moment or an entry. Raises UsageError."""
    reader = call.world.reader
    if text is None:
        return reader.calls()
    number = reader.journal.number_of(text)
    if number is not None:
        return reader.calls(number)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        allowed = "a call's number or id, or a date and time"
        raise UsageError("since", seen=quoted(text), allowed=allowed) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return [one for one in reader.calls() if one.at > moment]


def get_request(call: Call) -> Any:
    """Return one entry."""
    return _written(serializers.entry(CallView(call.world.reader, _entry(call))))


def _entry(call: Call) -> Entry:
    journal, id = call.world.journal, call.path["id"]
    entry = journal.find(journal.number_of(id) or 0)
    if entry is None:
        entries = journal.entries()
        allowed = "the id of a call in the journal"
        if entries:
            allowed += f", such as {journal.id_of(entries[-1].number)}"
        raise NotFound("id", seen=quoted(id), allowed=allowed)
    return entry


def clear_requests(call: Call) -> Any:
    """Remove all entries."""
    call.world.journal.clear()
    return {}


def requests_har(call: Call) -> Any:
    """Return the journal as a HAR archive."""
    return _written(serializers.archive(call.world.reader.calls(), f"{call.origin}{call.root}"))


def verify(call: Call) -> Any:
    """Verify that requests were made as expected: 202, or 406 with a message."""
    asked = dict(call.body)
    expected, seconds = asked.pop("times", None), asked.pop("timeout", 0)
    pattern = Pattern(call.world.reader, asked)
    with call.registry.waiting if seconds else nullcontext():
        done = verification.verify(
            call.world.reader, pattern, expected, seconds=seconds, closing=call.over
        )
    payload = {
        "ok": done.ok,
        "count": done.count,
        "message": done.message,
        "requests": [serializers.summary(one) for one in done.calls],
    }
    return _written(payload, 202 if done.ok else 406)


def wait(call: Call) -> Any:
    """Wait for requests, records or deliveries: 200 with them, or 408."""
    journal = call.world.journal  # first: a reset from now on ends the wait
    asked = dict(call.body)
    seconds = asked.pop("timeout", _DEFAULT_TIMEOUT)
    condition = condition_of(call.world, asked)
    with call.registry.waiting:
        done = verification.wait_for(journal, condition, seconds=seconds, closing=call.over)
    why = done.why
    if why == "closing" and not call.registry.closing.is_set():
        why = "left"  # it is the client that has closed its side
    payload = {"ok": done.ok, "why": why, **done.facts}
    return _written(payload, 200 if done.ok else 408)
