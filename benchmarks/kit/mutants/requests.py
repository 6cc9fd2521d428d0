"""Servers that read or refuse requests in a wrong way, and tokens that are taken or issued so."""

import json
from typing import Any

from stand_in.reading import SEMI_OPTIONAL, Call, Refusal
from stand_in.tokens import encoded

from mutants.steps import Function, Mutant, Named, first, given, instead, step, then


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
