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
_METHODS = (
    *("token", "token_release", "web_api_key_token"),
    *("show", "list", "resend", "delete"),
)
_CHUNK_BYTES = 65_536
_MAX_HEADER = 400


class Ending(NamedTuple):
    """How a fault ends a response early."""

    kind: Literal["dropped", "cut"]  # nothing is sent at all, or only the start of the body
    kept: int = 0  # bytes of the body that are sent


@dataclass(slots=True)
class Response:
    """One response. What a shell sends comes first, what only the journal needs after it."""

    status: int
    body: bytes | Iterator[bytes]
    content_type: str
    length: int | None = None  # of the body; None if it is a stream of unknown length
    statement: str | None = None  # the statement that an error upholds
    suggestion: str | None = None  # what makes a refused request valid
    warnings: Sequence[str] = ()
    allow: str | None = None  # the verbs that are allowed
    retry_after: int | None = None  # seconds
    fault: str | None = None  # which fault caused this response
    more_headers: Sequence[tuple[str, str]] = ()  # of a fixed response
    ending: Ending | None = None  # None if it is sent whole
    entry_id: str | None = None  # of its entry in the journal
    # For the journal only.
    method: str = ""
    error: VendorError | None = None
    reason: Reason | None = None  # why it was refused
    is_internal_error: bool = False  # whether the mock itself failed
    dials: tuple[str, ...] = ()  # that decided what a success is; an error has its own
    before: bytes | None = None  # the record of the request, before and after it
    after: bytes | None = None
    attempts: tuple[int, ...] = ()  # the numbers of the delivery attempts that it caused
    results: int | None = None  # how many records a list has
    matches: int | None = None  # how many there are on all pages, if they were counted

    def __post_init__(self) -> None:
        """Set the length of a body that is not a stream."""
        if self.length is None and isinstance(self.body, bytes):
            self.length = len(self.body)

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that are sent; text of the mock is made printable ASCII."""
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
        return [*headers, *self.more_headers]


def gateway_page(status: int) -> Response:
    """Return the HTML page of a gateway in front of the API."""
    try:
        title = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        title = str(status)
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Response(status, page.encode(), "text/html")


def usage_error_response(error: UsageError) -> Response:
    """Return the response to a request that uses the mock itself wrongly."""
    return Response(error.status, orjson.dumps(error.facts()), "application/json")


def compact_json(value: object) -> bytes:
    """Return ``value`` as JSON without spaces, in no more memory than it needs."""
    # A copy: orjson's own result keeps unused bytes behind it.
    return bytes(memoryview(orjson.dumps(value)))


def _header_text(text: str) -> str:
    safe = text
    if not (text.isascii() and text.isprintable()):
        safe = "".join(c if " " <= c <= "~" else "?" for c in text)
    return safe if len(safe) <= _MAX_HEADER else safe[: _MAX_HEADER - 3] + "..."


class ResponseBuilder:
    """Builds the responses of one dialect in one release."""

    def __init__(self, dialect: Dialect, release: Release, renderer: Renderer) -> None:
        """Prepare the bytes around the data of every response."""
        self._dialect = dialect
        self._type: str = dialect["envelope.content_type"]
        self._envelopes = Envelopes(dialect, release, renderer)
        self._around = {method: self._envelope(method) for method in _METHODS}
        self._by_data = {*filter(self._envelopes.depends_on_data, _METHODS)}
        self._empty_list = orjson.dumps(self._envelopes.listing([]))
        #: Whether responses depend on how many webhook requests match, beyond those listed.
        self.counts_matches = "list" in self._by_data

    def data(self, body: bytes, method: str, about: Mapping[str, Any] | None = None) -> Response:
        """Return a success of ``method`` with ``body`` as its data.

        ``about`` is what its texts may name.
        """
        before, after = self._envelope(method, about) if about else self._around[method]
        return Response(200, b"".join((before, body, after)), self._type)

    def record(self, body: bytes, selection: Selection | None, method: str) -> Response:
        """Return a success of ``method`` with one record."""
        about = orjson.loads(body) if method in self._by_data else None
        response = self.data(body if selection is None else selection.of(body), method, about)
        response.dials = () if selection is None else selection.dials
        return response

    def listing(
        self, bodies: list[bytes], selection: Selection | None, matches: int | None = None
    ) -> Response:
        """Return a success with ``bodies`` as a list; a long one is streamed.

        A stream that fails closes the connection: its status is sent by then. ``matches`` says how
        many webhook requests match, if it was counted.
        """
        if not bodies:
            whole = self._empty_list
            if matches:
                whole = orjson.dumps(self._envelopes.listing([], matches))
            return Response(200, whole, self._type, dials=("list.empty",), results=0)
        decided = () if selection is None else selection.dials
        before, after = self._around["list"]
        if "list" in self._by_data:
            about = {"results": len(bodies), "matches": matches or 0}
            before, after = self._envelope("list", about)
        if len(bodies) <= MAX_JOINED:
            chosen = bodies if selection is None else map(selection.of, bodies)
            whole = b"".join((before, b"[", b",".join(chosen), b"]", after))
            return Response(200, whole, self._type, dials=decided, results=len(bodies))
        length = None
        if selection is None:  # with brackets and commas
            length = len(before) + sum(map(len, bodies)) + len(bodies) + 1 + len(after)
        stream = chunked(_parts(before, bodies, selection, after))
        return Response(200, stream, self._type, length, dials=decided, results=len(bodies))

    def _envelope(self, method: str, about: Mapping[str, Any] | None = None) -> tuple[bytes, bytes]:
        """Return what stands before and after the data of a success."""
        whole = orjson.dumps(self._envelopes.success("@", method, about or {}))
        before, _, after = whole.partition(b'"data":"@"')  # in no text: there quotes are escaped
        return before + b'"data":', after

    def error(self, error: VendorError, method: str) -> Response:
        """Return the response to a request of ``method`` that is refused with ``error``."""
        status, whole = self._envelopes.refusal(error.details, method=method, **error.facts)
        statement = statement_of_error(error.kind, method)
        body = compact_json(whole)  # the journal keeps it
        return Response(status, body, self._type, statement=statement)

    def internal_error(self, why: str) -> Response:
        """Return the response to a request that the mock itself failed to carry out."""
        text = "Internal error of the mock, whatever the request is. Its log says more."
        body = compact_json(self._envelopes.failure(INTERNAL_ERROR, text))
        response = Response(500, body, self._type, warnings=(f"internal error: {why}",))
        response.is_internal_error = True
        return response


def _parts(
    before: bytes, bodies: list[bytes], selection: Selection | None, after: bytes
) -> Iterator[bytes]:
    """Yield the parts of a list."""
    yield before + b"["
    for at, body in enumerate(bodies):
        chosen = body if selection is None else selection.of(body)
        yield b"," + chosen if at else chosen
    yield b"]" + after


def chunked(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Join small parts into chunks of about 64 KiB, which are worth sending."""
    waiting, size = [], 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= _CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)
