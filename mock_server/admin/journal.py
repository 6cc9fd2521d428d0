"""Operations on a world's journal: its entries, by pattern or one by one."""

import json
from datetime import UTC, datetime
from typing import Any

from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.journal import serializers
from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.journal.journal import Entry
from crmcom_kit.mock_server.journal.patterns import pattern_of
from crmcom_kit.mock_server.journal.verification import matching, nearest
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import NotFound, UsageError

_MAX_NEAR = 10


def written(payload: Any, status: int = 200) -> Reply:
    """Return a reply with JSON that only Python's own writer accepts, such as large integers."""
    return Reply(dumped(payload).encode(), status)


def dumped(payload: Any) -> str:
    """Return JSON on one line, in ASCII."""
    return json.dumps(payload, separators=(",", ":"))


def list_requests(call: Call) -> Any:
    """Return the entries of the journal, newest first."""
    calls = _since(call, call.query.get("since"))
    if call.query["unmatched"]:
        calls = [one for one in calls if not one.matched]
    calls.reverse()
    shown_calls = calls[: call.query.get("limit", len(calls))]
    requests = [serializers.entry(one) for one in shown_calls]
    return written(
        {"requests": requests, "meta": {"total": len(calls)}, "requestJournalDisabled": False}
    )


def _since(call: Call, text: str | None) -> list[CallView]:
    """Return the entries after a moment or an entry. Raises UsageError."""
    reader = call.world.reader
    if text is None:
        return reader.calls()
    number = number_since(call, text)
    if number is not None:
        return reader.calls(number)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        allowed = "a call's number or id, or a date and time"
        raise UsageError("since", seen=quoted(text), allowed=allowed) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return [one for one in reader.calls() if one.at > moment]


def number_since(call: Call, text: str) -> int | None:
    """Return the number of the entry with that number or id; None if ``text`` is neither.

    For the id of an entry before a reset it is 0: every entry there is now is after it.
    """
    if not text.isascii() or not text.replace("-", "").isdecimal() or len(text) > 40:
        return None
    if text.count("-") > 1:
        return None
    if "-" in text:
        return call.world.journal.number_of(text)
    return int(text)


def get_request(call: Call) -> Any:
    """Return one entry."""
    return written(serializers.entry(call.world.reader.view(_entry(call))))


def _entry(call: Call) -> Entry:
    journal, id = call.world.journal, call.path["id"]
    number = number_since(call, id)
    entry = journal.find(number) if number else None
    if entry is None:
        entries = journal.entries()
        allowed = "the id of a call in the journal"
        if entries:
            allowed += f", such as {journal.id_of(entries[-1].number)}"
        raise NotFound("id", seen=quoted(id), allowed=allowed)
    return entry


def remove_request(call: Call) -> Any:
    """Remove one entry."""
    call.world.journal.remove(frozenset({_entry(call).number}))
    return {}


def clear_requests(call: Call) -> Any:
    """Remove all entries."""
    call.world.journal.clear()
    return {}


def count_requests(call: Call) -> Any:
    """Count the requests that match a pattern."""
    calls = matching(call.world.reader, pattern_of(call.body))
    return {"count": len(calls), "requestJournalDisabled": False}


def find_requests(call: Call) -> Any:
    """Return the requests that match a pattern."""
    calls = matching(call.world.reader, pattern_of(call.body))
    return written(
        {"requests": [serializers.request(one) for one in calls], "requestJournalDisabled": False}
    )


def remove_requests(call: Call) -> Any:
    """Remove the entries that match a pattern."""
    journal = call.world.journal
    calls = matching(call.world.reader, pattern_of(call.body))
    gone = [serializers.entry(one) for one in calls]
    journal.remove(frozenset(one.number for one in calls))
    return written({"serveEvents": gone})


def unmatched_requests(call: Call) -> Any:
    """Return the requests that broke a restriction."""
    calls = [one for one in call.world.reader.calls() if not one.matched]
    return written(
        {"requests": [serializers.request(one) for one in calls], "requestJournalDisabled": False}
    )


def unmatched_near_misses(call: Call) -> Any:
    """Return the requests that broke a restriction, each with what would have been valid."""
    calls = [one for one in call.world.reader.calls() if not one.matched]
    return written({"nearMisses": [serializers.refused(one) for one in calls]})


def near_misses(call: Call) -> Any:
    """Return the requests that are nearest to a pattern."""
    pattern = pattern_of(call.body)
    near = nearest(call.world.reader.calls(), pattern, _MAX_NEAR)
    return written({"nearMisses": [one.as_json(pattern.shown) for one in near]})


def requests_har(call: Call) -> Any:
    """Return the journal as a HAR archive."""
    return written(serializers.archive(call.world.reader.calls(), f"{call.origin}{call.root}"))


OPERATIONS = {
    "listRequests": list_requests,
    "clearRequests": clear_requests,
    "getRequest": get_request,
    "removeRequest": remove_request,
    "countRequests": count_requests,
    "findRequests": find_requests,
    "removeRequests": remove_requests,
    "unmatchedRequests": unmatched_requests,
    "unmatchedNearMisses": unmatched_near_misses,
    "nearMisses": near_misses,
    "requestsHar": requests_har,
}
