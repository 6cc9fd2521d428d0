"""Mutants whose responses are wrong around the records."""

# Each row stays together, as in a table.
# fmt: off

import gzip
import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from stand_in.reading import Call, Refusal, Request
from stand_in.server import Reply, StandIn

from mutants.combinators import html_page, mutant, row, step, writes_errors, writes_text

TOKEN_ERRORS = ("invalid_token", "expired_token", "released_token")
UNKNOWN = ("unknown_record", "deleted_record")

@mutant(1, "errors.json", html_page)
def html_for_long_number(request):
    """A number with more than 18 digits is more than the server can read."""
    _, _, value = request.query.partition("identifier=number=")
    value = value.split("&")[0]
    return value.isdigit() and len(value) > 18

row(1, "html_for_other_letters", "errors.json",
    "A parameter of a GET beyond ASCII is more than the server can read.",
    html_page(lambda request:
        any(part[:1] in tuple("89ABCDEFabcdef") for part in request.query.split("%")[1:])))

row(1, "html_for_broken_json", "errors.json",
    "A body that is no JSON object is answered by the application server.",
    html_page(lambda request:
        request.path.endswith("/resend") and (not request.body.strip().startswith(b"{"))))

@mutant(1, "envelope.json", step("success"), release="R13")
def empty_body_beyond_end(base, call, data):
    """A page without records has no body at all."""
    reply = base(call, data)
    return Reply(204, reply.content_type, b"") if data == [] and call.skip else reply

@mutant(1, "envelope.json", step("success"))
def line_break_in_text(base, call, data):
    """Line breaks in an error_description are not escaped in list."""
    reply = base(call, data)
    if call.method != "list":
        return reply
    return Reply(reply.status, reply.content_type, reply.body.replace(b"\\n", b"\n"))

row(1, "delete_by_get", "methods.verb",
    "delete can be called with GET, and deletes.",
    step("verbs", lambda method, verb: (verb, "GET") if method == "delete" else (verb,)))

@mutant(1, "methods.available", step("run"))
def resend_not_available(base, call):
    """There is no resend."""
    if call.method == "resend":
        raise Refusal("unknown_path", "There is no method webhook_requests/resend.")
    return base(call)

@mutant(2, "errors.json", step("refusal"))
def error_of_resend_written_twice(base, request, refusal):
    """An error of resend is written by the method and by the filter around it."""
    reply = base(request, refusal)
    twice = request.path.endswith("/resend")
    return Reply(reply.status, reply.content_type, reply.body * (1 + twice))

row(2, "latin1_body", "envelope.json",
    "A body is written in ISO 8859-1.",
    writes_text(lambda text: text.encode("latin-1", "replace")))

row(2, "length_in_letters", "envelope.json",
    "As many bytes of a body are sent as it has letters.",
    writes_text(lambda text: text.encode()[:len(text)]))

@mutant(2, "envelope.json", step("success"))
def two_commas_without_author(base, call, data):
    """show writes nothing, where it should write null, for a user that is not there."""
    reply = base(call, data)
    body = reply.body
    if call.method == "show":
        body = body.replace(b'"created_by_user": null', b'"created_by_user": ')
    return Reply(reply.status, reply.content_type, body)

@mutant(2, "envelope.json", step("success"))
def body_cut_at16_k(base, call, data):
    """A body has 16 kilobytes at most."""
    reply = base(call, data)
    return Reply(reply.status, reply.content_type, reply.body[:16384])

@mutant(2, "errors.json", step("refusal"))
def plain_text_for_wrong_token(base, request, refusal):
    """A wrong token is answered by a filter that writes no JSON."""
    if refusal.kind in TOKEN_ERRORS:
        return Reply(401, "text/plain", b"Unauthorized")
    return base(request, refusal)

@mutant(2, "errors.json", step("refusal"))
def no_body_for_wrong_verb(base, request, refusal):
    """A wrong verb is answered without a body."""
    reply = base(request, refusal)
    if refusal.kind == "wrong_verb":
        return Reply(405, reply.content_type, b"")
    return reply

row(3, "bad_value_status_is_text", "envelope.status errors.code_not_ok errors.message",
    "status of an error about an entity, a state or a date is a text.",
    writes_errors("bad_entity", "bad_state", "bad_date", function=lambda envelope:
        envelope | {"status": envelope["status"]["code"]}))

@mutant(3, "errors.code_not_ok list.semi_optional.at_least_one parameters.mandatory",
    writes_errors("missing_parameter"))
def missing_parameter_inside_data(envelope):
    """A parameter that is missing is told in data of a success."""
    status = envelope["status"]
    return {"status": status | {"code": "OK"}, "data": {"error": status["message"]}}

@mutant(3, "envelope.json", step("success"))
def comma_after_last_row(base, call, data):
    """In a list with fields_set a comma follows the last row."""
    reply = base(call, data)
    if call.method == "list" and call.fields is not None:
        return replace(reply, body=b"},]".join(reply.body.rsplit(b"}]", 1)))
    return reply

@mutant(3, "errors.json envelope.json", step("refusal"))
def value_unescaped_in_error(base, request, refusal):
    """An error repeats a value as it is, quotation marks and all."""
    reply = base(request, refusal)
    escaped, raw = (json.dumps(refusal.text)[1:-1], refusal.text)
    return replace(reply, body=reply.body.replace(escaped.encode(), raw.encode()))

@mutant(3, "errors.json envelope.json", step("answer"))
def html_for_long_query(base, request):
    """A query of more than a thousand letters is answered by the server in front."""
    if len(request.query) > 1000:
        return Reply(414, "text/html", b"<h1>Request-URI Too Long</h1>")
    return base(request)

@mutant(4, "envelope.status_texts errors.message",
    writes_errors("missing_parameter", "bad_parameter", "no_identifier_field",
        "two_identifier_fields"))
def messages_are_array(envelope):
    """message of an error about parameters is an array of messages."""
    status = envelope["status"]
    return envelope | {"status": status | {"message": [status["message"]]}}

@mutant(4, "errors.json envelope.json", step("answer"))
def html_for_percent(base, request):
    """A query is decoded once more, and the server fails at a percent sign that stands alone."""
    if re.search("%(?![0-9A-Fa-f]{2})", unquote_plus(request.query)):
        return Reply(500, "text/html", b"<h1>Malformed escape sequence</h1>")
    return base(request)

@mutant(4, "errors.json envelope.json identifier.known", step("refusal"))
def no_content_for_unknown(base, request, refusal):
    """A webhook request that does not exist is answered with 204 and no body."""
    reply = base(request, refusal)
    if refusal.kind in ("unknown_record", "deleted_record"):
        return replace(reply, status=204, body=b"")
    return reply

@mutant(4, "envelope.json", step("success"))
def comment_behind_json(base, call, data):
    """show writes behind the JSON how long it took."""
    reply = base(call, data)
    comment = b"\n<!-- 12 ms -->" if call.method == "show" else b""
    return replace(reply, body=reply.body + comment)

@mutant(5, "errors.code_not_ok")
class SecondErrorInRowHasCodeOk(StandIn):
    """The status of an error is kept for the next one, and its code is reset in between."""

    def set_up(self) -> None:
        self.reset = False

    def success(self, call: Call, data: Any) -> Reply:
        self.reset = False
        return super().success(call, data)

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        reply = super().refusal(request, refusal)
        reset, self.reset = self.reset, True
        if not reset:
            return reply
        envelope = json.loads(reply.body)
        envelope["status"]["code"] = "OK"
        return self.reply(reply.status, envelope)

@mutant(5, "errors.json envelope.json", step("refusal"))
def apostrophe_escaped_in_error(base, request, refusal):
    """An apostrophe in a message is escaped, as JavaScript allows it and JSON does not."""
    if refusal.kind not in UNKNOWN:
        return base(request, refusal)
    text = f"'{request.path.rpartition('/')[2]}': {refusal.text}"
    reply = base(request, Refusal(refusal.kind, text))
    return replace(reply, body=reply.body.replace(b"'", b"\\'"))

@mutant(5, "envelope.json", step("success"))
def long_list_is_gzip(base, call, data):
    """A list of more than 20 kilobytes is compressed, for whoever asks, and no header says so."""
    reply = base(call, data)
    if call.method == "list" and len(reply.body) > 20_000:
        return replace(reply, body=gzip.compress(reply.body, mtime=0))
    return reply
