"""Operations on a world's journal: what was called, by pattern or one by one."""

import json
from datetime import UTC, datetime
from typing import Any

from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.journal import serializers as call_forms
from crmcom_kit.mock_server.journal.call_view import Teller, ToldCall
from crmcom_kit.mock_server.journal.journal import Note
from crmcom_kit.mock_server.journal.patterns import matching
from crmcom_kit.mock_server.journal.verification import found, nearest
from crmcom_kit.mock_server.quoting import quoted
from crmcom_kit.mock_server.usage_errors import NotFound, UsageError

_MAX_NEAR = 10


def written(payload: Any, status: int = 200) -> Reply:
    """Return a reply with JSON that may hold what only Python's own writer takes."""
    return Reply(dumped(payload).encode(), status)


def dumped(payload: Any) -> str:
    """Return JSON on one line, in ASCII."""
    return json.dumps(payload, separators=(",", ":"))


def list_requests(call: Call) -> Any:
    """Return the calls in the journal, newest first."""
    calls = _since(call, call.query.get("since"))
    if call.query["unmatched"]:
        calls = [one for one in calls if not one.matched]
    calls.reverse()
    shown_calls = calls[: call.query.get("limit", len(calls))]
    requests = [call_forms.entry(one) for one in shown_calls]
    return written(
        {"requests": requests, "meta": {"total": len(calls)}, "requestJournalDisabled": False}
    )


def _since(call: Call, text: str | None) -> list[ToldCall]:
    """Return the calls after a moment or a call. Raises UsageError."""
    teller = Teller(call.world)
    if text is None:
        return teller.calls()
    number = number_since(call, text)
    if number is not None:
        return teller.calls(number)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        allowed = "a call's number or id, or a date and time"
        raise UsageError("since", seen=quoted(text), allowed=allowed) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return [one for one in teller.calls() if one.at > moment]


def number_since(call: Call, text: str) -> int | None:
    """Return the number that a call's number or id stands for; None where it is neither.

    The id of a call before a reset stands for 0: every call of now is after it.
    """
    if not text.isascii() or not text.replace("-", "").isdecimal() or len(text) > 40:
        return None
    if text.count("-") > 1:
        return None
    if "-" in text:
        return call.world.journal.number_of(text)
    return int(text)


def get_request(call: Call) -> Any:
    """Return one call."""
    journal = call.world.journal
    return written(call_forms.entry(Teller(call.world).tell(journal, _note(call))))


def _note(call: Call) -> Note:
    journal, id = call.world.journal, call.path["id"]
    number = number_since(call, id)
    note = journal.find(number) if number else None
    if note is None:
        notes = journal.notes()
        allowed = "the id of a call in the journal"
        if notes:
            allowed += f", such as {journal.id_of(notes[-1].number)}"
        raise NotFound("id", seen=quoted(id), allowed=allowed)
    return note


def remove_request(call: Call) -> Any:
    """Forget one call."""
    call.world.journal.remove(frozenset({_note(call).number}))
    return {}


def clear_requests(call: Call) -> Any:
    """Forget all calls."""
    call.world.journal.clear()
    return {}


def count_requests(call: Call) -> Any:
    """Count the calls that fit a pattern."""
    calls = found(call.world, matching(call.body))
    return {"count": len(calls), "requestJournalDisabled": False}


def find_requests(call: Call) -> Any:
    """Return the calls that fit a pattern."""
    calls = found(call.world, matching(call.body))
    return written(
        {"requests": [call_forms.logged(one) for one in calls], "requestJournalDisabled": False}
    )


def remove_requests(call: Call) -> Any:
    """Forget the calls that fit a pattern."""
    journal = call.world.journal
    calls = found(call.world, matching(call.body))
    gone = [call_forms.entry(one) for one in calls]
    journal.remove(frozenset(one.number for one in calls))
    return written({"serveEvents": gone})


def unmatched_requests(call: Call) -> Any:
    """Return the calls that broke a restriction."""
    calls = [one for one in Teller(call.world).calls() if not one.matched]
    return written(
        {"requests": [call_forms.logged(one) for one in calls], "requestJournalDisabled": False}
    )


def unmatched_near_misses(call: Call) -> Any:
    """Return the calls that broke a restriction, each with what would have been right."""
    calls = [one for one in Teller(call.world).calls() if not one.matched]
    return written({"nearMisses": [call_forms.missed(one) for one in calls]})


def near_misses(call: Call) -> Any:
    """Return the calls that are nearest to a pattern."""
    pattern = matching(call.body)
    near = nearest(Teller(call.world).calls(), pattern, _MAX_NEAR)
    return written({"nearMisses": [call_forms.near(one, pattern.shown) for one in near]})


def requests_har(call: Call) -> Any:
    """Return the journal as a HAR."""
    return written(call_forms.archive(Teller(call.world).calls(), f"{call.origin}{call.root}"))


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
