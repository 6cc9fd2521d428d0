"""Combinators: each makes a sound server wrong in one way, from a function that a row has."""

import json
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any

from sound_server.reading import SEMI_OPTIONAL, Call, Refusal
from sound_server.server import Reply
from sound_server.tokens import encoded
from sound_server.world import Record

from mutants.steps import Function, Mutant, Named, apply, first, instead, step, then


def asked(call: Call) -> str:
    """Return the parameters of a list except its token, as text."""
    return repr(sorted(pair for pair in call.parameters.items() if pair[0] != "token"))


def refuses(
    kind: str, when: Function, method: str = "", before: str = "", after: str = "read_arguments"
) -> Any:
    """Refuse calls that must be served: once their parameters are read, or around another step."""

    def refuse(named: Named) -> None:
        if apply(when, named):
            raise Refusal(kind, "This is not possible.")

    return first(before, refuse, method) if before else then(after, refuse, method)


def reads_as(parameter: str, function: Function, method: str = "") -> Any:
    """Read another value than the ``text`` of a parameter, which may be of another type."""

    def change(call: Call, named: Named) -> None:
        if parameter in call.parameters:
            read = apply(function, named, text=call.parameters[parameter])
            call.parameters[parameter] = read

    return first("read_arguments", change, method)


def lists_all(when: Function) -> Any:
    """Handle some lists as lists without a filter."""

    def read_arguments(sound: Function, call: Call, named: Named) -> None:
        everything = apply(when, named)
        if everything:
            call.parameters["entity"] = "JOBS"
        sound()
        if everything:
            del call.filters["entity"]

    return step("read_arguments", read_arguments, "list")


def is_enough(*names: str) -> Any:
    """Accept a list with only some optional parameters."""

    def alone(call: Call) -> bool:
        return {*names} <= {*call.parameters} and not {*SEMI_OPTIONAL} & {*call.parameters}

    return lists_all(alone)


# Tokens.


def accepts_token(same: Function) -> Any:
    """Accept a ``token`` that is not quite the same as the ``issued`` one."""

    def check_token(server: Mutant, base: Function, token: Any, call: Call, named: Named) -> None:
        tokens = [*server.tokens.known] if isinstance(token, str) else []
        base(next((issued for issued in tokens if apply(same, named, issued=issued)), token), call)

    return step("check_token", check_token)


def writes_token(function: Function) -> Any:
    """Issue another text than ``token`` at a login, and accept it later."""

    def other(server: Mutant, made: dict[str, str], named: Named) -> Any:
        token = apply(function, named, token=made["token"])
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


# Which records are found.


def filters_by(filtered: str, function: Function) -> Any:
    """Decide otherwise whether one filter, with ``value``, selects a record.

    ``base`` needs no argument; another record may be its argument.
    """

    def matches(base: Function, record: Record, name: str, call: Call, named: Named) -> Any:
        def right(other: Record = record) -> Any:
            return base(other, name, call)

        if name != filtered:
            return right()
        return apply(function, named, value=call.filters[name], base=right)

    return step("matches", matches)


def omits(when: Function) -> Any:
    """Leave some records out of lists."""
    return step("selected", lambda sound, named: not apply(when, named) and sound())


def still_lists(when: Function) -> Any:
    """Return deleted records behind the others in some lists."""

    def select(server: Mutant, made: list[Record], call: Call, named: Named) -> Any:
        gone = (record for record in server.deleted.values() if apply(when, named, record=record))
        return made + [record for record in gone if server.selected(record, call)]

    return instead("select", select)


def lists(function: Function) -> Any:
    """Cut pages from other ``records`` than those that the filters select."""
    return step("page", lambda base, call, named: base(apply(function, named), call))


def loses(when: Function, kind: str = "unknown_record", method: str = "") -> Any:
    """Find a ``record`` that exists and refuse the call."""

    def is_lost(made: Record, named: Named) -> Any:
        return apply(when, named, record=made)

    return refuses(kind, is_lost, method, after="find")


# What changes.


def then_sets(name: str, **values: Function) -> Any:
    """Change fields of a ``record`` after one step of a resend."""

    def change(record: Record, named: Named) -> None:
        vars(record).update({field: apply(value, named) for field, value in values.items()})

    return then(name, change)


def also(name: str, effect: Function, which: Function, limit: int | None = None) -> Any:
    """After one step of a ``record`` change each ``other`` that is chosen, up to a limit."""

    def change(server: Mutant, named: Named) -> None:
        records = server.records.values()
        for other in [other for other in records if apply(which, named, other=other)][:limit]:
            effect(server, other)

    return then(name, change)


# What is shown of a record.


def changes_view(*methods: str) -> Any:
    """Return a combinator: its function changes the ``view`` that some methods show, or all."""

    def change(function: Function) -> Any:
        def shown(made: dict[str, Any], call: Call, named: Named) -> None:
            if not methods or call.method in methods:
                apply(function, named, view=made)

        return then("view", shown)

    return change


def shows(name: str, function: Function, *methods: str) -> Any:
    """Show another value of one field than is ``shown``, in some methods or in all."""

    def change(view: dict[str, Any], named: Named) -> None:
        view[name] = apply(function, named, view=view, shown=view[name])

    return changes_view(*methods)(change)


def alters(path: str, function: Function, *methods: str) -> Any:
    """Show another value than is ``shown`` at a path such as ``url``, unless it is null.

    The path may lead into an object, with a pattern there: ``log_information.*_date``.
    """
    name, _, inner = path.partition(".")

    def other(shown: Any, named: Named) -> Any:
        return None if shown is None else apply(function, named, shown=shown)

    def change(shown: Any, named: Named) -> Any:
        if shown is None or not inner:
            return other(shown, named)
        return {n: other(v, named) if fnmatch(n, inner) else v for n, v in shown.items()}

    return shows(name, change, *methods)


# Responses.


def changes_body(function: Function, *methods: str) -> Any:
    """Write other bytes as the ``body`` of a success of some methods, or of all."""

    def other(made: Reply, call: Call, named: Named) -> Reply:
        if methods and call.method not in methods:
            return made
        return replace(made, body=apply(function, named, body=made.body))

    return instead("success", other)


def changes_envelope(function: Function, *methods: str) -> Any:
    """Return another ``envelope`` of a success of some methods, or of all."""
    return changes_body(lambda body: json.dumps(function(json.loads(body))).encode(), *methods)


def with_data(function: Function, *methods: str) -> Any:
    """Return other ``data`` in a success of some methods."""

    def success(base: Function, call: Call, data: Any, named: Named) -> Any:
        return base(call, apply(function, named) if call.method in methods else data)

    return step("success", success)


def replies(function: Function, *kinds: str) -> Any:
    """Return another response than ``reply`` to refusals of some kinds, or to all."""

    def other(made: Reply, refusal: Refusal, named: Named) -> Any:
        wrong = not kinds or refusal.kind in kinds
        return apply(function, named, reply=made) if wrong else made

    return instead("refusal", other)
