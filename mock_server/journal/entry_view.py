"""The view of an entry of the journal: redacted, read into parameters, explained.

A view computes its parts on demand: most entries are never viewed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import orjson

from crmcom_kit import har
from crmcom_kit.mock_server.clock import write_moment
from crmcom_kit.mock_server.deliveries.attempts import Attempts
from crmcom_kit.mock_server.faults.registry import Faults
from crmcom_kit.mock_server.journal.entry_types import (
    EntrySummary,
    JournalEntry,
    JournalRequest,
    JournalResponse,
    JsonObject,
    Miss,
)
from crmcom_kit.mock_server.journal.journal import Entry, Journal
from crmcom_kit.mock_server.journal.tracing import TraceStep, trace
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER
from crmcom_kit.mock_server.protocol.request import (
    MAX_BODY_BYTES,
    Request,
    body_members,
    query_pairs,
)
from crmcom_kit.mock_server.protocol.response import INTERNAL_ERROR, Ending
from crmcom_kit.mock_server.store.records import key_of
from crmcom_kit.mock_server.store.store import Store
from crmcom_kit.redaction import Redactor
from crmcom_kit.schemas import API_PATH


@dataclass(frozen=True)
class JournalReader:
    """Builds views of the entries of one journal."""

    journal: Journal
    config: Config  # of the world
    redactor: Redactor  # knows the current secrets of the world
    attempts: Attempts  # of deliveries
    faults: Faults
    store: Callable[[], Store]  # of the current epoch, which changes

    def views(self, since: int = 0) -> "list[EntryView]":
        """Return views of the entries with numbers above ``since``, oldest first."""
        return [EntryView(self, entry) for entry in self.journal.entries(since)]


class EntryView:
    """One request and its response, without secrets, at the time when the view was made.

    A view has the members of an entry in the control API. If the request was running at that time,
    the view has no response.
    """

    def __init__(self, reader: JournalReader, entry: Entry) -> None:
        """View ``entry``; parts that take time are computed on demand."""
        self._reader = reader
        self._redactor = reader.redactor
        self.entry = entry
        self._response = response = entry.response
        self._error = None if response is None else response.error
        self._result = entry.result
        self.id = reader.journal.id_of(entry.number)
        #: Counted from 1 since the last reset.
        self.number = entry.number
        #: When the request began, by the world's clock.
        self.at = entry.at
        #: True if the request has no response yet.
        self.running = response is None
        #: The HTTP status of the response; None while it is running.
        self.status = None if response is None else response.status
        #: The duration in seconds of the machine's time; None while it is running.
        self.seconds = None if response is None else entry.seconds
        #: The statement that the request broke, if any.
        self.statement = None if response is None else response.statement

    def __str__(self) -> str:
        code = f" {self.code}" if self.code else ""
        fault = f" (fault {self.fault['name']})" if self.fault else ""
        outcome = "is running" if self.running else f"returned {self.status}"
        return f"{self.id} {self.method} {self.url} {outcome}{code}{fault}"

    def __repr__(self) -> str:
        return f"<request {self}>"

    # The request.

    @property
    def method(self) -> str:
        """The HTTP verb."""
        return self._redactor.text(self.entry.request.verb)

    @cached_property
    def url(self) -> str:
        """Path and query."""
        path = self.entry.request.path
        full_path = f"/{path}" if path.split("/", 1)[0] == "crmapi" else f"{API_PATH}/{path}"
        redacted_path = self._redactor.redact_known(full_path)
        query = self._redactor.query(self.entry.request.query.decode("latin-1"))
        return f"{redacted_path}?{query}" if query else redacted_path

    @cached_property
    def request(self) -> JournalRequest:
        """The request and its parameters."""
        return {
            "method": self.method,
            "url": self.url,
            "client": self.entry.request.client or "",
            "headers": self._headers(),
            "parameters": self.parameters,
            "body": self._body(),
        }

    def _headers(self) -> dict[str, str]:
        request = self.entry.request
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").title(): value
            for name, value in request.headers.items()
        }
        if request.content_type:
            headers["Content-Type"] = request.content_type
        if request.authorization:
            headers.setdefault("Authorization", request.authorization)
        return {name: self._redactor.header(name, value) for name, value in headers.items()}

    def _body(self) -> str:
        body = self.entry.request.body
        if body is None:
            return f"(more than {MAX_BODY_BYTES} bytes)"
        return self._redactor.body(body)

    @property
    def operation(self) -> str | None:
        """The name of the API's method, such as ``resend``; None if the path has none."""
        method = self._reader.config.methods.get(self.entry.request.path)
        return None if method is None else method.name

    @cached_property
    def parameters(self) -> JsonObject:
        """The parameters from the query or the body; of a repeated parameter the last value.

        An identifier is an object, ``{"number": "7"}``, also in a query.
        """
        redactor = self._redactor
        parameters = _raw_parameters(self.entry.request)
        try:
            values = {name: redactor.value(name, value) for name, value in parameters.items()}
        except RecursionError:  # nested too deep
            return {}
        return {redactor.text(name): _read(name, value) for name, value in values.items()}

    @property
    def identifier(self) -> str | None:
        """The identifier of a webhook request, as ``number=7`` or ``id=…``."""
        value = self.parameters.get(REQUEST_IDENTIFIER)
        if isinstance(value, dict) and len(value) == 1:
            ((field, text),) = value.items()
            return f"{field}={text}"
        return None

    # The response.

    @cached_property
    def response(self) -> JournalResponse | None:
        """The response; None while the request is running."""
        response = self._response
        if response is None:
            return None
        headers: dict[str, str] = {}
        for name, value in response.headers():
            text = self._redactor.header(name, value)
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        return {
            "status": response.status,
            "headers": headers,
            "body": self._redactor.body(self.entry.body),
            "size": self.entry.length,
        }

    @property
    def code(self) -> str | None:
        """The status code in the response's envelope, ``OK`` or an error's."""
        response, fault = self._response, self.entry.fault
        if response is not None and response.is_internal_error:
            return INTERNAL_ERROR
        if self._error is not None:
            return str(self._reader.config.dialect[f"errors.{self._error.kind}.code"])
        # Not read from the body, which a fault or the journal may have cut.
        is_success = response is not None and response.method and response.status == 200
        is_fixed = fault is not None and not fault.effect.keys().isdisjoint(("status", "respond"))
        return "OK" if is_success and not is_fixed else None

    @property
    def error_kind(self) -> str | None:
        """The kind of the error in the response; *internal_error* if the mock itself failed."""
        if self._response is not None and self._response.is_internal_error:
            return "internal_error"
        return None if self._error is None else self._error.kind

    @property
    def outcome(self) -> Literal["accepted", "refused", None]:
        """*refused* if the request broke a restriction, else *accepted*.

        The effect of a fault does not count. None while it is running, and if the mock failed.
        """
        if self._response is None or self._response.is_internal_error:
            return None
        return "accepted" if self._error is None or self.statement is None else "refused"

    @property
    def served(self) -> bool | None:
        """True if the API carried the request out: it was not refused, nor prevented by a fault.

        None while it is running.
        """
        fault = self.entry.fault
        is_prevented = fault is not None and fault.replaces_response and not fault.after_commit
        return None if self.running else self.outcome == "accepted" and not is_prevented

    @property
    def expected_refusal(self) -> bool:
        """True if the request was refused, and a test expects the refusal."""
        return self.entry.expected_refusal

    @property
    def near_miss(self) -> Miss | None:
        """The reason of a refusal, the value, the allowed values, and the suggestion."""
        error = self._error
        if self._response is None or error is None or self._response.reason is None:
            return None
        text, suggestion = self._redactor.text, self._response.suggestion
        return {
            "reason": text(str(self._response.reason)),
            "parameter": text(error.parameter),
            "seen": text(error.seen),
            "allowed": text(error.allowed),
            "suggestion": None if suggestion is None else text(suggestion),
        }

    # The effects of the request, and their reasons.

    @property
    def results(self) -> int | None:
        """The number of webhook requests in a list; None for other methods."""
        return None if self._result is None else self._result.results

    @cached_property
    def fault(self) -> JsonObject | None:
        """The fault that hit the request."""
        fault = self.entry.fault
        view: JsonObject | None = None
        if fault is not None:
            view = self._redactor.value("", fault.as_json())
        return view

    @property
    def warnings(self) -> list[str]:
        """The mock's remarks on the request."""
        return [] if self._result is None else [*map(self._redactor.text, self._result.warnings)]

    @property
    def deliveries(self) -> list[int]:
        """The numbers of the delivery attempts that the request caused."""
        return [] if self._result is None else [*self._result.attempts]

    @property
    def trace(self) -> list[TraceStep]:
        """The chain of causes: decision, changes, attempts and responses of receivers.

        While a request is running, the chain may be incomplete.
        """
        attempts = self._reader.attempts.with_repeats(*self.deliveries)
        return trace(self._reader.config, self.entry.fault, self._result, attempts)

    @cached_property
    def _before(self) -> JsonObject:
        return {} if self._result is None else orjson.loads(self._result.before or b"{}")

    @cached_property
    def _after(self) -> JsonObject:
        result = self._result
        if result is None or result.after is result.before:  # as for show
            return self._before
        after: JsonObject = orjson.loads(result.after or b"{}")
        return after

    @cached_property
    def before(self) -> JsonObject | None:
        """The webhook request before the request."""
        view: JsonObject = self._redactor.value("", self._before)
        return view or None

    @property
    def after(self) -> JsonObject | None:
        """The webhook request after the request; None if it was deleted."""
        if self._after is self._before:
            return self.before
        view: JsonObject = self._redactor.value("", self._after)
        return view or None

    @property
    def state_before(self) -> str | None:
        """The state of the webhook request before the request."""
        return self._before.get("life_cycle_state")

    @property
    def state_after(self) -> str | None:
        """Its state after the request; None if it was deleted."""
        return self._after.get("life_cycle_state")

    @property
    def entity(self) -> str | None:
        """The entity of the webhook request; for a list, its parameter."""
        entity = (self._before or self._after or self.parameters).get("entity")
        return entity if isinstance(entity, str) else None

    @cached_property
    def record(self) -> dict[str, str] | None:
        """The id and number of the webhook request that the request changed, read or named."""
        members = self._before or self._after
        if members:
            return {"id": members["id"], "number": members["number"]}
        name, _, value = (self.identifier or "").partition("=")
        record = self._reader.store().get(key_of(name), value)
        return None if record is None else {"id": record.id, "number": record.number}

    # The complete view.

    def summary(self) -> EntrySummary:
        """Return a summary of the request and its outcome as JSON."""
        view: EntrySummary = self._members_of(EntrySummary)
        return view

    def as_json(self) -> JournalEntry:
        """Return the complete entry as JSON."""
        view: JournalEntry = self._members_of(JournalEntry)
        return view

    def _members_of(self, view_type: type) -> Any:
        """Return the members of a TypedDict."""
        members = {name: getattr(self, name) for name in view_type.__annotations__}
        members["at"] = write_moment(self.at)
        return members

    def har_entry(self, origin: str, *, timed: bool = True) -> JsonObject | None:
        """Return the request and its response as an entry of a HAR; None while it is running.

        Its URL begins with ``origin``. Without ``timed``, ``time`` is 0 and ``_seconds`` has the
        duration.
        """
        response, request, body = self.response, self.request, self.entry.request.body
        if response is None:
            return None
        path, _, query = self.url.partition("?")
        har_request = har.HarRequest(
            self.method,
            f"{origin}{path}",
            query,
            [*request["headers"].items()],
            request["body"] if body != b"" else None,
            request["headers"].get("Content-Type", ""),
            -1 if body is None else len(body),
        )
        comment = f"{self.id}: {self.operation or 'no method'}"
        milliseconds = round(1000 * (self.seconds or 0), 3) if timed else 0
        entry = har.entry(self.at, milliseconds, har_request, self._har_response(response), comment)
        if (ending := self._ending) is not None:
            entry["response"]["_error"] = ending.kind  # the name in browsers and mitmproxy
        if not timed:
            entry["_seconds"] = self.seconds
        return entry | ({"_expected_refusal": True} if self.expected_refusal else {})

    @property
    def _ending(self) -> Ending | None:
        """The early end of the response by a fault, if any."""
        return None if self._response is None else self._response.ending

    def _har_response(self, response: JournalResponse) -> har.HarResponse:
        """Return the response that the client got."""
        ending, body, size = self._ending, response["body"], response["size"]
        if ending is not None and ending.kind == "dropped":
            return har.HarResponse(0, [], "", "", 0)
        if ending is not None:
            body, size = self._redactor.body(self.entry.body[: ending.size]), ending.size
        headers = response["headers"]
        pairs = [*headers.items()]
        return har.HarResponse(response["status"], pairs, body, headers["Content-Type"], size)


def archive(
    views: Iterable[EntryView], origin: str, release: str, *, timed: bool = True
) -> JsonObject:
    """Return a HAR archive of the requests that have a response; ``origin`` begins their URLs.

    ``release`` is the name of the mock's release. ``timed`` is False if durations and start times
    are of different clocks.
    """
    entries = (view.har_entry(origin, timed=timed) for view in views)
    return har.archive((entry for entry in entries if entry is not None), release)


def token_values(entries: Iterable[Entry]) -> list[str]:
    """Return the tokens of requests, each once, in the order of their first use."""
    tokens = (_raw_parameters(entry.request).get("token") for entry in entries)
    return [*dict.fromkeys(token for token in tokens if isinstance(token, str) and token)]


def _raw_parameters(request: Request) -> Mapping[str, Any]:
    """Return the raw parameters of a request; none if it cannot be read."""
    try:
        is_post = request.verb == "POST"
        return body_members(request) if is_post else dict(query_pairs(request.query))
    except (VendorError, RecursionError):
        return {}


def _read(parameter: str, value: Any) -> Any:
    """Return the value of a parameter; an object for an identifier in a query."""
    if parameter.endswith("_identifier") and isinstance(value, str):
        field, equals, text = value.partition("=")
        if equals:
            return {field: text}
    return value
