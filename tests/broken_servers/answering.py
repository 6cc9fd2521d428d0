"""Wrong in the envelope of answers and in errors."""

import json
from dataclasses import replace
from typing import Any

from broken_servers.catalogue import broken
from broken_servers.toolkit import Answer, Asked, Forward, Memory


def _status(answer: Answer, **members: Any) -> Answer:
    """Return the answer with members of its status changed."""
    envelope = answer.json
    return answer.saying({**envelope, "status": {**envelope["status"], **members}})


@broken("envelope.json")
def show_ends_in_a_comma(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The JSON of show has a comma too many."""
    answer = forward(asked)
    if asked.method == "show" and answer.ok:
        return answer.holding(answer.content.rstrip().removesuffix(b"}") + b",}")
    return answer


@broken("envelope.json")
def list_is_xml(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """List answers with XML."""
    answer = forward(asked)
    if asked.method == "list" and answer.ok:
        return answer.holding(b"<?xml version='1.0'?><status><code>OK</code></status>")
    return answer


@broken("envelope.status")
def status_has_no_description(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The status of an answer has no description."""
    answer = forward(asked)
    envelope = answer.json
    envelope["status"].pop("description", None)
    return answer.saying(envelope)


@broken("envelope.status")
def delete_has_no_status(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Delete answers with the webhook request alone, without an envelope."""
    answer = forward(asked)
    return answer.saying(answer.json["data"]) if asked.method == "delete" and answer.ok else answer


@broken("envelope.code_ok")
def delete_says_success(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The status code of a delete that is done is SUCCESS."""
    answer = forward(asked)
    if asked.method == "delete" and answer.ok:
        return _status(answer, code="SUCCESS")
    return answer


@broken("envelope.code_ok")
def show_says_ok_in_small_letters(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The status code of a show that is served is ok."""
    answer = forward(asked)
    return _status(answer, code="ok") if asked.method == "show" and answer.ok else answer


@broken("envelope.status_texts")
def message_is_a_list(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The message of a success is an empty array."""
    answer = forward(asked)
    return _status(answer, message=[]) if answer.ok else answer


@broken("envelope.status_texts")
def description_is_an_object(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The description of an error is an object."""
    answer = forward(asked)
    return answer if answer.ok else _status(answer, description={"details": []})


@broken("envelope.data_object")
def show_answers_an_array(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of show is an array of the one webhook request."""
    answer = forward(asked)
    return answer.with_data(answer.records) if asked.method == "show" and answer.ok else answer


@broken("envelope.data_object")
def delete_answers_text(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of delete is a text that holds the JSON of the webhook request."""
    answer = forward(asked)
    if asked.method == "delete" and answer.ok:
        return answer.with_data(json.dumps(answer.json["data"]))
    return answer


@broken("envelope.data_array")
def one_result_is_an_object(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of a list with one result is that webhook request, in no array."""
    answer = forward(asked)
    if asked.method == "list" and len(answer.records) == 1:
        return answer.with_data(answer.records[0])
    return answer


@broken("envelope.data_array")
def list_answers_pages(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Data of list is an object that holds the array and a count."""
    answer = forward(asked)
    if asked.method == "list" and answer.records:
        found = answer.records
        return answer.with_data({"total": len(found), "webhook_requests": found})
    return answer


@broken("errors.json")
def errors_are_pages(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """An error is answered with an HTML page."""
    answer = forward(asked)
    if answer.ok:
        return answer
    page = b"<html><body><h1>HTTP Status 400</h1></body></html>"
    return Answer("400 BAD REQUEST", (("Content-Type", "text/html"),), page)


@broken("errors.json")
def refused_token_is_plain_text(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """A token that is not accepted is answered with plain text."""
    answer = forward(asked)
    if answer.upholds not in ("token.from_login", "token.required"):
        return answer
    return Answer("401 UNAUTHORIZED", (("Content-Type", "text/plain"),), b"Unauthorized")


@broken("errors.no_server_error")
def unknown_identifiers_crash(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """Show of an identifier that names nothing is answered with HTTP 500, other errors are not."""
    answer = forward(asked)
    crashes = asked.method == "show" and answer.upholds == "show.identifier.known"
    return replace(answer, status="500 Internal Server Error") if crashes else answer


@broken("errors.code_not_ok")
def errors_say_ok(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """An error has HTTP status 400 and the status code OK."""
    answer = forward(asked)
    return answer if answer.ok else replace(_status(answer, code="OK"), status="400 BAD REQUEST")


@broken("errors.code_not_ok")
def error_codes_are_numbers(asked: Asked, forward: Forward, _memory: Memory) -> Answer:
    """The status code of an error is a number."""
    answer = forward(asked)
    return answer if answer.ok else _status(answer, code=4711)
