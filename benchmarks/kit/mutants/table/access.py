"""Mutants that are wrong about logins, tokens and methods, and around the records of a response."""

# Each row stays together, as in a table.
# fmt: off

import base64
import json
from dataclasses import replace
from urllib.parse import parse_qsl

from sound_server.reading import Refusal
from sound_server.server import ORGANISATION, PASSWORD, WEB_API_KEY, Reply

from mutants.combinators import (
    accepts_token,
    asked,
    changes_body,
    changes_envelope,
    changes_jwt,
    refuses,
    replies,
    with_data,
    writes_token,
)
from mutants.steps import counted, mutant, rescues, row, step, then


def shifted(claims, **seconds):
    """Return claims with other times."""
    return claims | {n: type(claims[n])(int(claims[n]) + more) for n, more in seconds.items()}

def basic(change, header):
    """Return a header of Basic authentication with what it encodes changed."""
    scheme, _, coded = header.partition(" ")
    try:
        text = base64.b64decode(coded, validate=True).decode()
    except ValueError:
        return header
    return f"{scheme} {base64.b64encode(change(text).encode()).decode()}"

row("token_is_optional", "token.required",
    "A call without token is served.",
    step("authenticate", lambda sound, call: "token" in call.parameters and sound()))

# Calls with a wrong token.

row("expired_token_is_served", "token.expiry",
    "A token whose time is over is served.",
    rescues("check_token", lambda refusal: refusal.kind == "expired_token"))

row("true_is_token", "token.from_login",
    "In a body true passes for a token, for a token is not empty.",
    step("check_token", lambda sound, token: token is True or sound()))
row("longer_token_accepted", "token.from_login",
    "A token with more behind it passes.",
    accepts_token(lambda token, issued: token.startswith(issued)))
row("shorter_token_accepted", "token.from_login",
    "A token without its last letter passes.",
    accepts_token(lambda token, issued: token == issued[:-1]))
row("token_unchecked_in_actions", "token.from_login",
    "resend and delete only look whether there is a token.",
    accepts_token(lambda call: call.method in ("resend", "delete")))
row("token_unchecked_for_entity_id", "token.from_login",
    "list by entity_id answers for any token.",
    accepts_token(lambda call: "entity_id" in call.parameters))
row("token_unchecked_after_resend", "token.from_login",
    "Once somebody has sent a record again, show answers for any token.",
    accepts_token(lambda server, call:
        call.method == "show" and any(record.sends > 1 for record in server.records.values())))
row("token_is_wildcard", "token.from_login",
    "A percent sign passes, as in LIKE of SQL.",
    accepts_token(lambda token, issued: token.endswith("%") and issued.startswith(token[:-1])))

@mutant("token.from_login", step("check_token"), release="R12")
def unsigned_jwt_accepted(base, token, call):
    """A JWT with `alg: none` is accepted."""
    header = str(token).partition(".")[0]
    try:
        read = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except ValueError:
        read = None
    if not isinstance(read, dict) or read.get("alg") != "none":
        base(token, call)

@mutant("token.from_login", step("authenticate", method="delete"))
def delete_before_token_check(server, base, call):
    """delete with a wrong token is refused, after it has deleted."""
    try:
        base(call)
    except Refusal:
        if call.parameters.get("token"):
            server.read_arguments(call)
            server.remove(server.find(call))
        raise

@mutant("token.from_login", step("authenticate", method="list"),
    then("do_list", lambda call, kept: kept.update({asked(call): "answered"}))
    | then("remove", lambda kept: kept.clear()) | then("send_again", lambda kept: kept.clear()))
def list_answered_before_token_check(base, call, kept):
    """A list that was answered is answered again for whatever token, until a record changes."""
    if "token" not in call.parameters or asked(call) not in kept:
        base(call)

row("delete_ends_session", "login.token.one_hour token.from_login",
    "A deletion empties a cache, and the session of its caller is in the same one.",
    then("do_delete", lambda server, call: server.tokens.known.pop(call.parameters["token"])))

row("token_worn_out", "login.token.one_hour",
    "A token has expired after forty requests.",
    refuses("expired_token", lambda token, kept: counted(kept, token) > 40, after="check_token"))
row("login_without_organisation", "parameters.mandatory",
    "A login without organisation is for the only one there is.",
    step("do_login", lambda base, call: base(
        replace(call, parameters={"organisation": ORGANISATION, **call.parameters}))))
row("login_without_password", "parameters.mandatory",
    "A login without a password comes in; with a wrong one it does not.",
    step("do_login", lambda base, call: base(
        replace(call, parameters={"password": PASSWORD, **call.parameters}))))
row("unit_is_refused", "login.unit",
    "A login that names a unit is refused.",
    refuses("bad_parameter", lambda call: "unit" in call.parameters, before="unit"))
row("key_login_refuses_units", "login.unit",
    "A login with a Web API key is refused if it names a unit.",
    refuses("bad_parameter", lambda call: "unit" in call.parameters, before="do_key_login"),
    release="R10")
row("login_unit_ignored", "login.unit",
    "A login acts for the default unit whatever unit it names.",
    step("unit", lambda base, call: base(replace(call, parameters={}))), release="R12")

@mutant("login.unit.default", step("unit"), release="R12")
def unit_kept_for_next_login(base, call, kept):
    """A login without unit acts for the unit that the login before it named."""
    call.parameters.setdefault("unit", kept.get("unit"))
    unit = base(call)
    kept["unit"] = call.parameters["unit"]
    return unit

row("any_key_is_good", "login.credentials",
    "A login with a wrong Web API key yields a token.",
    step("key_of", lambda base, header: base(header) and WEB_API_KEY), release="R10")
row("key_is_the_password", "login.web_api_key.basic",
    "The Web API key is read as the password, behind an empty user name.",
    step("key_of", lambda base, header: base(basic(lambda text:
        f"{text[1:]}:" if text.startswith(":") else "", header))),
    release="R10")
row("key_with_a_colon_is_refused", "login.web_api_key.colon",
    "A Web API key is refused with a colon behind it, and taken without one.",
    step("key_of", lambda base, header: base(basic(lambda text:
        "" if ":" in text else f"{text}:", header))),
    release="R10")
row("each_second_login_by_key_is_refused", "web_api_key_token.available",
    "Each second login by the right key is answered like a method that does not exist.",
    refuses("unknown_path", lambda server, call, kept:
        server.key_of(call.headers.get("authorization", "")) == WEB_API_KEY
        and counted(kept) % 2 == 0, before="do_key_login"),
    release="R10")

# What a login returns.

row("token_is_called_access_token", "login.token.returns_token",
    "data of a login has the token as access_token.",
    with_data(lambda data: {"access_token": data["token"]}, "login", "key_login"))
row("tokens_have_two_parts", "login.token.jwt",
    "A token has no signature.",
    writes_token(lambda token: token.rpartition(".")[0]), release="R12")
row("tokens_have_no_typ", "login.token.jwt_header",
    "The header of a token has no typ.",
    changes_jwt(lambda claims: claims, alg="HS256"), release="R12")
row("user_and_organisation_swapped", "login.token.jwt_claims",
    "The claims usr and org are in each other's place.",
    changes_jwt(lambda claims: {**claims, "usr": claims["org"], "org": claims["usr"]}),
    release="R12")
row("token_of_one_hour", "login.token.two_hours",
    "A token says that it ends an hour after it was issued.",
    changes_jwt(lambda claims: shifted(claims, exp=-3600)), release="R12")
row("jwt_in_local_time",
    "login.token.jwt_claims login.token.two_hours login.token.jwt_times",
    "exp and iat count the seconds of a wall clock three hours east.",
    changes_jwt(lambda claims: shifted(claims, exp=10800, iat=10800)), release="R12")
row("jwt_times_in_milliseconds",
    "login.token.jwt_times login.token.jwt_claims login.token.two_hours",
    "exp and iat count milliseconds.",
    changes_jwt(lambda claims: shifted(
        claims, exp=int(claims["exp"]) * 999, iat=int(claims["iat"]) * 999)), release="R12")
row("release_is_missing", "token_release.available",
    "token_release is answered like a method that does not exist.",
    refuses("unknown_path", lambda: True, before="do_release_token"), release="R10")
row("released_tokens_work", "token_release.ends_token",
    "A token that was released works as before.",
    step("do_release_token", lambda server, call: server.authenticate(call) or {}), release="R10")

def with_status(envelope, **members):
    """Return an envelope with other members in its status."""
    return {**envelope, "status": {**envelope["status"], **members}}

# Methods and parameters.

row("resend_not_available", "methods.available",
    "There is no resend.",
    refuses("unknown_path", lambda: True, "resend", before="run"))
row("show_is_missing_once_deprecated", "methods.available",
    "show is answered like a method that does not exist.",
    refuses("unknown_path", lambda: True, "show"), release="R18")
row("show_wants_post", "methods.verb",
    "show is served by POST, and refused by GET.",
    step("verbs", lambda method, verb: ("POST",) if method == "show" else (verb,)))
row("delete_is_elsewhere", "methods.path",
    "delete is called at webhook_requests/remove, and unknown at webhook_requests/delete.",
    step("route", lambda base, request: base(replace(request, path=
        request.path.replace("/delete", "/nothing").replace("/remove", "/delete")))))
row("resend_wants_a_form", "parameters.body",
    "resend refuses a JSON object as its body, and wants a form.",
    refuses("bad_json", lambda: True, "resend"))

@mutant("parameters.place", step("route"))
def delete_reads_the_query(base, request):
    """delete reads its parameters from the query, and ignores its body."""
    if request.path.endswith("/delete"):
        request = replace(request, body=json.dumps(dict(parse_qsl(request.query))).encode())
    return base(request)

row("show_ends_in_a_comma", "envelope.json",
    "The JSON of show has a comma too many.",
    changes_body(lambda body: body[:-1] + b",}", "show"))

# Successes with a wrong envelope.

row("delete_has_no_status", "envelope.status",
    "delete returns the webhook request alone, without an envelope.",
    changes_envelope(lambda envelope: envelope["data"], "delete"))
row("delete_says_success", "envelope.code_ok",
    "The status code of a delete that is done is SUCCESS.",
    changes_envelope(lambda envelope: with_status(envelope, code="SUCCESS"), "delete"))
row("message_is_a_list", "envelope.status_texts",
    "The message of a success is an empty array.",
    changes_envelope(lambda envelope: with_status(envelope, message=[])))
row("show_answers_an_array", "envelope.data_object",
    "data of show is an array of the one webhook request.",
    with_data(lambda data: [data], "show"))
row("one_result_is_an_object", "envelope.data_array",
    "data of a list with one result is that webhook request, in no array.",
    with_data(lambda data: data[0] if len(data) == 1 else data, "list"))
row("html_for_long_query", "errors.json envelope.json",
    "A query of more than a thousand letters is answered by the server in front.",
    step("answer", lambda sound, request: sound() if len(request.query) <= 1000
        else Reply(414, "text/html", b"<h1>Request-URI Too Long</h1>")))

@mutant("errors.json envelope.json", replies)
def value_unescaped_in_error(reply, refusal):
    """An error repeats a value as it is, quotation marks and all."""
    escaped, raw = (json.dumps(refusal.text)[1:-1], refusal.text)
    return replace(reply, body=reply.body.replace(escaped.encode(), raw.encode()))

@mutant("errors.code_not_ok", replies)
def error_codes_are_numbers(server, reply):
    """The status code of an error is a number."""
    return server.reply(reply.status, with_status(json.loads(reply.body), code=4711))

row("unknown_identifiers_crash", "errors.no_server_error",
    "show of an identifier that names nothing is answered with HTTP 500, other errors are not.",
    replies(lambda request, refusal, reply: replace(reply, status=500
        if refusal.kind == "unknown_record" and request.path.endswith("/show") else 200)))
