"""Operations on a world's journal: its entries, verifying, and waiting."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from crmcom_kit.mock_server.admin.contract import Call, JsonObject, Reply, operation
from crmcom_kit.mock_server.faults.specification import RefusalSpec
from crmcom_kit.mock_server.journal import patterns, verification
from crmcom_kit.mock_server.journal.entry_types import EntrySummary, JournalEntry
from crmcom_kit.mock_server.journal.entry_view import EntryView, archive
from crmcom_kit.mock_server.typed_schemas import Keywords
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


class Limits(TypedDict, total=False):
    """The limits of the expected number of requests."""

    at_least: _Number
    at_most: _Number


_Times = _Number | Limits


class Requests(TypedDict):
    """Requests, without the dropped requests, for which the journal had no room."""

    count: Annotated[int, "The number of requests, also above the limit."]
    dropped: int
    requests: list[JournalEntry]


class Pattern(patterns.RequestPattern, total=False):
    """A pattern for requests. All its members must match; an empty pattern matches all requests."""

    operation: Annotated[patterns.Value, "The method of the API, such as resend."]


class ExpectedRequests(Pattern, total=False):
    """A pattern, and the expected number of requests: at least one by default."""

    times: _Times


class WaitCondition(Pattern, total=False):
    """A pattern of requests, or another condition."""

    state: Literal["SUCCESSFUL", "REJECTED", "SENDING", "DELETED"]
    delivery: Annotated[
        str | bool, "The webhook request with a finished delivery, by number or id; true for any."
    ]
    delivered: Annotated[bool, "Only deliveries that the receiver accepted, or did not accept."]
    times: _Times
    timeout: Annotated[_Seconds, "The maximum seconds to wait; 10 by default."]


class Verification(TypedDict):
    """The result of a check, and the matching requests."""

    ok: bool
    count: NotRequired[int]
    message: NotRequired[
        Annotated[str, "If not: the expected and the actual requests, and the nearest ones."]
    ]
    requests: NotRequired[Annotated[list[EntrySummary], "The last 100 of them."]]


class WaitResult(Verification):
    """The result of a wait."""

    why: Annotated[
        Literal["held", "time over", "reset", "closing"],
        "closing: the mock is stopping, or the client has left.",
    ]
    ended: NotRequired[Annotated[int, "The number of ended deliveries, of any outcome."]]
    record: NotRequired[Annotated[str, "The number or id that was asked for."]]
    state: NotRequired[Annotated[str | None, "null if it never existed; DELETED if deleted."]]


class ExpectedRefusal(RefusalSpec):
    """Refusals that a test expects, and their number so far."""

    count: int
    ok: Annotated[bool, "True if the number is as expected."]


class UnexpectedEvents(TypedDict):
    """The events that a test did not expect."""

    ok: Annotated[bool, "True if nothing was unexpected."]
    unexpected: Annotated[list[str], "One line each; at most 20 for requests."]
    expected: Annotated[list[ExpectedRefusal], "The refusals that are expected."]


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
    views = reader.views(reader.journal.number_of(since or "0"))
    return _page(call, views[::-1], limit)


@operation("POST /requests/find", "journal", examples={"lists": {"operation": "list"}})
def find_requests(call: Call, body: Pattern | None = None) -> Requests:
    """List the requests that match a pattern, oldest first.

    Running requests count, unless the pattern asks for their response.
    """
    reader = call.world.reader
    pattern = patterns.Pattern(reader, dict(body or {}))
    return _page(call, [view for view in reader.views() if pattern.matches(view)])


def _page(call: Call, views: list[EntryView], limit: int | None = None) -> Requests:
    requests: list[Any] = [view.as_json() for view in views[:limit]]
    dropped = call.world.journal.evicted
    return {"count": len(views), "dropped": dropped, "requests": requests}


@operation("GET /requests/{id}", "journal")
def get_request(call: Call, id: Annotated[str, Keywords(maxLength=40)]) -> JournalEntry:
    """Show one entry: request, response, trace, the record before and after."""
    reader, journal = call.world.reader, call.world.journal
    entry = journal.find(journal.number_of(id))
    if entry is None:
        last_id = journal.id_of(journal.last)
        allowed = f"the id of a request that the journal still has, up to {last_id}"
        raise NotFound("id", seen=quoted(id), allowed=allowed)
    return EntryView(reader, entry).as_json()


@operation("DELETE /requests", "journal")
def clear_requests(call: Call) -> JsonObject:
    """Remove all entries, except those of running requests.

    The numbers of later entries continue.
    """
    call.world.journal.clear()
    return {}


@operation("GET /requests.har", "journal")
def requests_har(call: Call) -> JsonObject:
    """Return the journal as a HAR 1.2 archive.

    `crmcom-kit check --from-har` and the developer tools of browsers read it. A response is as the
    client got it: one that a fault dropped has status 0. Variables stand for tokens. Times are
    those of the world's clock. While the clock is frozen, `time` is 0, and `_seconds` is the
    duration by the machine's clock. Running requests are left out.
    """
    views, is_frozen = call.world.recording_reader.views(), call.world.clock.state.mode == "frozen"
    release = call.world.config.release.name
    return archive(views, f"{call.origin}{call.root}", release, timed=not is_frozen)


@operation(
    "POST /verify",
    "journal",
    status=202,
    others={406: "The requests were not made as expected."},
    examples={"sent once": {"operation": "resend", "record": "7", "times": 1}},
)
def verify(call: Call, body: ExpectedRequests) -> Reply[Verification]:
    """Verify that requests were made as expected.

    By default at least one request is expected. Running requests count; if the result depends on
    their responses, it is not ok. It is an error if the journal has dropped requests that may make
    a difference, or if no request matches since the `record` never existed.
    """
    requests = verification.verify(call.world.reader, dict[str, Any](body))
    verdict: Any = {"ok": requests.ok, **requests.facts()}
    return Reply(verdict, 202 if requests.ok else 406)


@operation(
    "POST /expected_refusals",
    "journal",
    status=201,
    examples={"one": {"operation": "resend", "error": "not_rejected", "times": 1}},
)
def expect_refusal(call: Call, body: RefusalSpec) -> UnexpectedEvents:
    """Expect refusals from now on, which a test provokes.

    The journal and its HAR archive mark them. A reset of the world ends the expectation.
    """
    call.world.current_epoch.expectations.expect(body)
    return list_unexpected(call)


@operation("GET /unexpected", "journal")
def list_unexpected(call: Call) -> UnexpectedEvents:
    """List the events since the last reset that a test did not expect.

    These are requests that were refused without `POST /expected_refusals`, or that had parameters
    which the mock ignored; invalid requests to this API; expected refusals that never came; faults
    that were never hit; and delivery scripts of one webhook request that were never used.
    """
    lines = call.world.unexpected()
    refusals: list[Any] = [
        call.world.redactor.value("", refusal.as_json())
        for refusal in call.world.current_epoch.expectations.expected
    ]
    return {"ok": not lines, "unexpected": lines, "expected": refusals}


@operation(
    "POST /wait",
    "journal",
    others={
        408: "The condition did not hold in time, the world was reset, or mock or client stopped."
    },
    examples={"sent": {"record": "7", "state": "SUCCESSFUL", "timeout": 0.1}},
)
def wait(call: Call, body: WaitCondition) -> Reply[WaitResult]:
    """Wait until requests were made, a webhook request is in a state, or deliveries are over.

    Members of a pattern select requests, which count once they have a response. `record`, with
    `state` if you like, waits for a webhook request; `delivery` for finished delivery attempts.
    """
    journal = call.world.journal  # read first: a later reset ends the wait
    condition_members = dict[str, Any](body)
    seconds = condition_members.pop("timeout", _DEFAULT_TIMEOUT)
    condition = condition_of(call.world, condition_members)
    with call.registry.wait_slot():
        reason = verification.wait_for(journal, condition, seconds, call.is_over)
    result: Any = {"ok": reason == "held", "why": reason, **condition.facts()}
    return Reply(result, 200 if reason == "held" else 408)
