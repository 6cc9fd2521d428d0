"""What is shown of an entry of the journal: redacted, read into parameters, explained.

A view computes each of its parts once, when it is asked for: most entries are never viewed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from crmcom_kit.mock_server.deliveries.attempts import Attempts
from crmcom_kit.mock_server.faults.matching import FindRecord
from crmcom_kit.mock_server.faults.registry import Faults
from crmcom_kit.mock_server.journal.journal import Entry, Journal, TruncatedBody
from crmcom_kit.mock_server.journal.tracing import Step, trace
from crmcom_kit.mock_server.protocol.config import Config
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.parameters import REQUEST_IDENTIFIER
from crmcom_kit.mock_server.protocol.request import MAX_BODY_BYTES, query_pairs
from crmcom_kit.mock_server.store.records import Key
from crmcom_kit.redaction import Pairs, Redactor, as_dicts, parsed_json, redact_path
from crmcom_kit.schemas import API_PATH
from crmcom_kit.schemas.methods import Method


@dataclass(frozen=True)
class JournalReader:
    """Builds views of the entries of one journal."""

    journal: Journal
    config: Config  # of the world
    redactor: Redactor  # knows the world's secrets as they are now
    attempts: Attempts  # to deliver
    faults: Faults
    find_record: FindRecord  # in the store as it is now

    def calls(self, since: int = 0) -> "list[CallView]":
        """Return views of the entries with numbers above ``since``, oldest first."""
        return [CallView(self, entry) for entry in self.journal.entries(since)]


class CallView:
    """One request and its response, without secrets.

    It shows both as they were when it was made: a request that was running then has no response,
    whatever came later.
    """

    def __init__(self, reader: JournalReader, entry: Entry) -> None:
        """View ``entry``; every part that takes time is computed when it is asked for."""
        self._reader = reader
        self._redactor = reader.redactor
        self.entry = entry
        self.response = response = entry.response
        self.result = entry.result
        self.id = reader.journal.id_of(entry.number)
        #: Counted from 1 since the last reset.
        self.number = entry.number
        #: When it began, by the world's clock.
        self.at = entry.at
        #: Whether it has no response yet.
        self.running = response is None
        #: The HTTP status of the response; None while it is running.
        self.status = None if response is None else response.status
        #: How many seconds of the machine's time it took; None while it is running.
        self.seconds = None if response is None else entry.seconds
        #: The error in the response.
        self.error = None if response is None else response.error
        #: The statement that decided: the one that the request broke.
        self.statement = None if response is None else response.statement

    def __repr__(self) -> str:
        outcome = "running" if self.running else self.status
        return f"<call {self.id}: {self.operation} {self.identifier or ''} {outcome}>"

    @property
    def verb(self) -> str:
        """The HTTP verb."""
        return self._redactor.text(self.entry.request.verb)

    @cached_property
    def path(self) -> str:
        """The path, from the API's base path on."""
        path = self.entry.request.path
        whole = f"/{path}" if path.split("/", 1)[0] == "crmapi" else f"{API_PATH}/{path}"
        return self._redactor.text(redact_path(whole))

    @cached_property
    def query(self) -> str:
        """The query as it was sent."""
        return self._redactor.query(self.entry.request.query.decode("latin-1"))

    @property
    def url(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @cached_property
    def query_parameters(self) -> tuple[tuple[str, str], ...]:
        """The query's parameters, in order."""
        try:
            pairs = query_pairs(self.entry.request.query)
        except VendorError:
            return ()
        redactor = self._redactor
        return tuple((redactor.name(name), str(redactor.value(name, text))) for name, text in pairs)

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The request's headers."""
        request = self.entry.request
        found = [
            (name.removeprefix("HTTP_").replace("_", "-").title(), value)
            for name, value in request.headers.items()
        ]
        if request.content_type:
            found.append(("Content-Type", request.content_type))
        if request.authorization and "HTTP_AUTHORIZATION" not in request.headers:
            found.append(("Authorization", request.authorization))
        return tuple((name, self._redactor.header(name, value)) for name, value in found)

    @cached_property
    def body(self) -> str:
        """The request's body."""
        body = self.entry.request.body
        if body is None:
            return f"(more than {MAX_BODY_BYTES} bytes)"
        return self._redactor.request_body(body)

    @cached_property
    def method(self) -> Method | None:
        """The method of the API that was requested; None if the path has none."""
        methods = self._reader.config.methods
        by_name = {method.name: method for method in methods.values()}
        named = None if self.result is None else by_name.get(self.result.method)
        return named or methods.get(self.entry.request.path)

    @property
    def operation(self) -> str | None:
        """The name of that method, such as ``resend``."""
        return None if self.method is None else self.method.name

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The parameters, from query or body alike; a list for one that is repeated.

        An identifier is an object, ``{"number": "7"}``, in a query as in a body.
        """
        is_post = self.entry.request.verb == "POST"
        pairs: Sequence[tuple[str, Any]]
        pairs = self._body_members() if is_post else self.query_parameters
        found: dict[str, list[Any]] = {}
        for name, value in pairs:
            found.setdefault(name, []).append(self._read(name, value))
        return {name: each[0] if len(each) == 1 else each for name, each in found.items()}

    def _body_members(self) -> list[tuple[str, Any]]:
        """Return the members of the body, repeated ones included; none if it is not an object."""
        parsed = parsed_json((self.entry.request.body or b"").decode("utf-8", "replace"))
        if parsed is None or not isinstance(parsed[0], Pairs):
            return []
        try:
            members = self._redactor.value("", parsed[0])
            return [(name, as_dicts(part)) for name, part in members]
        except RecursionError:
            return []

    def _read(self, name: str, value: Any) -> Any:
        parameter = self.method.parameters.get(name) if self.method else None
        if parameter is not None and parameter.type == "object" and isinstance(value, str):
            field, equals, text = value.partition("=")
            if equals:
                return {field: text}
        return value

    @property
    def identifier(self) -> str | None:
        """The webhook request that it named, as ``number=7`` or ``id=…``."""
        value = self.parameters.get(REQUEST_IDENTIFIER)
        if isinstance(value, dict) and len(value) == 1:
            ((field, text),) = value.items()
            return f"{field}={text}"
        return None

    @cached_property
    def response_headers(self) -> tuple[tuple[str, str], ...]:
        """The response's headers."""
        headers = [] if self.response is None else self.response.headers()
        return tuple((name, self._redactor.text(value)) for name, value in headers)

    @cached_property
    def response_body(self) -> str:
        """The response's body; the beginning of a very long one."""
        body = b"" if self.response is None else self.entry.body
        content = body.content if isinstance(body, TruncatedBody) else body
        return self._redactor.response_body(content)

    @property
    def response_size(self) -> int:
        """How many bytes the response's body has, as far as it was sent."""
        if self.response is None:
            return 0
        body = self.entry.body
        if isinstance(body, TruncatedBody):
            return body.length
        return self.response.length or len(body)

    @cached_property
    def code(self) -> str | None:
        """The status code in the response's envelope, ``OK`` or an error's."""
        if self.response is None:
            return None
        error = self.error
        if error is not None:
            return str(self._reader.config.dialect[f"errors.{error.kind}.code"])
        fault = self.entry.fault
        is_own = self.response.method and (fault is None or "status" not in fault.effect)
        # Not read from the body, of which a fault or the journal may have kept a part.
        return "OK" if is_own and self.status == 200 else None

    @property
    def entity(self) -> str | None:
        """The entity of the webhook request that it touched, or the one that a list asked for."""
        found = (self.before or self.after or self.parameters).get("entity")
        return found if isinstance(found, str) else None

    @property
    def results(self) -> int | None:
        """How many webhook requests a list has; None of anything else."""
        return None if self.result is None else self.result.results

    @property
    def outcome(self) -> str | None:
        """*refused* if it broke a restriction, else *accepted*; None while it is running.

        The effect of a fault does not count.
        """
        if self.running:
            return None
        return "accepted" if self.error is None or self.statement is None else "refused"

    @cached_property
    def fault(self) -> dict[str, Any] | None:
        """The fault that hit it."""
        fault = self.entry.fault
        shown: dict[str, Any] | None = None
        if fault is not None:
            shown = json.loads(self._redactor.hide(json.dumps(fault.as_json())))
        return shown

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """The mock's remarks on it."""
        return () if self.result is None else tuple(map(self._redactor.text, self.result.warnings))

    @property
    def deliveries(self) -> tuple[int, ...]:
        """The numbers of the attempts to deliver that it caused."""
        return () if self.result is None else self.result.attempts

    @cached_property
    def trace(self) -> tuple[Step, ...]:
        """The chain of causes: what decided, what it changed, what was sent, what came back.

        It ends where a running request is held back.
        """
        attempts = self._reader.attempts.with_repeats(*self.deliveries)
        return trace(self._reader.config, self.entry.fault, self.result, attempts)

    def redacted(self, text: str) -> str:
        """Return a text without the secrets of the world."""
        return self._redactor.text(text)

    @cached_property
    def before(self) -> dict[str, Any] | None:
        """The webhook request that it touched, as it was before."""
        return None if self.result is None else _read_record(self.result.before)

    @cached_property
    def after(self) -> dict[str, Any] | None:
        """The same webhook request afterwards; None if it was deleted."""
        return None if self.result is None else _read_record(self.result.after)

    @property
    def state_before(self) -> str | None:
        """The state of that webhook request before."""
        return None if self.before is None else self.before["life_cycle_state"]

    @property
    def state_after(self) -> str | None:
        """Its state afterwards; None if it was deleted."""
        return None if self.after is None else self.after["life_cycle_state"]

    @property
    def record(self) -> dict[str, str] | None:
        """Id and number of the webhook request that it touched."""
        found = self.before or self.after
        return None if found is None else {"id": found["id"], "number": found["number"]}

    @property
    def named_record(self) -> dict[str, str] | None:
        """Id and number of the webhook request that it names, if one exists now."""
        name, _, value = (self.identifier or "").partition("=")
        key: Key = "id" if name == "id" else "number"
        found = self._reader.find_record(key, value)
        return None if found is None else {"id": found.id, "number": found.number}

    @cached_property
    def near_miss(self) -> dict[str, Any] | None:
        """Of a refused request: statement, what was seen, what is allowed, and the suggestion."""
        error, response = self.error, self.response
        if error is None or response is None or self.outcome != "refused":
            return None
        text, suggestion = self._redactor.text, response.suggestion
        return {
            "statement": response.statement,
            "error_kind": error.kind,
            "parameter": text(error.parameter),
            "seen": text(error.seen),
            "allowed": text(error.allowed),
            "suggestion": None if suggestion is None else text(suggestion),
        }


def _read_record(body: bytes | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None if body is None else orjson.loads(body)
    return found
