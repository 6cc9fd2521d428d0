"""Servers that read or refuse requests in a wrong way, and accept or issue wrong tokens."""

import json
from typing import Any

from sound_server.reading import SEMI_OPTIONAL, Call, Refusal
from sound_server.tokens import encoded

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


def reads_filter(name: str, function: Function) -> Any:
    """Compare records with another ``value`` than a filter has."""

    def change(call: Call, named: Named) -> None:
        if name in call.filters:
            call.filters[name] = apply(function, named, value=call.filters[name])

    return then("read_arguments", change)


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
