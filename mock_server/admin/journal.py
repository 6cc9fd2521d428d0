"""Operations on a world's journal: its entries, verifying, and waiting."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from crmcom_kit.mock_server.admin.call import Call, Reply
from crmcom_kit.mock_server.admin.contract import Headers, JsonObject, operation
from crmcom_kit.mock_server.journal import patterns, serializers, verification
from crmcom_kit.mock_server.journal.call_view import CallView
from crmcom_kit.mock_server.journal.journal import Entry
from crmcom_kit.mock_server.protocol.typed_schemas import Keywords
from crmcom_kit.mock_server.world.conditions import condition_of
from crmcom_kit.usage_errors import NotFound, quoted

_DEFAULT_TIMEOUT = 10.0
EntryId = Annotated[
    str,
    Keywords(
        {"pattern": "^[0-9]{1,15}(-[0-9]{1,15})?$", "x-allowed": "the number or the id of an entry"}
    ),
]
_Seconds = Annotated[float, Keywords(minimum=0, maximum=300)]
_Number = Annotated[int, Keywords(minimum=0)]
_VALUE = Keywords({"x-allowed": 'a value, {"contains": "…"} or {"absent": true}'})


class Contains(TypedDict):
    """A part of a value."""

    contains: str


class Absent(TypedDict):
    """Whether there is no value."""

    absent: bool


class Limits(TypedDict, total=False):
    """How often."""

    at_least: _Number
    at_most: _Number


_Value = Annotated[str | float | bool | Contains | Absent, _VALUE]
_Times = _Number | Limits


class Miss(TypedDict):
    """What was wrong with a refused request, and the smallest change that makes it valid."""

    statement: str | None
    error_kind: str
    parameter: str
    seen: str
    allowed: str
    suggestion: str | None


class CallSummary(TypedDict):
    """A request, and its outcome once it is answered."""

    id: str
    number: int
    running: Annotated[bool, "Whether it has no response yet."]
    at: str
    method: str
    url: str
    operation: str | None
    identifier: str | None
    status: int | None
    code: str | None
    outcome: Literal["accepted", "refused", None]
    statement: str | None
    error_kind: str | None
    record: JsonObject | None
    state_before: str | None
    state_after: str | None
    fault: JsonObject | None
    deliveries: Annotated[list[int], "The ids of the deliveries that it caused."]
    near_miss: Miss | None
    warnings: Annotated[list[str], "What the mock ignored, such as an unknown parameter."]
    seconds: Annotated[float | None, "How long it took."]
    entity: Annotated[str | None, "Of its webhook request, or the one that a list asked for."]
    results: Annotated[int | None, "How many webhook requests a list returned."]


class TraceStep(TypedDict):
    """One link of the chain of causes."""

    step: Literal["fault", "request", "change", "attempt", "receiver"]
    outcome: Literal["held", "broken", "skipped"]
    statement: Annotated[str | None, "The statement that decided."]
    evidence: str | None
    dials: Annotated[JsonObject, "The dials that decided, and their settings."]
    before: NotRequired[Annotated[str | None, "The state before the change."]]
    after: NotRequired[Annotated[str | None, "The state after the change."]]
    id: NotRequired[Annotated[int, "The id of the delivery of an attempt."]]
    name: NotRequired[Annotated[str, "The outcome of the delivery, for a receiver's response."]]
    status: NotRequired[Annotated[int | None, "The HTTP status of a receiver's response."]]


class JournalRequest(TypedDict):
    """A request."""

    method: str
    url: str
    client: str
    headers: Headers
    parameters: JsonObject
    body: str


class JournalResponse(TypedDict):
    """A response."""

    status: int
    headers: Headers
    body: str
    size: int


class JournalEntry(CallSummary):
    """All that is known of a request; its response is null while it is running."""

    request: JournalRequest
    response: JournalResponse | None
    trace: list[TraceStep]
    before: JsonObject | None
    after: JsonObject | None


class Requests(TypedDict):
    """Requests; dropped are those that the journal had no room for, which are not counted."""

    count: Annotated[int, "How many there are, whatever the limit."]
    dropped: int
    requests: list[JournalEntry]


class Pattern(TypedDict, total=False):
    """A pattern over requests. All members must match; without any, every request does."""

    operation: Annotated[_Value, "The method of the API, such as resend."]
    record: Annotated[_Value, "The number or the id of the webhook request that it is about."]
    parameters: Annotated[
        dict[str, _Value], "An identifier is written as a query spells it, such as number=7."
    ]
    outcome: Annotated[_Value, "refused if the request broke a restriction, else accepted."]
    status: Annotated[_Value, "The HTTP status of the response."]
    code: Annotated[_Value, "The code in the response's envelope: OK, or that of an error."]
    state_before: _Value
    state_after: Annotated[_Value, "None for a webhook request that was deleted."]
    fault: Annotated[_Value, "The name of the fault that hit it; or whether one did."]


class Verifying(Pattern, total=False):
    """A pattern, and how often it is expected: at least once by default."""

    times: _Times


class Awaiting(Pattern, total=False):
    """A pattern, or others of these members."""

    state: Literal["SUCCESSFUL", "REJECTED", "SENDING", "DELETED"]
    delivery: Annotated[
        str | bool, "The webhook request with a finished delivery, by number or id; true for any."
    ]
    delivered: Annotated[bool, "Only deliveries that the receiver accepted, or did not accept."]
    times: _Times
    timeout: Annotated[_Seconds, "How many seconds to wait at most; 10 by default."]


class Verification(TypedDict):
    """Whether the requests were made; the message says why not, and lists the nearest requests."""

    ok: bool
    count: int
    message: str
    requests: list[CallSummary]


class Awaited(TypedDict):
    """What was waited for, or what was there instead."""

    ok: bool
    why: Annotated[
        Literal["held", "time over", "reset", "closing", "left"],
        "closing: the mock is stopping; left: the client closed its side of the connection.",
    ]
    count: NotRequired[int]
    requests: NotRequired[list[CallSummary]]
    record: NotRequired[JsonObject]
    state: NotRequired[Annotated[str | None, "null if it never existed; DELETED if deleted."]]
    message: NotRequired[Annotated[str, "What was expected, found, and the nearest requests."]]


@operation("GET /requests", "journal")
def list_requests(
    call: Call,
    *,
    since: Annotated[EntryId, "Only requests after this one."] | None = None,
    limit: Annotated[int, "Only the newest ones.", Keywords(minimum=0, maximum=10000)]
    | None = None,
) -> Requests:
    """List the requests in the journal, newest first."""
    reader = call.world.reader
    calls = reader.calls(reader.journal.number_of(since or "0") or 0)
    return _found(call, calls[::-1], limit)


@operation("POST /requests/find", "journal", examples={"lists": {"operation": "list"}})
def find_requests(call: Call, body: Pattern | None = None) -> Requests:
    """List the requests that match a pattern, oldest first.

    Running requests count, unless the pattern asks for their response.
    """
    reader = call.world.reader
    pattern = patterns.Pattern(reader, dict(body or {}))
    return _found(call, [one for one in reader.calls() if pattern.matches(one)])


def _found(call: Call, calls: list[CallView], limit: int | None = None) -> Requests:
    shown = calls if limit is None else calls[:limit]
    dropped = call.world.journal.news().evicted
    requests: list[Any] = [serializers.entry(one) for one in shown]
    return {"count": len(calls), "dropped": dropped, "requests": requests}


@operation("GET /requests/{id}", "journal")
def get_request(call: Call, id: Annotated[str, Keywords(maxLength=40)]) -> JournalEntry:
    """Show one entry: request, response, trace, the record before and after."""
    found: Any = serializers.entry(CallView(call.world.reader, _entry(call, id)))
    return found  # type: ignore[no-any-return]


def _entry(call: Call, id: str) -> Entry:
    journal = call.world.journal
    entry = journal.find(journal.number_of(id) or 0)
    if entry is None:
        entries = journal.entries()
        allowed = "the id of a call in the journal"
        if entries:
            allowed += f", such as {journal.id_of(entries[-1].number)}"
        raise NotFound("id", seen=quoted(id), allowed=allowed)
    return entry


@operation("DELETE /requests", "journal")
def clear_requests(call: Call) -> JsonObject:
    """Remove all entries.

    Except those of requests that are still to be carried out: what they do comes later, and counts.
    Later entries continue the numbering.
    """
    call.world.journal.clear()
    return {}


@operation("GET /requests.har", "journal")
def requests_har(call: Call) -> JsonObject:
    """Return the journal as a HAR 1.2 archive.

    For the developer tools of browsers, and for proxies. Times are of the world's clock; the
    duration of a request is not measured. Running requests are left out.
    """
    return serializers.archive(call.world.reader.calls(), f"{call.origin}{call.root}")


@operation(
    "POST /verify",
    "journal",
    status=202,
    others={406: "The requests were not made as expected."},
    examples={"sent once": {"operation": "resend", "record": "7", "times": 1}},
)
def verify(call: Call, body: Verifying) -> Reply[Verification]:
    """Verify that requests were made as expected.

    By default at least one request is expected. Requests that are running count, and a result that
    depends on the response to one is not ok. It is an error if the journal has dropped requests for
    want of room that may make a difference.
    """
    reader, asked = call.world.reader, dict[str, Any](body)
    expected = asked.pop("times", None)
    done = verification.verify(reader, patterns.Pattern(reader, asked), expected)
    requests: list[Any] = [serializers.summary(one) for one in done.calls]
    found: Verification = {
        "ok": done.ok,
        "count": done.count,
        "message": done.message,
        "requests": requests,
    }
    return Reply(found, 202 if done.ok else 406)


@operation(
    "POST /wait",
    "journal",
    others={408: "It was not so in time, or the world was reset, or mock or client stopped."},
    examples={"sent": {"record": "7", "state": "SUCCESSFUL", "timeout": 0.1}},
)
def wait(call: Call, body: Awaiting) -> Reply[Awaited]:
    """Wait until requests were made, a webhook request is in a state, or deliveries are over.

    With members of a pattern, it is for requests, which count when they are answered. With record,
    and state if given, it is for a webhook request; with delivery, for finished delivery attempts.
    """
    journal = call.world.journal  # first: a reset from now on ends the wait
    asked = dict[str, Any](body)
    seconds = asked.pop("timeout", _DEFAULT_TIMEOUT)
    condition = condition_of(call.world, asked)
    with call.registry.waiting():
        done = verification.wait_for(journal, condition, seconds=seconds, closing=call.over)
    why = done.why
    if why == "closing" and not call.registry.closing.is_set():
        why = "left"  # it is the client that has closed its side
    found: Any = {"ok": done.ok, "why": why, **done.facts}
    return Reply(found, 200 if done.ok else 408)
