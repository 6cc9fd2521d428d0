"""Wrong in how methods are called, in parameters and in tokens."""

from dataclasses import replace
from urllib.parse import unquote

from broken_servers.catalogue import broken, served_anyway
from broken_servers.toolkit import (
    RECORD_METHODS,
    Answer,
    Asked,
    Forward,
    Memory,
    another,
    refused,
)


@broken("methods.available")
def resend_is_missing(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Resend is answered like a method that does not exist."""
    if asked.method != "resend":
        return forward(asked)
    return replace(refused("The method does not exist."), status="404 NOT FOUND")


@broken("methods.available", release="R18")
def show_is_missing_once_deprecated(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Show is answered like a method that does not exist."""
    return refused("The method does not exist.") if asked.method == "show" else forward(asked)


@broken("methods.verb")
def delete_answers_get(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete is carried out by a GET as well, with its parameters in the query."""
    if asked.method == "delete" and asked.verb == "GET":
        return forward(asked.to("delete", webhook_request_identifier=asked.identifier))
    return forward(asked)


@broken("methods.verb")
def show_wants_post(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Show is served by POST, and refused by GET."""
    if asked.method == "show" and asked.verb == "GET":
        return replace(refused("GET is not allowed."), status="405 METHOD NOT ALLOWED")
    if asked.method == "show":
        return forward(asked.to("show", **asked.parameters))
    return forward(asked)


@broken("methods.path")
def delete_is_elsewhere(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete is called at webhook_requests/remove, and unknown at webhook_requests/delete."""
    if asked.method == "delete":
        return replace(refused("The method does not exist."), status="404 NOT FOUND")
    return forward(replace(asked, path=asked.path.replace("/remove", "/delete")))


@broken("methods.trailing_slash")
def slash_behind_is_unknown(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A slash behind a method's name leads nowhere."""
    if asked.path.endswith("/"):
        return replace(refused("The method does not exist."), status="404 NOT FOUND")
    return forward(asked)


@broken("parameters.place")
def delete_reads_the_query(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete reads its parameters from the query, and ignores its body."""
    if asked.method != "delete" or asked.verb != "POST":
        return forward(asked)
    read = replace(asked, verb="GET")
    if not read.identifier:
        return forward(replace(asked, body=b"{}"))
    return forward(read.to("delete", webhook_request_identifier=read.identifier))


@broken("parameters.body")
def resend_wants_a_form(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Resend refuses a JSON object as its body, and wants a form."""
    if asked.method == "resend" and asked.body.lstrip().startswith(b"{"):
        return replace(refused("The body is no form."), status="415 UNSUPPORTED MEDIA TYPE")
    return forward(asked)


@broken("parameters.identifier_in_query")
def plain_equals_sign_is_not_read(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """An identifier in a query is not read unless its equals sign is percent-encoded."""
    if "_identifier=id=" in asked.query or "_identifier=number=" in asked.query:
        return refused("The identifier is not readable.")
    return forward(asked)


@broken("parameters.identifier_in_query")
def show_wants_flat_identifier(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Show wants number=7 in its query, and refuses webhook_request_identifier=number=7."""
    if asked.method == "show" and asked.identifier:
        return refused("webhook_request_identifier is not supported.")
    flat = {name: asked.parameters[name] for name in ("id", "number") if name in asked.parameters}
    if asked.method == "show" and flat:
        return forward(asked.given(id=None, number=None, webhook_request_identifier=flat))
    return forward(asked)


@broken("parameters.identifier_in_body")
def delete_wants_identifier_as_text(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete refuses an identifier that is an object, and takes the text number=14."""
    if asked.method != "delete":
        return forward(asked)
    found = asked.parameters.get("webhook_request_identifier")
    if isinstance(found, dict) and found:
        return refused("webhook_request_identifier is not a text.")
    if isinstance(found, str) and "=" in found:
        name, _, value = unquote(found).partition("=")
        return forward(asked.naming(**{name: value}))
    return forward(asked)


def _known_token(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Forward a call, and keep the token of one that is served."""
    answer = forward(asked)
    if answer.ok and asked.method in RECORD_METHODS:
        memory["token"] = asked.token
    return answer


@broken("token.required")
def token_is_optional(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """A call without token is served."""
    if asked.method in RECORD_METHODS and asked.token is None and "token" in memory:
        return forward(asked.given(token=memory["token"]))
    return _known_token(asked, forward, memory)


@broken("token.required")
def show_needs_no_token(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Show alone is served without token."""
    if asked.method == "show" and asked.token is None and "token" in memory:
        return forward(asked.given(token=memory["token"]))
    return _known_token(asked, forward, memory)


@broken("token.from_login")
def any_token_is_good(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """Any token that is not empty is accepted."""
    answer = _known_token(asked, forward, memory)
    if answer.upholds == "token.from_login" and "token" in memory and asked.token:
        return forward(asked.given(token=memory["token"]))
    return answer


@broken("token.from_login", release="R12")
def signature_is_not_checked(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """A token is accepted whatever its signature is."""
    answer = _known_token(asked, forward, memory)
    if answer.upholds == "token.from_login" and "token" in memory and asked.token:
        claims = str(asked.token).rpartition(".")[0]
        if claims and claims == memory["token"].rpartition(".")[0]:
            return forward(asked.given(token=memory["token"]))
    return answer


@broken("errors.change_nothing")
def refused_delete_deletes(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A delete that is refused for naming id and number deletes all the same."""
    answer = forward(asked)
    if answer.upholds == "delete.identifier.exactly_one":
        forward(asked.naming(id=str(asked.identifier.get("id"))))
    return answer


@broken("errors.change_nothing")
def refused_resend_touches(asked: Asked, forward: Forward, memory: Memory) -> Answer:
    """A resend that is refused for its state moves updated_date all the same."""
    answer = forward(asked)
    moved = memory.setdefault("moved", set())
    if answer.upholds == "resend.only_rejected":
        moved.update(str(each) for each in asked.identifier.values())
        return answer

    def move(record: dict[str, object]) -> None:
        log = record.get("log_information")
        if isinstance(log, dict) and moved & {record.get("id"), record.get("number")}:
            log["updated_date"] = "2031-01-01T00:00:00"

    return answer.each(move)


def _some(asked: Asked, forward: Forward) -> Asked:
    """Name some webhook request instead, one that can be resent if that is what is asked for."""
    narrowed = {"life_cycle_state": "REJECTED"} if asked.method == "resend" else {}
    return asked.naming(id=another(asked, forward, **narrowed)["id"])


def _first_field(asked: Asked, _forward: Forward) -> Asked:
    name, value = next(iter(asked.identifier.items()))
    return asked.naming(**{name: value})


for _method in ("show", "resend", "delete"):
    served_anyway(
        f"{_method}_takes_two_identifiers",
        f"{_method}.identifier.exactly_one",
        f"{_method} with id and number is served; the first one counts.",
        _first_field,
    )
    served_anyway(
        f"{_method}_of_an_unknown_one",
        f"{_method}.identifier.known",
        f"{_method} of a webhook request that does not exist is served with some other.",
        _some,
    )
