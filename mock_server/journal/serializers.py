"""Views of requests as JSON, and as entries of a HAR."""

from collections.abc import Iterable
from datetime import UTC
from typing import Any

from crmcom_kit import har
from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.protocol.response import Response


def summary(call: CallView) -> dict[str, Any]:
    """Return the request and its outcome, in brief."""
    return {
        "id": call.id,
        "number": call.number,
        "running": call.running,
        "at": call.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "method": call.verb,
        "url": call.url,
        "operation": call.operation,
        "identifier": call.identifier,
        "status": call.status,
        "code": call.code,
        "outcome": call.outcome,
        "statement": call.statement,
        "error_kind": None if call.error is None else call.error.kind,
        "record": call.record,
        "state_before": call.state_before,
        "state_after": call.state_after,
        "fault": call.fault,
        "deliveries": list(call.deliveries),
        "near_miss": call.near_miss,
        "warnings": list(call.warnings),
        "seconds": call.seconds,
        "entity": call.entity,
        "results": call.results,
    }


def entry(call: CallView) -> dict[str, Any]:
    """Return all of an entry."""
    return {
        **summary(call),
        "request": {
            "method": call.verb,
            "url": call.url,
            "client": call.entry.request.client or "",
            "headers": dict(call.headers),
            "parameters": call.parameters,
            "body": call.body,
        },
        "response": None if call.running else _response(call),
        "trace": [step.as_json() for step in call.trace],
        "before": _record(call, call.before),
        "after": _record(call, call.after),
    }


def _record(call: CallView, record: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a webhook request without secrets that its URL or its error may have."""
    if record is None:
        return None
    return {
        name: call.redacted(value) if isinstance(value, str) else value
        for name, value in record.items()
    }


def _response(call: CallView) -> dict[str, Any]:
    return {
        "status": call.status,
        "headers": dict(call.response_headers),
        "body": call.response_body,
        "size": call.response_size,
    }


def archive(calls: Iterable[CallView], origin: str) -> dict[str, Any]:
    """Return a HAR archive of ``calls``; ``origin`` is what their URLs begin with.

    Running requests are left out: an entry of a HAR has a response.
    """
    found = ((call, call.response) for call in calls)
    return har.archive(
        _har_entry(call, response, origin) for call, response in found if response is not None
    )


def _har_entry(call: CallView, response: Response, origin: str) -> dict[str, Any]:
    body = call.entry.request.body
    asked = har.HarRequest(
        call.verb,
        f"{origin}{call.path}",
        call.query,
        call.headers,
        call.body if body != b"" else None,
        dict(call.headers).get("Content-Type", ""),
        -1 if body is None else len(body),
    )
    answered = har.HarResponse(
        response.status,
        call.response_headers,
        call.response_body,
        response.content_type,
        call.response_size,
    )
    return har.entry(call.at, 0, asked, answered, f"{call.id}: {call.operation or 'no method'}")
