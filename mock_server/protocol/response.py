"""Responses of the API: envelope, lists, errors, headers, suggestions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

import orjson

from crmcom_kit import __version__
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.fields import Selection
from crmcom_kit.schemas import Dialect, Release
from crmcom_kit.schemas.dial_tables import parts_of
from crmcom_kit.schemas.dialect import statement_of_error
from crmcom_kit.schemas.envelopes import Envelopes
from crmcom_kit.schemas.reasons import Reason
from crmcom_kit.schemas.rendering import Renderer
from crmcom_kit.usage_errors import UsageError

#: The header that names the fault behind a response.
FAULT_HEADER = "X-Mock-Fault"
#: The status code of a response to a request that the mock itself failed to carry out.
INTERNAL_ERROR = "CRMCOM_KIT.INTERNALERROR"
#: A list of more records than this is streamed, so that memory does not grow with the response.
MAX_JOINED = 256
_METHODS = ("token", "token_release", "web_api_key_token", "show", "list", "resend", "delete")
_CHUNK_BYTES = 65_536
_MAX_HEADER = 400


class Ending(NamedTuple):
    """The early end of a response by a fault."""

    kind: Literal["dropped", "cut"]  # nothing is sent, or only the beginning of the body
    size: int = 0  # bytes of the body that are sent


@dataclass(slots=True)
class Response:
    """One response: first the members that a shell sends, then those for the journal."""

    status: int
    body: bytes | Iterator[bytes]
    content_type: str
    length: int | None = None  # of the body; None if it is a stream of unknown length
    statement: str | None = None  # the statement that an error upholds
    suggestion: str | None = None  # a change that makes a refused request valid
    warnings: Sequence[str] = ()
    allow: str | None = None  # the verbs that are allowed
    retry_after: int | None = None  # seconds
    fault: str | None = None  # the fault that caused it
    extra_headers: Sequence[tuple[str, str]] = ()  # of a fixed response
    ending: Ending | None = None  # None if it is sent completely
    entry_id: str | None = None  # of its entry in the journal
    # For the journal only.
    method: str = ""
    error: VendorError | None = None
    reason: Reason | None = None  # of a refusal
    is_internal_error: bool = False  # True: the mock itself failed
    dials: tuple[str, ...] = ()  # that decided a success; an error has its own
    before: bytes | None = None  # the record of the request, before and after it
    after: bytes | None = None
    attempts: tuple[int, ...] = ()  # the numbers of the delivery attempts that it caused
    results: int | None = None  # the number of records in a list
    matches: int | None = None  # the number on all pages, if it was counted

    def __post_init__(self) -> None:
        """Set the length of a body that is not a stream."""
        if self.length is None and isinstance(self.body, bytes):
            self.length = len(self.body)

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers to send; text of the mock becomes printable ASCII."""
        headers = [("Content-Type", self.content_type), ("X-Crmcom-Mock", __version__)]
        if self.length is not None:
            headers.append(("Content-Length", str(self.length)))
        if self.statement:
            headers.append(("X-Mock-Statement", self.statement))
        if self.suggestion is not None:
            headers.append(("X-Mock-Suggestion", _header_text(self.suggestion)))
        if self.allow:
            headers.append(("Allow", self.allow))
        if self.fault is not None:
            headers.append((FAULT_HEADER, _header_text(self.fault)))
        if self.retry_after is not None:
            headers.append(("Retry-After", str(self.retry_after)))
        headers += [("X-Mock-Warning", _header_text(text)) for text in self.warnings]
        return [*headers, *self.extra_headers]


def gateway_page(status: int) -> Response:
    """Return the HTML page of a gateway in front of the API."""
    try:
        title = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        title = str(status)
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Response(status, page.encode(), "text/html")


def usage_error_response(error: UsageError) -> Response:
    """Return the response to a request that the mock itself cannot carry out."""
    return Response(error.status, orjson.dumps(error.facts()), "application/json")


def compact_json(value: object) -> bytes:
    """Return ``value`` as JSON without spaces and unused memory."""
    # A copy: the result of orjson has unused bytes at its end.
    return bytes(memoryview(orjson.dumps(value)))


def _header_text(text: str) -> str:
    line = text
    if not (text.isascii() and text.isprintable()):
        line = "".join(c if " " <= c <= "~" else "?" for c in text)
    return line if len(line) <= _MAX_HEADER else line[: _MAX_HEADER - 3] + "..."


class ResponseBuilder:
    """Builds the responses of one dialect in one release."""

    def __init__(self, dialect: Dialect, release: Release, renderer: Renderer) -> None:
        """Prepare the bytes before and after the data of every response."""
        self._dialect = dialect
        self._type: str = dialect["envelope.content_type"]
        self._envelopes = Envelopes(dialect, release, renderer)
        self._wrappers = {method: self._envelope(method) for method in _METHODS}
        self._by_data = {*filter(self._envelopes.depends_on_data, _METHODS)}
        self._empty_list = orjson.dumps(self._envelopes.listing([]))
        #: True if responses depend on the number of webhook requests that match.
        self.counts_matches = "list" in self._by_data

    def data(self, body: bytes, method: str, facts: Mapping[str, Any] | None = None) -> Response:
        """Return a success of ``method`` with ``body`` as its data.

        Its texts may name members of ``facts``.
        """
        head, tail = self._envelope(method, facts) if facts else self._wrappers[method]
        return Response(200, b"".join((head, body, tail)), self._type)

    def record(self, body: bytes, selection: Selection | None, method: str) -> Response:
        """Return a success of ``method`` with one record."""
        facts = orjson.loads(body) if method in self._by_data else None
        response = self.data(body if selection is None else selection.of(body), method, facts)
        response.dials = () if selection is None else selection.dials
        return response

    def listing(
        self, bodies: list[bytes], selection: Selection | None, matches: int | None = None
    ) -> Response:
        """Return a success with ``bodies`` as a list; a long one is streamed.

        If a stream fails, the connection is closed, since the status is already sent. ``matches``
        is the number of webhook requests that match, if it was counted.
        """
        if not bodies:
            body = self._empty_list
            if matches:
                body = orjson.dumps(self._envelopes.listing([], matches))
            return Response(200, body, self._type, dials=("list.empty",), results=0)
        selection_dials = () if selection is None else selection.dials
        head, tail = self._wrappers["list"]
        if "list" in self._by_data:
            facts = {"results": len(bodies), "matches": matches or 0}
            head, tail = self._envelope("list", facts)
        if len(bodies) <= MAX_JOINED:
            records = bodies if selection is None else map(selection.of, bodies)
            body = b"".join((head, b"[", b",".join(records), b"]", tail))
            return Response(200, body, self._type, dials=selection_dials, results=len(bodies))
        length = None
        if selection is None:  # with brackets and commas
            length = len(head) + sum(map(len, bodies)) + len(bodies) + 1 + len(tail)
        stream = join_chunks(_parts(head, bodies, selection, tail))
        return Response(200, stream, self._type, length, dials=selection_dials, results=len(bodies))

    def _envelope(self, method: str, facts: Mapping[str, Any] | None = None) -> tuple[bytes, bytes]:
        """Return the bytes before and after the data of a success."""
        envelope = orjson.dumps(self._envelopes.success("@", method, facts or {}))
        head, _, tail = envelope.partition(b'"data":"@"')  # quotes in texts are escaped
        return head + b'"data":', tail

    def error(self, error: VendorError, method: str) -> Response:
        """Return the response to a request of ``method`` that is refused with ``error``."""
        status, envelope = self._envelopes.refusal(error.details, method=method, **error.facts)
        statement = statement_of_error(error.kind, method)
        body = compact_json(envelope)  # the journal keeps it
        return Response(status, body, self._type, statement=statement)

    def served_instead(self, error: VendorError, method: str) -> str:
        """Return how a request of ``method`` is served in spite of an error.

        It is "without" the parameter, "empty", or "no": it is refused.
        """
        facts = {**error.facts, "method": method}
        served: str = parts_of(self._dialect["envelope.cases"], facts).get("served", "no")
        return served

    def internal_error(self, reason: str) -> Response:
        """Return the response to a request that the mock itself failed to carry out."""
        text = "Internal error of the mock, whatever the request is. Its log says more."
        body = compact_json(self._envelopes.failure(INTERNAL_ERROR, text))
        response = Response(500, body, self._type, warnings=(f"internal error: {reason}",))
        response.is_internal_error = True
        return response


def _parts(
    head: bytes, bodies: list[bytes], selection: Selection | None, tail: bytes
) -> Iterator[bytes]:
    """Yield the parts of a list."""
    yield head + b"["
    for index, body in enumerate(bodies):
        part = body if selection is None else selection.of(body)
        yield b"," + part if index else part
    yield b"]" + tail


def join_chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Join small parts into chunks of about 64 KiB."""
    buffer, size = [], 0
    for part in parts:
        buffer.append(part)
        size += len(part)
        if size >= _CHUNK_BYTES:
            yield b"".join(buffer)
            buffer, size = [], 0
    yield b"".join(buffer)
