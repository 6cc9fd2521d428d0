"""What is told of a call that the journal noted: masked, read into parameters, explained.

All of it is made when somebody asks, from the note as it stands; most calls nobody asks for.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from crmcom_kit.mock_server.journal.journal import Beginning, Journal, Note
from crmcom_kit.mock_server.journal.tracing import Step, trace
from crmcom_kit.mock_server.protocol.errors import VendorError
from crmcom_kit.mock_server.protocol.request import query_pairs
from crmcom_kit.mock_server.protocol.response import PLACEHOLDER, Change
from crmcom_kit.mock_server.redaction import masked_path
from crmcom_kit.mock_server.redaction_bodies import Pairs, parsed_json, secrets_of, shown_name
from crmcom_kit.schemas import API_PATH
from crmcom_kit.schemas.methods import Method

if TYPE_CHECKING:
    from crmcom_kit.mock_server.world.world import World

IDENTIFIER = "webhook_request_identifier"


class Teller:
    """Tells of the calls of one world."""

    def __init__(self, world: "World") -> None:
        """Know what is secret in ``world`` at this moment."""
        self.world = world
        self.config = world.config
        self.secrets = secrets_of(world)
        self._methods = {method.name: method for method in self.config.methods.values()}

    def method(self, note: Note) -> Method | None:
        """Return the method that a call asked for; None where its path has none."""
        return self._methods.get(note.answer.method) or self.config.methods.get(note.request.path)

    def tell(self, journal: Journal, note: Note) -> "ToldCall":
        """Return what is told of one call."""
        return ToldCall(self, journal, note)

    def calls(self, since: int = 0, journal: Journal | None = None) -> "list[ToldCall]":
        """Return the calls in the world's journal above number ``since``, oldest first."""
        journal = journal or self.world.journal
        return [ToldCall(self, journal, note) for note in journal.notes(since)]


class ToldCall:
    """One call, as it is told."""

    def __init__(self, teller: Teller, journal: Journal, note: Note) -> None:
        """Tell of ``note``; everything else is read when it is asked for."""
        self._teller = teller
        self._secrets = teller.secrets
        self.note = note
        self.id = journal.id_of(note.number)

    def __repr__(self) -> str:
        return f"<call {self.id}: {self.operation} {self.identifier or ''} {self.status}>"

    @property
    def number(self) -> int:
        """Counted from 1 since the last reset."""
        return self.note.number

    @property
    def at(self) -> datetime:
        """When it began, by the world's clock."""
        return self.note.at

    @property
    def verb(self) -> str:
        """The HTTP verb."""
        return self._secrets.message(self.note.request.verb)

    @cached_property
    def path(self) -> str:
        """The path, from the API's base path on."""
        path = self.note.request.path
        whole = f"/{path}" if path.split("/", 1)[0] == "crmapi" else f"{API_PATH}/{path}"
        return self._secrets.message(masked_path(whole))

    @cached_property
    def query(self) -> str:
        """The query as it was sent."""
        return self._secrets.query(self.note.request.query.decode("latin-1"))

    @property
    def url(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @cached_property
    def query_parameters(self) -> tuple[tuple[str, str], ...]:
        """The query's parameters, in order."""
        try:
            pairs = query_pairs(self.note.request.query)
        except VendorError:
            return ()
        value = self._secrets.value
        return tuple((shown_name(name), str(value(name, text))) for name, text in pairs)

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The request's headers."""
        request = self.note.request
        found = [
            (name.removeprefix("HTTP_").replace("_", "-").title(), value)
            for name, value in request.headers.items()
        ]
        if request.content_type:
            found.append(("Content-Type", request.content_type))
        if request.authorization and "HTTP_AUTHORIZATION" not in request.headers:
            found.append(("Authorization", request.authorization))
        return tuple((name, self._secrets.header(name, value)) for name, value in found)

    @cached_property
    def body(self) -> str:
        """The request's body."""
        return self._secrets.asked(self.note.request.body)

    @cached_property
    def method(self) -> Method | None:
        """The method of the API that was asked for; None where the path has none."""
        return self._teller.method(self.note)

    @property
    def operation(self) -> str | None:
        """The name of that method, such as ``resend``."""
        return None if self.method is None else self.method.name

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """What it was called with, from query or body alike; a list where one is repeated.

        An identifier is an object, ``{"number": "7"}``, in a query as in a body.
        """
        pairs: Sequence[tuple[str, Any]] = self.query_parameters
        if self.note.request.verb == "POST":
            parsed = parsed_json((self.note.request.body or b"").decode("utf-8", "replace"))
            inside = parsed[0] if parsed and isinstance(parsed[0], Pairs) else ()
            try:
                pairs = [(shown_name(k), self._secrets.value(k, part)) for k, part in inside]
            except RecursionError:
                pairs = ()
        found: dict[str, Any] = {}
        repeated: set[str] = set()
        for name, value in pairs:
            read = self._read(name, value)
            if name not in found:
                found[name] = read
            elif name in repeated:
                found[name].append(read)
            else:
                repeated.add(name)
                found[name] = [found[name], read]
        return found

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
        value = self.parameters.get(IDENTIFIER)
        if isinstance(value, dict) and len(value) == 1:
            ((field, text),) = value.items()
            return f"{field}={text}"
        return None

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return self.note.answer.status

    @cached_property
    def answer_headers(self) -> tuple[tuple[str, str], ...]:
        """The answer's headers."""
        return tuple((k, self._secrets.message(value)) for k, value in self.note.answer.headers())

    @cached_property
    def answer_body(self) -> str:
        """The answer's body; of a very long one the beginning."""
        text = self.note.text
        return self._secrets.answered(text.text if isinstance(text, Beginning) else text)

    @property
    def answer_size(self) -> int:
        """How many bytes the answer's body has, as far as it was sent."""
        text = self.note.text
        if isinstance(text, Beginning):
            return text.length
        return self.note.answer.length or len(text)

    @cached_property
    def code(self) -> str | None:
        """The status code in the answer's envelope, ``OK`` or an error's."""
        error = self.error
        if error is not None:
            return str(self._teller.config.dialect[f"errors.code.{error.kind}"])
        if self.note.fault is not None:
            parsed = parsed_json(self.answer_body)
            inside = dict(parsed[0]).get("status") if parsed and isinstance(parsed[0], Pairs) else 0
            return str(dict(inside).get("code")) if isinstance(inside, Pairs) else None
        return "OK" if self.note.answer.method and self.status == 200 else None

    @property
    def error(self) -> VendorError | None:
        """The error that was answered."""
        return self.note.answer.error

    @property
    def statement(self) -> str | None:
        """The statement that decided: which the call broke."""
        return self.note.answer.statement

    @property
    def matched(self) -> bool:
        """Whether it broke no restriction; what a fault did to it does not count."""
        return self.error is None or self.statement is None

    @cached_property
    def fault(self) -> dict[str, Any] | None:
        """The fault that hit it."""
        fault = self.note.fault
        told: dict[str, Any] | None = None
        if fault is not None:
            told = json.loads(self._secrets.hide(json.dumps(fault.as_json())))
        return told

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What the mock remarked on it."""
        return tuple(map(self._secrets.message, self.note.answer.warnings))

    @cached_property
    def trace(self) -> tuple[Step, ...]:
        """The steps that it went through, in order."""
        fault = self.note.fault
        return trace(
            self._teller.config,
            self.operation,
            self.note.answer,
            hit=fault is not None,
            reached=fault is None or fault.when == "after_commit" or not fault.effect.instead,
        )

    @cached_property
    def before(self) -> dict[str, Any] | None:
        """The webhook request that it touched, as it was."""
        return _read_record(self.note.answer.before)

    @cached_property
    def after(self) -> dict[str, Any] | None:
        """The same as it was left; None where it is deleted."""
        return _read_record(self.note.answer.after)

    @property
    def record(self) -> dict[str, str] | None:
        """Id and number of the webhook request that it touched."""
        found = self.before or self.after
        return None if found is None else {"id": found["id"], "number": found["number"]}

    @cached_property
    def near_miss(self) -> dict[str, Any] | None:
        """Of a refused call: statement, what was seen, what is allowed, and the suggestion."""
        error, answer = self.error, self.note.answer
        if error is None or self.matched:
            return None
        message, suggestion = self._secrets.message, answer.suggestion
        return {
            "statement": answer.statement,
            "errorKind": error.kind,
            "parameter": message(error.parameter),
            "seen": message(error.seen),
            "allowed": message(error.allowed),
            "suggestion": None if suggestion is None else message(suggestion.text),
            "changes": []
            if suggestion is None
            else [self._change(one) for one in suggestion.changes],
        }

    def _change(self, change: Change) -> dict[str, Any]:
        value = self._secrets.value(
            "" if change.value == PLACEHOLDER else change.parameter, change.value
        )
        return {**change.as_json(), "parameter": shown_name(change.parameter), "value": value}


def _read_record(body: bytes | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None if body is None else orjson.loads(body)
    return found
