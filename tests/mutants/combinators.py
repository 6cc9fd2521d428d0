"""What a row of the table is, and the usual ways to make the sound server wrong in one step.

A function that overrides a step names the arguments that it needs, in any order: those of the
step; ``base``, which is the step as the sound server does it; ``sound``, which is the same with
the arguments that it has anyway; ``server``; the ``call`` that is being answered; ``kept``, a
dictionary in which this server remembers what the fault needs; ``named``, all of these in one
mapping. Overrides of several steps are joined with ``|``.
"""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import cache, cached_property, partial
from typing import Any

from stand_in.legal import Variant
from stand_in.reading import SEMI_OPTIONAL, Call, Refusal
from stand_in.server import Reply, StandIn
from stand_in.tokens import encoded
from stand_in.world import Record

Function = Callable[..., Any]
Named = dict[str, Any]
Override = dict[str, Function]  # the methods that a mutant has of its own


class Mutant(StandIn):
    """A sound server that remembers what is called, and what the fault of a row needs."""

    call: Call | None = None

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """Return what the fault of a row remembers."""
        return {}

    def run(self, call: Call) -> Any:
        """Remember the call."""
        self.call = call
        return super().run(call)

    def gone(self, call: Call) -> Record | None:
        """Return the deleted record that the identifier names, if there is one."""
        name, value = call.identifier
        deleted = self.deleted.values() if name else ()
        return next((each for each in deleted if getattr(each, name) == value), None)

    def undelete(self, record: Record) -> None:
        """Bring a deleted record back."""
        self.records[record.id] = self.deleted.pop(record.id)

    def put_back(self, version: Record) -> None:
        """Let a record be again as it was once, unless it is deleted."""
        if version.id in self.records:
            vars(self.records[version.id]).update(vars(version))


@dataclass(frozen=True, kw_only=True)
class Row(Variant):
    """One mutant: a server that breaks something documented."""

    set: int  # who wrote it, and when: each set has a rate of its own
    statements: tuple[str, ...]  # the ids of those that it breaks, the nearest first


ROWS: dict[str, Row] = {}


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
    assert name not in ROWS, name
    made = type(name, (Mutant,), dict(override))
    broken = tuple(statements.split())
    ROWS[name] = Row(name, about, changes, release, made, set=set_, statements=broken)


def mutant(
    set_: int,
    statements: str,
    how: Callable[[Function], Override],
    also: Override | None = None,
    release: str = "R9",
    **changes: Any,
) -> Callable[[Function], Function]:
    """Add a row whose function needs more than an expression; its name is the row's id."""

    def declare(function: Function) -> Function:
        name, about = function.__name__, inspect.getdoc(function) or ""
        row(set_, name, statements, about, how(function) | (also or {}), release, **changes)
        return function

    return declare


# Overriding one step.


def given(function: Function, arguments: Mapping[str, Any], **more: Any) -> Any:
    """Call a function with those arguments that it names, ``named`` among them."""
    known = {**arguments, **more}
    known["named"] = known
    return function(**{name: known[name] for name in names_of(function) if name in known})


@cache
def names_of(function: Function) -> tuple[str, ...]:
    """Return the names of a function's arguments, as a caller would write them."""
    return tuple(name.lstrip("_") for name in inspect.signature(function).parameters)


def step(name: str, function: Function | None = None, method: str = "") -> Any:
    """Override one step, for calls of one method or all, or return what takes the function."""
    if function is None:
        return partial(step, name, method=method)
    as_it_is = getattr(Mutant, name)
    names = names_of(as_it_is)[1:]

    def run(self: Mutant, *values: Any) -> Any:
        base = partial(as_it_is, self)
        named = {"call": self.call, **dict(zip(names, values, strict=False))}
        if method and getattr(named["call"], "method", "") != method:
            return base(*values)
        sound = partial(base, *values)
        named |= {"server": self, "kept": self.kept, "base": base, "sound": sound}
        return given(function, named)

    return {name: run}


def first(name: str, function: Function | None = None, method: str = "") -> Any:
    """Do something before one step; see ``step``."""
    if function is None:
        return partial(first, name, method=method)

    def run(sound: Function, named: Named) -> Any:
        given(function, named)
        return sound()

    return step(name, run, method)


def then(name: str, function: Function | None = None, method: str = "") -> Any:
    """Do something more after one step, which has ``made`` what it returns; see ``step``."""
    if function is None:
        return partial(then, name, method=method)

    def run(sound: Function, named: Named) -> Any:
        made = sound()
        given(function, named, made=made)
        return made

    return step(name, run, method)


def instead(name: str, function: Function | None = None, method: str = "") -> Any:
    """Return something else from one step than what it has ``made``; see ``step``."""
    if function is None:
        return partial(instead, name, method=method)

    def run(sound: Function, named: Named) -> Any:
        return given(function, named, made=sound())

    return step(name, run, method)


def rescues(name: str, function: Function, method: str = "") -> Any:
    """Return something else where one step refuses a call, unless that is None or False.

    The function may name ``refusal``, and ``gone``, the deleted record that the call names.
    """

    def run(server: Mutant, sound: Function, call: Call, named: Named) -> Any:
        try:
            return sound()
        except Refusal as refusal:
            found = given(function, named, refusal=refusal, gone=server.gone(call))
            if found is None or found is False:
                raise
            return found

    return step(name, run, method)


def caches(name: str, key: Function, *until: str, last: bool = False) -> Any:
    """Return from one step what it returned for the same key before, until some step is run.

    Nothing is kept under a key that is false; with ``last`` only what was returned last is.
    """

    def run(sound: Function, kept: dict[Any, Any], named: Named) -> Any:
        known_by = given(key, named)
        if not known_by:
            return sound()
        if known_by not in kept:
            made = sound()
            if last:
                kept.clear()
            kept[known_by] = made
        return kept[known_by]

    override: Override = step(name, run)
    for each in until:
        override |= then(each, lambda kept: kept.clear())
    return override


def keeps_list(key: Function) -> Any:
    """Return the last list again for every list that has the same key, until a record changes."""
    return caches("do_list", key, "send_again", "remove", last=True)


def counted(kept: dict[Any, Any], key: Any = "count") -> int:
    """Return how often this was asked, this time included."""
    kept[key] = kept.get(key, 0) + 1
    return int(kept[key])


# What is read of a request.


def asked(call: Call) -> str:
    """Return what a list asks for, by whatever token."""
    return repr(sorted(each for each in call.parameters.items() if each[0] != "token"))


def refuses(
    kind: str, when: Function, method: str = "", before: str = "", after: str = "read_arguments"
) -> Any:
    """Refuse calls that must be served, once their parameters are read or around another step."""

    def refuse(named: Named) -> None:
        if given(when, named):
            raise Refusal(kind, "This is not possible.")

    return first(before, refuse, method) if before else then(after, refuse, method)


def reads_as(parameter: str, function: Function, method: str = "") -> Any:
    """Read another value than the ``text`` that is given for a parameter, which may be no text."""

    def change(call: Call, named: Named) -> None:
        if parameter in call.parameters:
            read = given(function, named, text=call.parameters[parameter])
            call.parameters[parameter] = read

    return first("read_arguments", change, method)


def reads_filter(name: str, function: Function) -> Any:
    """Compare records with another ``value`` than a filter has."""

    def change(call: Call, named: Named) -> None:
        if name in call.filters:
            call.filters[name] = given(function, named, value=call.filters[name])

    return then("read_arguments", change)


def lists_all(when: Function) -> Any:
    """Take some lists for lists without a filter."""

    def read_arguments(sound: Function, call: Call, named: Named) -> None:
        everything = given(when, named)
        if everything:
            call.parameters["entity"] = "JOBS"
        sound()
        if everything:
            del call.filters["entity"]

    return step("read_arguments", read_arguments, "list")


def is_enough(*names: str) -> Any:
    """Take some optional parameters for a filter that is enough by itself."""

    def alone(call: Call) -> bool:
        return {*names} <= {*call.parameters} and not {*SEMI_OPTIONAL} & {*call.parameters}

    return lists_all(alone)


# Which records are found.


def filters_by(filtered: str, function: Function) -> Any:
    """Decide otherwise whether one filter, with ``value``, selects a record.

    ``base`` needs no arguments, and may have another record.
    """

    def matches(base: Function, record: Record, name: str, call: Call, named: Named) -> Any:
        def right(other: Record = record) -> Any:
            return base(other, name, call)

        if name != filtered:
            return right()
        return given(function, named, value=call.filters[name], base=right)

    return step("matches", matches)


def ignores(ignored: str, beside: str) -> Any:
    """Ignore one filter in the presence of another parameter."""
    return filters_by(ignored, lambda base, call: beside in call.parameters or base())


def omits(when: Function) -> Any:
    """Leave some records out of lists."""
    return step("selected", lambda sound, named: not given(when, named) and sound())


def still_lists(when: Function) -> Any:
    """Return deleted records behind the others in some lists."""

    def select(server: Mutant, made: list[Record], call: Call, named: Named) -> Any:
        gone = (each for each in server.deleted.values() if given(when, named, record=each))
        return made + [each for each in gone if server.selected(each, call)]

    return instead("select", select)


def lists(function: Function) -> Any:
    """Cut pages from other records than those that were ``found``."""
    return step("page", lambda base, call, named: base(given(function, named), call))


def pages(**values: Function) -> Any:
    """Cut a page with another ``skip`` or ``limit`` than the call has."""

    def page(base: Function, found: list[Record], call: Call, named: Named) -> Any:
        return base(found, replace(call, **{n: given(f, named) for n, f in values.items()}))

    return step("page", page)


def loses(when: Function, kind: str = "unknown_record", method: str = "") -> Any:
    """Find a ``record`` that exists and refuse the call."""

    def is_lost(made: Record, named: Named) -> Any:
        return given(when, named, record=made)

    return refuses(kind, is_lost, method, after="find")


# What changes.


def then_sets(name: str, **values: Function) -> Any:
    """Change fields of a ``record`` after one step of a resend."""

    def change(record: Record, named: Named) -> None:
        vars(record).update({field: given(value, named) for field, value in values.items()})

    return then(name, change)


def also(name: str, effect: Function, which: Function, most: int | None = None) -> Any:
    """After one step of a ``record`` do something to each ``other`` that is chosen, or so many."""

    def change(server: Mutant, named: Named) -> None:
        others = server.records.values()
        for other in [each for each in others if given(which, named, other=each)][:most]:
            effect(server, other)

    return then(name, change)


def sets(**values: Any) -> Function:
    """Return an effect that changes fields of a record."""

    def effect(_server: Mutant, record: Record) -> None:
        vars(record).update(values)

    return effect


# What is shown of a record.


def changes_view(*methods: str) -> Any:
    """Return what takes a function that changes the ``view`` that some methods show, or all."""

    def change(function: Function) -> Any:
        def shown(made: dict[str, Any], call: Call, named: Named) -> None:
            if not methods or call.method in methods:
                given(function, named, view=made)

        return then("view", shown)

    return change


def shows(name: str, function: Function, *methods: str) -> Any:
    """Show another value for one field than is ``shown``, in some methods or in all."""

    def change(view: dict[str, Any], named: Named) -> None:
        view[name] = given(function, named, view=view, shown=view[name])

    return changes_view(*methods)(change)


def alters(path: str, function: Function, *methods: str) -> Any:
    """Show another value for what is ``shown``, and not null, at a path such as ``url``.

    The path may lead into an object and have a pattern there: ``log_information.*_date``.
    """
    name, _, inner = path.partition(".")

    def other(shown: Any, named: Named) -> Any:
        return None if shown is None else given(function, named, shown=shown)

    def change(shown: Any, named: Named) -> Any:
        if shown is None or not inner:
            return other(shown, named)
        return {n: other(v, named) if fnmatch(n, inner) else v for n, v in shown.items()}

    return shows(name, change, *methods)


# Tokens.


def accepts_token(same: Function) -> Any:
    """Take a ``token`` for the ``known`` one that it is not quite the same as."""

    def check_token(server: Mutant, base: Function, token: Any, call: Call, named: Named) -> None:
        known = [*server.tokens.known] if isinstance(token, str) else []
        base(next((each for each in known if given(same, named, known=each)), token), call)

    return step("check_token", check_token)


def writes_token(function: Function) -> Any:
    """Issue another text than ``token`` at a login, and know it."""

    def other(server: Mutant, made: dict[str, str], named: Named) -> Any:
        token = given(function, named, token=made["token"])
        server.tokens.known[token] = server.tokens.known.pop(made["token"])
        return {"token": token}

    return instead("do_login", other)


def changes_jwt(function: Function, **header: str) -> Any:
    """Issue a JWT with other ``claims``, or with another header."""

    def written(server: Mutant, token: str) -> str:
        claims = function(server.tokens.claims(token))
        parts = (header or {"typ": "JWT", "alg": "HS256"}, claims)
        return ".".join([*(encoded(json.dumps(part)) for part in parts), token.split(".")[2]])

    return writes_token(written)


# Responses.

PAGE = Reply(500, "text/html;charset=utf-8", b"<html><body><h1>HTTP Status 500</h1></body></html>")


def html_page(when: Function, page: Reply = PAGE) -> Any:
    """Answer some requests with a page of the application server."""
    return step("answer", lambda sound, named: page if given(when, named) else sound())


def changes_body(function: Function, *methods: str) -> Any:
    """Write other bytes as the ``body`` of a success of some methods, or of all."""

    def other(made: Reply, call: Call, named: Named) -> Reply:
        if methods and call.method not in methods:
            return made
        return replace(made, body=given(function, named, body=made.body))

    return instead("success", other)


def changes_envelope(function: Function, *methods: str) -> Any:
    """Return something else than the ``envelope`` of a success of some methods, or of all."""
    return changes_body(lambda body: json.dumps(function(json.loads(body))).encode(), *methods)


def with_data(function: Function, *methods: str) -> Any:
    """Return other ``data`` in a success of some methods."""

    def success(base: Function, call: Call, data: Any, named: Named) -> Any:
        return base(call, given(function, named) if call.method in methods else data)

    return step("success", success)


def writes_text(function: Function) -> Any:
    """Write the ``text`` of a body, which has letters beyond ASCII, into other bytes."""

    def other(made: Reply) -> Reply:
        text = json.dumps(json.loads(made.body), ensure_ascii=False)
        return replace(made, body=function(text))

    return instead("reply", other)


def replies(function: Function, *kinds: str) -> Any:
    """Return another response than ``reply`` to refusals of some kinds, or to all."""

    def other(made: Reply, refusal: Refusal, named: Named) -> Any:
        wrong = not kinds or refusal.kind in kinds
        return given(function, named, reply=made) if wrong else made

    return instead("refusal", other)


def with_error(function: Function, *kinds: str) -> Any:
    """Write the ``status`` of errors of some kinds, or of all, in another way."""

    def written(server: Mutant, reply: Reply) -> Reply:
        envelope = json.loads(reply.body)
        return server.reply(reply.status, envelope | {"status": function(envelope["status"])})

    return replies(written, *kinds)
