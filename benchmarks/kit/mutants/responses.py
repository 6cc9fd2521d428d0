"""Servers that show a record in a wrong way, or write wrong responses."""

import json
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any

from sound_server.reading import Call, Refusal
from sound_server.server import Reply

from mutants.steps import Function, Mutant, Named, apply, instead, step, then


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

PAGE = Reply(500, "text/html;charset=utf-8", b"<html><body><h1>HTTP Status 500</h1></body></html>")


def html_page(when: Function, page: Reply = PAGE) -> Any:
    """Return a page of the application server in response to some requests."""
    return step("answer", lambda sound, named: page if apply(when, named) else sound())


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


def writes_text(function: Function) -> Any:
    """Encode the ``text`` of a body, which has letters beyond ASCII, in another way."""

    def other(made: Reply) -> Reply:
        text = json.dumps(json.loads(made.body), ensure_ascii=False)
        return replace(made, body=function(text))

    return instead("reply", other)


def replies(function: Function, *kinds: str) -> Any:
    """Return another response than ``reply`` to refusals of some kinds, or to all."""

    def other(made: Reply, refusal: Refusal, named: Named) -> Any:
        wrong = not kinds or refusal.kind in kinds
        return apply(function, named, reply=made) if wrong else made

    return instead("refusal", other)


def with_error(function: Function, *kinds: str) -> Any:
    """Write the ``status`` of errors of some kinds, or of all, in another way."""

    def written(server: Mutant, reply: Reply) -> Reply:
        envelope = json.loads(reply.body)
        return server.reply(reply.status, envelope | {"status": function(envelope["status"])})

    return replies(written, *kinds)
