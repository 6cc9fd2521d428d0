"""The JSON of an entry of the journal, in the control API and in views."""

from typing import Annotated, Any, Literal, TypedDict

from crmcom_kit.mock_server.journal.tracing import TraceStep

JsonObject = dict[str, Any]


class Miss(TypedDict):
    """The mistake in a refused request, and the smallest change that makes it valid."""

    reason: Annotated[str, "The mistake and the remedy, in one sentence."]
    parameter: str
    seen: str
    allowed: str
    suggestion: str | None


class EntrySummary(TypedDict):
    """A request, and its outcome once it has a response."""

    id: str
    number: int
    running: Annotated[bool, "True if it has no response yet."]
    at: str
    method: str
    url: str
    operation: str | None
    identifier: str | None
    status: int | None
    code: str | None
    outcome: Literal["accepted", "refused", None]
    served: Annotated[bool | None, "True if the API has carried it out."]
    expected_refusal: Annotated[bool, "True if it was refused, and a test expects that."]
    statement: str | None
    error_kind: str | None
    record: Annotated[JsonObject | None, "The id and number of its webhook request."]
    state_before: str | None
    state_after: str | None
    fault: JsonObject | None
    deliveries: Annotated[list[int], "The ids of the deliveries that it caused."]
    near_miss: Miss | None
    warnings: Annotated[list[str], "Parts that the mock ignored, such as an unknown parameter."]
    seconds: Annotated[float | None, "The duration of the request."]
    entity: Annotated[str | None, "Of its webhook request; for a list, its parameter."]
    results: Annotated[int | None, "The number of webhook requests that a list returned."]


class JournalRequest(TypedDict):
    """A request."""

    method: str
    url: str
    client: str
    headers: dict[str, str]
    parameters: JsonObject
    body: str


class JournalResponse(TypedDict):
    """A response."""

    status: int
    headers: dict[str, str]
    body: Annotated[str, "Only the beginning of a very long body."]
    size: Annotated[int, "Bytes of the body that were sent."]


class JournalEntry(EntrySummary):
    """A request in full; its response is null while it is running."""

    request: JournalRequest
    response: JournalResponse | None
    trace: list[TraceStep]
    before: JsonObject | None
    after: JsonObject | None
