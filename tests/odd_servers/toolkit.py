"""What odd servers are made of: the call as a server sees it, its answer, and the wrapping.

An odd server is a function of a call, of ``forward`` (asks the mock) and of a memory of its own.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from crmcom_kit.schemas.methods import API_PATH, methods
from crmcom_kit.schemas.releases import resolve

WsgiApp = Callable[..., Any]
Record = dict[str, Any]
Memory = dict[str, Any]  # what one odd server keeps in mind, from its start on

_NAMES = {f"{API_PATH}/{each.path}": each.name for each in methods(resolve("R18")).values()}
_PATHS = {name: path for path, name in _NAMES.items()}
RECORD_METHODS = ("show", "list", "resend", "delete")


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as it came in."""

    verb: str
    path: str  # the whole path
    query: str
    body: bytes
    environ: Mapping[str, Any]

    @property
    def method(self) -> str:
        """The name of the API method that is called, or an empty text."""
        return _NAMES.get(self.path.rstrip("/"), "")

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name: identifiers as texts in a GET, as objects in a POST."""
        if self.verb == "GET":
            return dict(parse_qsl(self.query, keep_blank_values=True))
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def token(self) -> Any:
        """The token that was sent."""
        return self.parameters.get("token")

    @property
    def identifier(self) -> dict[str, Any]:
        """The fields of webhook_request_identifier."""
        found = self.parameters.get("webhook_request_identifier", {})
        if isinstance(found, str):
            pairs = (each.partition("=") for each in found.split(","))
            return {name: value for name, equals, value in pairs if equals}
        return found if isinstance(found, dict) else {}

    def given(self, **changes: Any) -> "Asked":
        """Return the call with parameters changed; those that are None are taken out."""
        merged = {**self.parameters, **changes}
        kept = {name: value for name, value in merged.items() if value is not None}
        if self.verb == "GET":
            return replace(self, query=urlencode({n: _written(v) for n, v in kept.items()}))
        return replace(self, body=json.dumps(kept).encode())

    def naming(self, **fields: str) -> "Asked":
        """Return the call with another webhook_request_identifier."""
        return self.given(webhook_request_identifier=fields)

    def to(self, method: str, **parameters: Any) -> "Asked":
        """Return another call of the same client, with the token of this one."""
        verb = "GET" if method in ("show", "list") else "POST"
        bare = replace(self, verb=verb, path=_PATHS[method], query="", body=b"")
        return bare.given(**{"token": self.token, **parameters})


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={each}" for name, each in value.items())
    return str(value)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it goes out."""

    status: str
    headers: tuple[tuple[str, str], ...]
    content: bytes

    @property
    def json(self) -> Any:
        """The answer's JSON."""
        return json.loads(self.content)

    @property
    def ok(self) -> bool:
        """Whether the call was served."""
        return b'"code": "OK"' in self.content or b'"code":"OK"' in self.content

    @property
    def upholds(self) -> str | None:
        """The statement for whose sake the mock refused the call."""
        return next((value for name, value in self.headers if name == "X-Mock-Statement"), None)

    @property
    def records(self) -> list[Record]:
        """The webhook requests that are answered."""
        data = self.json.get("data") if self.ok else None
        return [each for each in (data if isinstance(data, list) else [data]) if each]

    def saying(self, envelope: Any) -> "Answer":
        """Return the answer with another JSON."""
        return self.holding(json.dumps(envelope).encode())

    def holding(self, content: bytes) -> "Answer":
        """Return the answer with other content."""
        return replace(self, content=content)

    def with_data(self, data: Any) -> "Answer":
        """Return the answer with other data."""
        return self.saying({**self.json, "data": data})

    def each(self, change: Callable[[Record], Record | None]) -> "Answer":
        """Return the answer with ``change`` made to its records; None leaves the record as it is.

        ``change`` may as well alter the record that it is given.
        """
        if not self.ok:
            return self
        data = self.json.get("data")
        if isinstance(data, list):
            return self.with_data([_changed(record, change) for record in data])
        return self.with_data(_changed(data, change)) if isinstance(data, dict) else self


def _changed(record: Record, change: Callable[[Record], Record | None]) -> Record:
    return change(record) or record


Forward = Callable[[Asked], Answer]
Handle = Callable[[Asked, Forward, Memory], Answer]


def refused(why: str, code: str = "COM.CRM.EXCEPTION.VALIDATION.EXCEPTION") -> Answer:
    """Return an error as a server may answer it."""
    status = {"message": why, "description": "", "code": code}
    content = json.dumps({"status": status}).encode()
    return Answer("200 OK", (("Content-Type", "application/json"),), content)


def wrapped(handle: Handle) -> Callable[[WsgiApp], WsgiApp]:
    """Return what puts ``handle`` around a WSGI application; each wrapping has its own memory."""

    def make(app: WsgiApp) -> WsgiApp:
        memory: Memory = {}

        def wrong(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if not environ["PATH_INFO"].startswith(API_PATH):
                return app(environ, start_response)  # type: ignore[no-any-return]
            asked = _read(environ)
            answer = handle(asked, lambda call: _ask(app, call), memory)
            headers = [(n, v) for n, v in answer.headers if n.lower() != "content-length"]
            start_response(answer.status, [*headers, ("Content-Length", str(len(answer.content)))])
            return [answer.content]

        return wrong

    return make


def _read(environ: Mapping[str, Any]) -> Asked:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return Asked(
        verb=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""),
        body=environ["wsgi.input"].read(length) if length else b"",
        environ=environ,
    )


def _ask(app: WsgiApp, asked: Asked) -> Answer:
    environ = {
        **asked.environ,
        "REQUEST_METHOD": asked.verb,
        "PATH_INFO": asked.path,
        "QUERY_STRING": asked.query,
        "CONTENT_LENGTH": str(len(asked.body)),
        "wsgi.input": BytesIO(asked.body),
    }
    if asked.verb == "POST":
        environ.setdefault("CONTENT_TYPE", "application/json")
    for form in ("REQUEST_URI", "RAW_URI"):
        if form in environ:
            environ[form] = quote(unquote(asked.path)) + (asked.query and f"?{asked.query}")
    begun: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _info: Any = None) -> Any:
        begun[:] = [status, headers]
        return None

    chunks = app(environ, start_response)
    try:
        content = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
    return Answer(begun[0], tuple(begun[1]), content)
