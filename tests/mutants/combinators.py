"""What a row of the table is, and the usual ways to make the sound server wrong in one step.

A function that overrides a step names the arguments that it needs, in any order: those of the
step, ``server``, and ``base``, which is the step as the sound server does it.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

from stand_in.choices import Choices
from stand_in.reading import SEMI_OPTIONAL, Call, Refusal, Request
from stand_in.server import Reply, StandIn
from stand_in.tokens import encoded
from stand_in.world import Record


@dataclass(frozen=True)
class Row:
    """One mutant: a server that breaks something documented."""

    id: str
    set: int  # who wrote it, and when: each set has a rate of its own
    statements: tuple[str, ...]  # the ids of those that it breaks, the nearest first
    about: str  # what is wrong
    server_class: type[StandIn]
    release: str
    changes: Mapping[str, Any]  # the choices that it needs

    @property
    def choices(self) -> Choices:
        """The choices of the server, and of the sound one that it is compared with."""
        return replace(Choices(), **self.changes)

    def server(self, seed: int = 0) -> StandIn:
        """Return a new server with the fault."""
        return self.server_class(self.choices, self.release, seed)


TABLE: dict[str, Row] = {}


@dataclass(frozen=True)
class Override:
    """What a class of servers has of its own."""

    base: type[StandIn] = StandIn
    members: Mapping[str, Any] = field(default_factory=dict)


Function = Callable[..., Any]


def row(
    set_: int,
    name: str,
    statements: str,
    about: str,
    override: Override,
    release: str = "R9",
    **changes: Any,
) -> None:
    """Add a row to the table; ``statements`` are ids with blanks between them."""
    made = type(name, (override.base,), dict(override.members))
    _add(Row(name, set_, tuple(statements.split()), about, made, release, changes))


def mutant(
    set_: int,
    statements: str,
    how: Callable[[Function], Override] | None = None,
    release: str = "R9",
    **changes: Any,
) -> Callable[[Any], Any]:
    """Add a row to the table that needs more than an expression: a function, or a class."""

    def declare(made: Any) -> Any:
        about = inspect.getdoc(made) or ""
        if how is not None:
            row(set_, made.__name__, statements, about, how(made), release, **changes)
        else:
            name = re.sub(r"(?<!^)(?=[A-Z])", "_", made.__name__).lower()
            _add(Row(name, set_, tuple(statements.split()), about, made, release, changes))
        return made

    return declare


def _add(added: Row) -> None:
    assert added.id not in TABLE, added.id
    TABLE[added.id] = added


# Overriding one step.


def given(function: Function, arguments: Mapping[str, Any]) -> Any:
    """Call a function with those arguments that it names."""
    return function(**{n: arguments[n] for n in names_of(function) if n in arguments})


@cache
def names_of(function: Function) -> tuple[str, ...]:
    """Return the names of a function's arguments, as a caller would write them."""
    return tuple(name.lstrip("_") for name in inspect.signature(function).parameters)


def step(name: str, function: Function | None = None, on: type[StandIn] = StandIn) -> Any:
    """Override one step of a class; without a function return what takes one."""
    if function is None:
        return partial(step, name, on=on)
    sound = getattr(on, name)
    arguments = names_of(sound)[1:]

    def run(self: StandIn, *values: Any) -> Any:
        named = dict(zip(arguments, values, strict=False))
        return given(function, {**named, "server": self, "base": partial(sound, self)})

    return Override(on, {name: run})


def only(method: str, name: str, function: Function) -> Override:
    """Override one step for calls of one method."""
    override: Override = step(name, function)
    changed, sound = override.members[name], getattr(StandIn, name)
    at = names_of(sound).index("call") - 1

    def run(self: StandIn, *values: Any) -> Any:
        return (changed if values[at].method == method else sound)(self, *values)

    return Override(StandIn, {name: run})


def filters_by(filtered: str, function: Function | None = None) -> Any:
    """Decide otherwise whether one filter, with ``value``, selects a record.

    ``base`` needs no arguments.
    """
    if function is None:
        return partial(filters_by, filtered)

    def matches(server: StandIn, base: Function, record: Record, name: str, call: Call) -> Any:
        if name != filtered:
            return base(record, name, call)
        sound = partial(base, record, name, call)
        named = {"value": call.filters[name], "record": record, "call": call}
        return given(function, {**named, "server": server, "base": sound})

    return step("matches", matches)


def changes_view(*methods: str, function: Function | None = None) -> Any:
    """Change the ``view`` of a ``record`` that some methods show, or all."""
    if function is None:
        return lambda function: changes_view(*methods, function=function)

    def view(server: StandIn, base: Function, record: Record, call: Call) -> Any:
        shown = base(record, call)
        if not methods or call.method in methods:
            given(function, {"server": server, "view": shown, "record": record, "call": call})
        return shown

    return step("view", view)


def shows(name: str, function: Function, *methods: str) -> Any:
    """Show another value for one field in some methods, or in all."""

    def change(server: StandIn, view: dict[str, Any], record: Record, call: Call) -> None:
        named = {"server": server, "view": view, "record": record, "call": call}
        view[name] = given(function, named)

    return changes_view(*methods, function=change)


def leaves_out(name: str, *methods: str) -> Any:
    """Leave one field out of what some methods show, or all."""
    return changes_view(*methods, function=lambda view: view.pop(name))


def refuses(kind: str, when: Function) -> Any:
    """Refuse calls that must be served."""

    def read_arguments(server: StandIn, base: Function, call: Call) -> None:
        base(call)
        if given(when, {"server": server, "call": call}):
            raise Refusal(kind, "This is not possible.")

    return step("read_arguments", read_arguments)


# Steps that the sound server does not have.


def ignores(ignored: str, beside: str) -> Override:
    """Ignore one filter in the presence of another parameter."""

    def matches(base: Function, record: Record, name: str, call: Call) -> Any:
        given_too = beside in call.filters or beside in call.parameters
        return (name == ignored and given_too) or base(record, name, call)

    return step("matches", matches)  # type: ignore[no-any-return]


def lists_all(when: Function) -> Override:
    """Take some lists for lists without a filter."""

    def read_arguments(server: StandIn, base: Function, call: Call) -> None:
        everything = call.method == "list" and given(when, {"server": server, "call": call})
        if everything:
            call.parameters["entity"] = "JOBS"
        base(call)
        if everything:
            del call.filters["entity"]

    return step("read_arguments", read_arguments)  # type: ignore[no-any-return]


def is_enough(*names: str) -> Override:
    """Take some optional parameters for a filter that is enough by itself."""

    def alone(call: Call) -> bool:
        return {*names} <= {*call.parameters} and not {*SEMI_OPTIONAL} & {*call.parameters}

    return lists_all(alone)


def accepts_token(same: Function) -> Override:
    """Take a ``token`` for the ``known`` one that it is not quite the same as."""

    def check_token(server: StandIn, base: Function, token: Any, call: Call) -> None:
        named = {"server": server, "token": token, "call": call}
        known = [*server.tokens.known] if isinstance(token, str) else []
        base(next((k for k in known if given(same, {**named, "known": k})), token), call)

    return step("check_token", check_token)  # type: ignore[no-any-return]


def changes_jwt(function: Function, **header: str) -> Override:
    """Issue a JWT with other ``claims``, or with another header."""

    def do_login(server: StandIn, base: Function, call: Call) -> Any:
        token = base(call)["token"]
        named = {"server": server, "claims": server.tokens.claims(token)}
        parts = (header or {"typ": "JWT", "alg": "HS256"}, given(function, named))
        made = ".".join([*(encoded(json.dumps(part)) for part in parts), token.split(".")[2]])
        server.tokens.known[made] = server.tokens.known.pop(token)
        return {"token": made}

    return step("do_login", do_login)  # type: ignore[no-any-return]


def html_page(when: Function) -> Override:
    """Answer some requests with a page of the application server."""

    def answer(server: StandIn, base: Function, request: Request) -> Reply:
        if given(when, {"server": server, "request": request}):
            page = b"<html><body><h1>HTTP Status 500</h1></body></html>"
            return Reply(500, "text/html;charset=utf-8", page)
        return base(request)  # type: ignore[no-any-return]

    return step("answer", answer)  # type: ignore[no-any-return]


def changes_body(function: Function, *methods: str) -> Override:
    """Write other bytes as the ``body`` of a success of some methods, or of all."""

    def success(base: Function, call: Call, data: Any) -> Reply:
        sound: Reply = base(call, data)
        if methods and call.method not in methods:
            return sound
        return replace(sound, body=given(function, {"body": sound.body, "call": call}))

    return step("success", success)  # type: ignore[no-any-return]


def changes_envelope(function: Function, *methods: str) -> Override:
    """Return something else than the ``envelope`` of a success of some methods, or of all."""

    def change(body: bytes, call: Call) -> bytes:
        named = {"envelope": json.loads(body), "call": call}
        return json.dumps(given(function, named)).encode()

    return changes_body(change, *methods)


def with_status(*methods: str, **members: Any) -> Override:
    """Change members of the status of a success of some methods, or of all."""
    return changes_envelope(
        lambda envelope: {**envelope, "status": {**envelope["status"], **members}}, *methods
    )


def with_data(function: Function, *methods: str) -> Override:
    """Return other ``data`` in a success of some methods, or of all."""
    return changes_envelope(
        lambda envelope: {**envelope, "data": function(envelope["data"])}, *methods
    )


def writes_text(function: Function) -> Override:
    """Write the ``text`` of a body, which has letters beyond ASCII, into other bytes."""

    def reply(base: Function, http: int, envelope: Any) -> Reply:
        sound = base(http, envelope)
        text = json.dumps(json.loads(sound.body), ensure_ascii=False)
        return Reply(sound.status, sound.content_type, function(text))

    return step("reply", reply)  # type: ignore[no-any-return]


def writes_errors(*kinds: str, function: Function | None = None) -> Any:
    """Write the ``envelope`` of errors of some kinds, or of all, in another way."""
    if function is None:
        return lambda function: writes_errors(*kinds, function=function)

    def refusal(server: StandIn, base: Function, request: Request, refusal: Refusal) -> Reply:
        sound = base(request, refusal)
        if kinds and refusal.kind not in kinds:
            return sound  # type: ignore[no-any-return]
        return server.reply(sound.status, function(json.loads(sound.body)))

    return step("refusal", refusal)


class KeepsList(StandIn):
    """Keeps the last list until a record changes."""

    def set_up(self) -> None:
        """Keep nothing yet."""
        self.kept: tuple[Any, Any] = (None, None)

    def list_key(self, call: Call) -> Any:
        """Return what a list that is kept goes by."""
        return call

    def do_list(self, call: Call) -> Any:
        """Return what is kept, or what is there."""
        key = self.list_key(call)
        if self.kept[0] != key:
            self.kept = (key, super().do_list(call))
        return self.kept[1]

    def send_again(self, record: Record) -> None:
        """Forget the list."""
        super().send_again(record)
        self.set_up()

    def remove(self, record: Record) -> None:
        """Forget the list."""
        super().remove(record)
        self.set_up()


def keeps_list(key: Function) -> Override:
    """Return the last list again for every list that has the same key."""
    return step("list_key", key, on=KeepsList)  # type: ignore[no-any-return]


def pages(**values: Function) -> Any:
    """Cut a page with another ``skip`` or ``limit`` than the call has."""

    def page(server: StandIn, base: Function, found: list[Record], call: Call) -> Any:
        named = {"server": server, "found": found, "call": call}
        return base(found, replace(call, **{n: given(f, named) for n, f in values.items()}))

    return step("page", page)


def then_sets(name: str, **values: Function) -> Any:
    """Change fields of a ``record`` after one step of a resend."""

    def change(server: StandIn, base: Function, record: Record) -> None:
        base(record)
        for field_name, value in values.items():
            setattr(record, field_name, given(value, {"server": server, "record": record}))

    return step(name, change)


def loses(when: Function, kind: str = "unknown_record") -> Any:
    """Find a ``record`` that exists and refuse the call."""

    def find(server: StandIn, base: Function, call: Call) -> Record:
        record: Record = base(call)
        if given(when, {"server": server, "record": record, "call": call}):
            raise Refusal(kind, "No webhook request has this value.")
        return record

    return step("find", find)
