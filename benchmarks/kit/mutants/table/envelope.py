"""Mutants that are wrong about methods, and whose responses are wrong around the records."""

# Each row stays together, as in a table.
# fmt: off

import gzip
import json
import re
from dataclasses import replace
from urllib.parse import parse_qsl, unquote_plus

from sound_server.reading import Refusal
from sound_server.server import Reply

from mutants.requests import refuses
from mutants.responses import (
    changes_body,
    changes_envelope,
    html_page,
    replies,
    with_data,
    with_error,
    writes_text,
)
from mutants.steps import first, instead, mutant, row, step
from mutants.table.access import TOKEN_ERRORS

UNKNOWN = ("unknown_record", "deleted_record")
PAGE = b"<html><body><h1>HTTP Status 400</h1></body></html>"

def with_status(envelope, **members):
    """Return an envelope with other members in its status."""
    return {**envelope, "status": {**envelope["status"], **members}}

def says_ok(reply):
    """Return the envelope of an error with the code of a success."""
    return with_status(json.loads(reply.body), code="OK")

# Methods and parameters.

row(1, "resend_not_available", "methods.available",
    "There is no resend.",
    refuses("unknown_path", lambda: True, "resend", before="run"))
row(6, "show_is_missing_once_deprecated", "methods.available",
    "show is answered like a method that does not exist.",
    refuses("unknown_path", lambda: True, "show"), release="R18")
row(1, "delete_by_get", "methods.verb",
    "delete can be called with GET, and deletes.",
    step("verbs", lambda method, verb: (verb, "GET") if method == "delete" else (verb,)))
row(6, "show_wants_post", "methods.verb",
    "show is served by POST, and refused by GET.",
    step("verbs", lambda method, verb: ("POST",) if method == "show" else (verb,)))
row(6, "delete_is_elsewhere", "methods.path",
    "delete is called at webhook_requests/remove, and unknown at webhook_requests/delete.",
    step("route", lambda base, request: base(replace(request, path=
        request.path.replace("/delete", "/nothing").replace("/remove", "/delete")))))
row(6, "resend_wants_a_form", "parameters.body",
    "resend refuses a JSON object as its body, and wants a form.",
    refuses("bad_json", lambda: True, "resend"))

@mutant(6, "parameters.place", step("route"))
def delete_reads_the_query(base, request):
    """delete reads its parameters from the query, and ignores its body."""
    if request.path.endswith("/delete"):
        request = replace(request, body=json.dumps(dict(parse_qsl(request.query))).encode())
    return base(request)

# Successes that are no JSON.

row(6, "show_ends_in_a_comma", "envelope.json",
    "The JSON of show has a comma too many.",
    changes_body(lambda body: body[:-1] + b",}", "show"))
row(6, "list_is_xml", "envelope.json",
    "list answers with XML.",
    changes_body(lambda: b"<?xml version='1.0'?><status><code>OK</code></status>", "list"))
row(1, "line_break_in_text", "envelope.json",
    "Line breaks in an error_description are not escaped in list.",
    changes_body(lambda body: body.replace(b"\\n", b"\n"), "list"))
row(2, "latin1_body", "envelope.json",
    "A body is written in ISO 8859-1.",
    writes_text(lambda text: text.encode("latin-1", "replace")))
row(2, "length_in_letters", "envelope.json",
    "As many bytes of a body are sent as it has letters.",
    writes_text(lambda text: text.encode()[:len(text)]))
row(2, "two_commas_without_author", "envelope.json",
    "show writes nothing, where it should write null, for a user that is not there.",
    changes_body(lambda body:
        body.replace(b'"created_by_user": null', b'"created_by_user": '), "show"))
row(2, "body_cut_at16_k", "envelope.json",
    "A body has 16 kilobytes at most.",
    changes_body(lambda body: body[:16384]))
row(3, "comma_after_last_row", "envelope.json",
    "In a list with fields_set a comma follows the last row.",
    changes_body(lambda call, body:
        body if call.fields is None else b"},]".join(body.rsplit(b"}]", 1)), "list"))
row(4, "comment_behind_json", "envelope.json",
    "show writes behind the JSON how long it took.",
    changes_body(lambda body: body + b"\n<!-- 12 ms -->", "show"))
row(5, "long_list_is_gzip", "envelope.json",
    "A list of more than 20 kilobytes is compressed for every client, and no header says so.",
    changes_body(lambda body:
        gzip.compress(body, mtime=0) if len(body) > 20_000 else body, "list"))
row(1, "empty_body_beyond_end", "envelope.json",
    "A page without records has no body at all.",
    instead("success", lambda made, call, data:
        Reply(204, made.content_type, b"") if data == [] and call.skip else made), release="R13")

# Successes with a wrong envelope.

row(6, "status_has_no_description", "envelope.status",
    "The status of a response has no description.",
    changes_envelope(lambda envelope:
        {**envelope, "status": {name: envelope["status"][name] for name in ("code", "message")}}))
row(6, "delete_has_no_status", "envelope.status",
    "delete returns the webhook request alone, without an envelope.",
    changes_envelope(lambda envelope: envelope["data"], "delete"))
row(6, "delete_says_success", "envelope.code_ok",
    "The status code of a delete that is done is SUCCESS.",
    changes_envelope(lambda envelope: with_status(envelope, code="SUCCESS"), "delete"))
row(6, "show_says_ok_in_small_letters", "envelope.code_ok",
    "The status code of a show that is served is ok.",
    changes_envelope(lambda envelope: with_status(envelope, code="ok"), "show"))
row(6, "message_is_a_list", "envelope.status_texts",
    "The message of a success is an empty array.",
    changes_envelope(lambda envelope: with_status(envelope, message=[])))
row(6, "show_answers_an_array", "envelope.data_object",
    "data of show is an array of the one webhook request.",
    with_data(lambda data: [data], "show"))
row(6, "delete_answers_text", "envelope.data_object",
    "data of delete is a text that holds the JSON of the webhook request.",
    with_data(lambda data: json.dumps(data, indent=None), "delete"))
row(6, "one_result_is_an_object", "envelope.data_array",
    "data of a list with one result is that webhook request, in no array.",
    with_data(lambda data: data[0] if len(data) == 1 else data, "list"))
row(6, "list_answers_pages", "envelope.data_array",
    "data of list is an object that holds the array and a count.",
    with_data(lambda data: {"total": len(data), "webhook_requests": data}, "list"))

# Errors that are no JSON.

row(6, "errors_are_pages", "errors.json",
    "An error is answered with an HTML page.",
    replies(lambda: Reply(400, "text/html", PAGE)))
row(6, "long_texts_crash", "errors.json",
    "A show with an identifier of more than 40 characters is answered with an HTML page.",
    html_page(lambda request: re.search("_identifier=id=[^&]{41}", request.query)))
row(1, "html_for_long_number", "errors.json",
    "A number with more than 18 digits is more than the server can read.",
    html_page(lambda request: re.search("identifier=number=[0-9]{19,}(&|$)", request.query)))
row(1, "html_for_other_letters", "errors.json",
    "A parameter of a GET beyond ASCII is more than the server can read.",
    html_page(lambda request: re.search("%[89a-fA-F]", request.query)))
row(1, "html_for_broken_json", "errors.json",
    "A body that is no JSON object is answered by the application server.",
    html_page(lambda request:
        request.path.endswith("/resend") and not request.body.strip().startswith(b"{")))
row(3, "html_for_long_query", "errors.json envelope.json",
    "A query of more than a thousand letters is answered by the server in front.",
    html_page(lambda request: len(request.query) > 1000,
        Reply(414, "text/html", b"<h1>Request-URI Too Long</h1>")))
row(4, "html_for_percent", "errors.json envelope.json",
    "A query is decoded once more, and the server fails at a percent sign that stands alone.",
    html_page(lambda request: re.search("%(?![0-9A-Fa-f]{2})", unquote_plus(request.query)),
        Reply(500, "text/html", b"<h1>Malformed escape sequence</h1>")))
row(2, "error_of_resend_written_twice", "errors.json",
    "An error of resend is written by the method and by the filter around it.",
    replies(lambda request, reply:
        replace(reply, body=reply.body * (1 + request.path.endswith("/resend")))))
row(2, "plain_text_for_wrong_token", "errors.json",
    "A wrong token is answered by a filter that writes no JSON.",
    replies(lambda: Reply(401, "text/plain", b"Unauthorized"), *TOKEN_ERRORS))
row(2, "no_body_for_wrong_verb", "errors.json",
    "A wrong verb is answered without a body.",
    replies(lambda reply: replace(reply, status=405, body=b""), "wrong_verb"))
row(4, "no_content_for_unknown", "errors.json envelope.json identifier.known",
    "A webhook request that does not exist is answered with 204 and no body.",
    replies(lambda reply: replace(reply, status=204, body=b""), *UNKNOWN))

@mutant(3, "errors.json envelope.json", replies)
def value_unescaped_in_error(reply, refusal):
    """An error repeats a value as it is, quotation marks and all."""
    escaped, raw = (json.dumps(refusal.text)[1:-1], refusal.text)
    return replace(reply, body=reply.body.replace(escaped.encode(), raw.encode()))

@mutant(5, "errors.json envelope.json", step("refusal"))
def apostrophe_escaped_in_error(base, request, refusal):
    """An apostrophe in a message is escaped, as JavaScript allows it and JSON does not."""
    if refusal.kind not in UNKNOWN:
        return base(request, refusal)
    text = f"'{request.path.rpartition('/')[2]}': {refusal.text}"
    reply = base(request, Refusal(refusal.kind, text))
    return replace(reply, body=reply.body.replace(b"'", b"\\'"))

# Errors with a wrong envelope.

row(6, "description_is_an_object", "envelope.status_texts",
    "The description of an error is an object.",
    with_error(lambda status: {**status, "description": {"details": []}}))
row(4, "messages_are_array", "envelope.status_texts errors.message",
    "message of an error about parameters is an array of messages.",
    with_error(lambda status: status | {"message": [status["message"]]},
        "missing_parameter", "bad_parameter", "no_identifier_field", "two_identifier_fields"))
row(3, "bad_value_status_is_text", "envelope.status errors.code_not_ok errors.message",
    "status of an error about an entity, a state or a date is a text.",
    with_error(lambda status: status["code"], "bad_entity", "bad_state", "bad_date"))
row(6, "error_codes_are_numbers", "errors.code_not_ok",
    "The status code of an error is a number.",
    with_error(lambda status: {**status, "code": 4711}))
row(6, "errors_say_ok", "errors.code_not_ok",
    "An error has HTTP status 400 and the status code OK.",
    replies(lambda reply: Reply(400, "application/json", json.dumps(says_ok(reply)).encode())))
row(3, "missing_parameter_inside_data",
    "errors.code_not_ok list.semi_optional.at_least_one parameters.mandatory",
    "A parameter that is missing is told in data of a success.",
    replies(lambda server, reply, refusal: server.reply(reply.status, {
        **says_ok(reply), "data": {"error": refusal.text}}), "missing_parameter"))
row(6, "unknown_identifiers_crash", "errors.no_server_error",
    "show of an identifier that names nothing is answered with HTTP 500, other errors are not.",
    replies(lambda request, refusal, reply: replace(reply, status=500
        if refusal.kind == "unknown_record" and request.path.endswith("/show") else 200)))

@mutant(5, "errors.code_not_ok", replies,
    first("success", lambda kept: kept.clear()))
def second_error_in_row_has_code_ok(server, reply, kept):
    """The status of an error is kept for the next one, and its code is reset in between."""
    if "reset" in kept:
        return server.reply(reply.status, says_ok(reply))
    kept["reset"] = True
    return reply
