"""A told call as JSON, in the forms of WireMock and ours; and as an entry of a HAR."""

from collections.abc import Iterable
from datetime import UTC
from typing import Any

from crmcom_kit.mock_server.journal.call_view import ToldCall
from crmcom_kit.mock_server.journal.verification import Near
from crmcom_kit.schemas import har


def logged(call: ToldCall) -> dict[str, Any]:
    """Return the request alone."""
    return {
        "id": call.id,
        "url": call.url,
        "method": call.verb,
        "clientIp": call.note.request.client or "",
        "headers": dict(call.headers),
        "body": call.body,
        "loggedDate": int(call.at.timestamp() * 1000),
        "loggedDateString": call.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "operation": call.operation,
        "parameters": call.parameters,
        "identifier": call.identifier,
    }


def summary(call: ToldCall) -> dict[str, Any]:
    """Return what a call was and what came of it, in brief."""
    return {
        "id": call.id,
        "number": call.number,
        "loggedDateString": call.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "method": call.verb,
        "url": call.url,
        "operation": call.operation,
        "identifier": call.identifier,
        "status": call.status,
        "code": call.code,
        "wasMatched": call.matched,
        "statement": call.statement,
        "errorKind": None if call.error is None else call.error.kind,
        "record": call.record,
        "stateBefore": (call.before or {}).get("life_cycle_state"),
        "stateAfter": (call.after or {}).get("life_cycle_state"),
        "fault": call.fault,
        "deliveries": list(call.note.answer.attempts),
        "nearMiss": call.near_miss,
    }


def entry(call: ToldCall) -> dict[str, Any]:
    """Return all that is told of a call."""
    return {
        **summary(call),
        "request": logged(call),
        "response": {
            "status": call.status,
            "headers": dict(call.answer_headers),
            "body": call.answer_body,
            "size": call.answer_size,
        },
        "warnings": list(call.warnings),
        "trace": [step.as_json() for step in call.trace],
        "before": call.before,
        "after": call.after,
    }


def near(one: Near, pattern: dict[str, Any]) -> dict[str, Any]:
    """Return a call that is near to a pattern."""
    return {
        "request": logged(one.call),
        "requestPattern": pattern,
        "matchResult": {"distance": one.distance},
        "differences": [difference.as_json() for difference in one.differences],
    }


def missed(call: ToldCall) -> dict[str, Any]:
    """Return a call that broke a restriction, and what would have been right."""
    return {"request": logged(call), "nearMiss": call.near_miss}


def archive(calls: Iterable[ToldCall], origin: str) -> dict[str, Any]:
    """Return a HAR of ``calls``; ``origin`` is what their URLs begin with."""
    return har.archive(_har_entry(call, origin) for call in calls)


def _har_entry(call: ToldCall, origin: str) -> dict[str, Any]:
    request = call.note.request
    asked = har.Asked(
        call.verb,
        f"{origin}{call.path}",
        call.query,
        call.headers,
        call.body if request.body != b"" else None,
        dict(call.headers).get("Content-Type", ""),
        -1 if request.body is None else len(request.body),
    )
    answered = har.Answered(
        call.status,
        call.answer_headers,
        call.answer_body,
        call.note.answer.content_type,
        call.answer_size,
    )
    return har.entry(call.at, 0, asked, answered, f"{call.id}: {call.operation or 'no method'}")
