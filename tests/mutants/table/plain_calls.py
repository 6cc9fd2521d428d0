"""The plainest ways to be wrong about methods, envelopes, logins, lists and changes."""

# Each row stays together, as in a table.
# fmt: off

import json
import re
from copy import copy
from dataclasses import replace
from urllib.parse import parse_qsl, unquote

from stand_in.reading import IDENTIFIER, OPTIONAL, SEMI_OPTIONAL, Call, Refusal
from stand_in.server import ORGANISATION, PASSWORD, WEB_API_KEY, Reply, StandIn
from stand_in.world import REJECTED, Record

from mutants.combinators import (
    changes_body,
    changes_envelope,
    changes_jwt,
    filters_by,
    html_page,
    ignores,
    is_enough,
    leaves_out,
    lists_all,
    loses,
    mutant,
    only,
    pages,
    refuses,
    row,
    step,
    then_sets,
    with_data,
    with_status,
    writes_errors,
)

DEFINITIONS, RULES = SEMI_OPTIONAL[:2]
PAGE = b"<html><body><h1>HTTP Status 400</h1></body></html>"

# Methods and parameters.

row(6, "resend_is_missing", "methods.available",
    "resend is answered like a method that does not exist.",
    refuses("unknown_path", lambda call: call.method == "resend"))

row(6, "show_is_missing_once_deprecated", "methods.available",
    "show is answered like a method that does not exist.",
    refuses("unknown_path", lambda call: call.method == "show"), release="R18")

row(6, "delete_answers_get", "methods.verb",
    "delete is carried out by a GET as well, with its parameters in the query.",
    step("verbs", lambda base, method, verb:
        ("GET", "POST") if method == "delete" else base(method, verb)))

row(6, "show_wants_post", "methods.verb",
    "show is served by POST, and refused by GET.",
    step("verbs", lambda base, method, verb:
        ("POST",) if method == "show" else base(method, verb)))

@mutant(6, "methods.path", step("route"))
def delete_is_elsewhere(base, request):
    """delete is called at webhook_requests/remove, and unknown at webhook_requests/delete."""
    path = request.path.replace("/delete", "/nothing").replace("/remove", "/delete")
    return base(replace(request, path=path))

@mutant(6, "methods.trailing_slash", step("route"))
def slash_behind_is_unknown(base, request):
    """A slash behind a method's name leads nowhere."""
    if request.path.endswith("/"):
        raise Refusal("unknown_path", "The method does not exist.")
    return base(request)

@mutant(6, "parameters.place", step("route"))
def delete_reads_the_query(base, request):
    """delete reads its parameters from the query, and ignores its body."""
    if request.path.endswith("/delete"):
        request = replace(request, body=json.dumps(dict(parse_qsl(request.query))).encode())
    return base(request)

row(6, "resend_wants_a_form", "parameters.body",
    "resend refuses a JSON object as its body, and wants a form.",
    refuses("bad_json", lambda call: call.method == "resend"))

row(6, "plain_equals_sign_is_not_read", "parameters.identifier_in_query",
    "An identifier in a query is not read unless its equals sign is percent-encoded.",
    refuses("bad_parameter", lambda call:
        any(text.startswith(("id=", "number=")) for text in call.written.values())))

@mutant(6, "parameters.identifier_in_query", step("read_arguments"))
def show_wants_flat_identifier(base, call):
    """show wants number=7 in its query, and refuses webhook_request_identifier=number=7."""
    if call.method == "show":
        flat = [f"{n}={call.parameters[n]}" for n in ("id", "number") if n in call.parameters]
        call.parameters[IDENTIFIER] = "".join(flat) or None
    base(call)

@mutant(6, "parameters.identifier_in_body", step("read_arguments"))
def delete_wants_identifier_as_text(base, call):
    """delete refuses an identifier that is an object, and takes the text number=14."""
    if call.method == "delete":
        given = call.parameters.get(IDENTIFIER)
        name, equals, value = given.partition("=") if isinstance(given, str) else ("", "", "")
        call.parameters[IDENTIFIER] = {name: value} if equals else ""
    base(call)

# Envelopes.

row(6, "show_ends_in_a_comma", "envelope.json",
    "The JSON of show has a comma too many.",
    changes_body(lambda body: body[:-1] + b",}", "show"))

row(6, "list_is_xml", "envelope.json",
    "list answers with XML.",
    changes_body(lambda: b"<?xml version='1.0'?><status><code>OK</code></status>", "list"))

row(6, "status_has_no_description", "envelope.status",
    "The status of a response has no description.",
    changes_envelope(lambda envelope:
        {**envelope, "status": {name: envelope["status"][name] for name in ("code", "message")}}))

row(6, "delete_has_no_status", "envelope.status",
    "delete returns the webhook request alone, without an envelope.",
    changes_envelope(lambda envelope: envelope["data"], "delete"))

row(6, "delete_says_success", "envelope.code_ok",
    "The status code of a delete that is done is SUCCESS.",
    with_status("delete", code="SUCCESS"))

row(6, "show_says_ok_in_small_letters", "envelope.code_ok",
    "The status code of a show that is served is ok.",
    with_status("show", code="ok"))

row(6, "message_is_a_list", "envelope.status_texts",
    "The message of a success is an empty array.",
    with_status(message=[]))

row(6, "description_is_an_object", "envelope.status_texts",
    "The description of an error is an object.",
    writes_errors(function=lambda envelope:
        {**envelope, "status": {**envelope["status"], "description": {"details": []}}}))

row(6, "show_answers_an_array", "envelope.data_object",
    "data of show is an array of the one webhook request.",
    with_data(lambda data: [data], "show"))

row(6, "delete_answers_text", "envelope.data_object",
    "data of delete is a text that holds the JSON of the webhook request.",
    with_data(json.dumps, "delete"))

row(6, "one_result_is_an_object", "envelope.data_array",
    "data of a list with one result is that webhook request, in no array.",
    with_data(lambda data: data[0] if len(data) == 1 else data, "list"))

row(6, "list_answers_pages", "envelope.data_array",
    "data of list is an object that holds the array and a count.",
    with_data(lambda data: {"total": len(data), "webhook_requests": data}, "list"))

row(6, "errors_are_pages", "errors.json",
    "An error is answered with an HTML page.",
    step("refusal", lambda: Reply(400, "text/html", PAGE)))

row(6, "foreign_letters_crash", "errors.json",
    "A parameter of list with a character beyond ASCII is answered with an HTML page.",
    html_page(lambda request: "/list" in request.path and not unquote(request.query).isascii()))

row(6, "long_texts_crash", "errors.json",
    "A show with an identifier of more than 40 characters is answered with an HTML page.",
    html_page(lambda request: re.search("_identifier=id=[^&]{41}", request.query)))

@mutant(6, "errors.no_server_error", step("refusal"))
def unknown_identifiers_crash(base, request, refusal):
    """show of an identifier that names nothing is answered with HTTP 500, other errors are not."""
    crashes = refusal.kind == "unknown_record" and request.path.endswith("/show")
    return replace(base(request, refusal), status=500 if crashes else 200)

@mutant(6, "errors.code_not_ok", step("refusal"))
def errors_say_ok(base, request, refusal):
    """An error has HTTP status 400 and the status code OK."""
    envelope = json.loads(base(request, refusal).body)
    body = json.dumps({**envelope, "status": {**envelope["status"], "code": "OK"}})
    return Reply(400, "application/json", body.encode())

row(6, "error_codes_are_numbers", "errors.code_not_ok",
    "The status code of an error is a number.",
    writes_errors(function=lambda envelope:
        {**envelope, "status": {**envelope["status"], "code": 4711}}))

@mutant(6, "errors.change_nothing", step("may_resend"))
def refused_resend_touches(server, base, record, call):
    """A resend that is refused for its state moves updated_date all the same."""
    if not base(record, call):
        server.touch(record)
    return base(record, call)

# Tokens and logins.

row(6, "token_is_optional", "token.required",
    "A call without token is served.",
    step("authenticate", lambda base, call: "token" in call.parameters and base(call)))

row(6, "show_needs_no_token", "token.required",
    "show alone is served without token.",
    step("authenticate", lambda base, call:
        (call.method == "show" and "token" not in call.parameters) or base(call)))

@mutant(6, "token.required")
class EachSecondListNeedsNoToken(StandIn):
    """Each second list without token is served."""

    def set_up(self) -> None:
        self.bare = 0

    def authenticate(self, call: Call) -> None:
        if call.method == "list" and "token" not in call.parameters:
            self.bare += 1
            if self.bare % 2 == 0:
                return
        super().authenticate(call)

row(6, "any_token_is_good", "token.from_login",
    "Any token that is not empty is accepted.",
    step("check_token", lambda: None))

row(6, "password_is_optional", "parameters.mandatory",
    "A login without password is served.",
    step("do_login", lambda base, call:
        (call.parameters.setdefault("password", PASSWORD) and base(call)) or base(call)))

row(6, "any_password_is_good", "login.credentials",
    "A login with a wrong password yields a token.",
    step("credentials_right", lambda base, username, organisation:
        base(username, PASSWORD, organisation)))

row(6, "any_organisation_is_good", "login.credentials",
    "A login to another organisation yields a token.",
    step("credentials_right", lambda base, username, password:
        base(username, password, ORGANISATION)))

row(6, "any_key_is_good", "login.credentials",
    "A login with a wrong Web API key yields a token.",
    step("key_of", lambda base, header: base(header) and WEB_API_KEY), release="R10")

@mutant(6, "login.unit", step("unit"))
def unit_is_refused(base, call):
    """A login that names a unit is refused."""
    if "unit" in call.parameters:
        raise Refusal("bad_parameter", "unit is not supported.")
    return base(call)

@mutant(6, "login.unit", step("do_key_login"), release="R10")
def key_login_refuses_units(base, call):
    """A login with a Web API key is refused if it names a unit."""
    if "unit" in call.parameters:
        raise Refusal("bad_parameter", "unit is not supported.")
    return base(call)

row(6, "token_is_called_access_token", "login.token.returns_token",
    "data of a login has the token as access_token.",
    with_data(lambda data: {"access_token": data["token"]}, "login", "key_login"))

row(6, "key_login_returns_bare_token", "login.token.returns_token",
    "data of a login with a Web API key is the token, in no object.",
    with_data(lambda data: data["token"], "key_login"), release="R10")

@mutant(6, "login.token.jwt", step("do_login"), release="R12")
def tokens_are_still_hexadecimal(server, base, call):
    """A token is a text of 32 hexadecimal digits."""
    token = base(call)["token"]
    short = server.tokens.claims(token)["jti"]
    server.tokens.known[short] = server.tokens.known.pop(token)
    return {"token": short}

@mutant(6, "login.token.jwt", step("do_login"), release="R12")
def tokens_have_two_parts(server, base, call):
    """A token has no signature."""
    token = base(call)["token"]
    short = token.rpartition(".")[0]
    server.tokens.known[short] = server.tokens.known.pop(token)
    return {"token": short}

row(6, "tokens_have_no_typ", "login.token.jwt_header",
    "The header of a token has no typ.",
    changes_jwt(lambda claims: claims, alg="HS256"), release="R12")

row(6, "tokens_name_no_unit", "login.token.jwt_claims",
    "A token has no claim oun.",
    changes_jwt(lambda claims: {n: v for n, v in claims.items() if n != "oun"}), release="R12")

row(6, "tokens_name_a_subject", "login.token.jwt_claims",
    "A token has the claim sub in place of usr.",
    changes_jwt(lambda claims: {"sub" if n == "usr" else n: v for n, v in claims.items()}),
    release="R12")

@mutant(6, "web_api_key_token.available", step("do_key_login"), release="R10")
def key_login_is_missing():
    """A login by key is answered like a method that does not exist."""
    raise Refusal("unknown_path", "The method does not exist.")

row(6, "key_is_optional", "parameters.mandatory",
    "A login by Web API key without any key yields a token.",
    step("key_of", lambda base, header: base(header) if header else WEB_API_KEY), release="R10")

@mutant(6, "login.web_api_key.basic", step("do_key_login"), release="R10")
def key_is_the_password(server, base, call):
    """The Web API key is read as the password, behind an empty user name."""
    if server.key_of(call.headers.get("authorization", "")) is not None:
        raise Refusal("wrong_credentials", "There is no password.")
    return base(call)

@mutant(6, "login.web_api_key.colon", step("do_key_login"), release="R10")
def key_with_a_colon_is_refused():
    """A Web API key is refused with a colon behind it."""
    raise Refusal("wrong_credentials", "Wrong Web API key.")

@mutant(6, "token_release.available", step("do_release_token"), release="R10")
def release_is_missing():
    """token_release is answered like a method that does not exist."""
    raise Refusal("unknown_path", "The method does not exist.")

@mutant(6, "token_release.ends_token", step("do_release_token"), release="R10")
def released_tokens_work(server, call):
    """A token that was released works as before."""
    server.authenticate(call)
    return {}

row(6, "release_returns_the_token", "token_release.empty_answer",
    "data of token_release has the token that was released.",
    step("do_release_token", lambda base, call: base(call) or {"token": call.parameters["token"]}),
    release="R10")

row(6, "release_returns_true", "token_release.empty_answer",
    "data of token_release is true.",
    step("do_release_token", lambda base, call: base(call) == {}), release="R10")

# Which record a method takes.

def first_fit(server, call):
    """Return the first record that a method is for."""
    fit = (REJECTED,) if call.method == "resend" else None
    return next(r for r in server.records.values() if not fit or r.life_cycle_state in fit)

def without_identifier(server, base, call):
    """Take some record if none is named."""
    if IDENTIFIER not in call.parameters:
        text = first_fit(server, call).id
        call.parameters[IDENTIFIER] = f"id={text}" if call.verb == "GET" else {"id": text}
    base(call)

def with_empty_identifier(server, base, call):
    """Take some record if an identifier has no field."""
    if call.parameters.get(IDENTIFIER) in ({}, ""):
        text = first_fit(server, call).id
        call.parameters[IDENTIFIER] = f"id={text}" if call.verb == "GET" else {"id": text}
    base(call)

def first_of_two(base, call):
    """Take the first field of two."""
    given = call.parameters.get(IDENTIFIER)
    if isinstance(given, str):
        call.parameters[IDENTIFIER] = given.partition(",")[0]
    elif isinstance(given, dict):
        call.parameters[IDENTIFIER] = dict([*given.items()][:1])
    base(call)

def without_number(base, call):
    """Refuse an identifier by number."""
    base(call)
    if call.identifier[0] == "number":
        raise Refusal("bad_parameter", "number is no field.")

def without_id(base, call):
    """Refuse an identifier by id."""
    base(call)
    if call.identifier[0] == "id":
        raise Refusal("bad_parameter", "id is no field.")

def known_or_not(server, base, call):
    """Find some record if the one that is named does not exist."""
    try:
        return base(call)
    except Refusal:
        return first_fit(server, call)

def another(server, base, call):
    """Find another record than the one that is named."""
    found = base(call)
    others = (r for r in server.records.values() if r.life_cycle_state == found.life_cycle_state)
    return next(r for r in others if r is not found)

def another_by_number(server, base, call):
    """Find another record than the one that is named by its number."""
    return another(server, base, call) if call.identifier[0] == "number" else base(call)

for _method in ("show", "resend", "delete"):
    for _statement, _name, _about, _step, _function in (
        ("parameters.mandatory", "needs_no_identifier",
         "without webhook_request_identifier takes some webhook request.",
         "read_arguments", without_identifier),
        ("identifier.mandatory", "takes_an_empty_identifier",
         "with an identifier that names no field takes some webhook request.",
         "read_arguments", with_empty_identifier),
        ("identifier.exactly_one", "takes_two_identifiers",
         "with id and number is served; the first one counts.", "read_arguments", first_of_two),
        ("identifier.fields", "knows_no_number", "refuses number.",
         "read_arguments", without_number),
        ("identifier.fields", "knows_no_id", "refuses id.", "read_arguments", without_id),
        ("identifier.known", "of_an_unknown_one",
         "of a webhook request that does not exist is served with some other.",
         "find", known_or_not),
        ("identifier.selects", "takes_another",
         "takes another webhook request than the one that is named.", "find", another),
        ("identifier.selects", "takes_another_by_number",
         "takes another webhook request if one is named by its number.",
         "find", another_by_number),
    ):
        row(6, f"{_method}_{_name}", _statement, f"{_method} {_about}",
            only(_method, _step, _function))

row(6, "leading_zeros_do_not_count", "identifier.known",
    "show of the number 007 returns the webhook request with the number 7.",
    only("show", "names", lambda base, record, name, value, call:
        base(record, name, value.lstrip("0"), call)))

row(6, "delete_reads_numbers_up_to_a_letter", "identifier.known",
    "delete of the number 7x deletes the webhook request with the number 7.",
    only("delete", "names", lambda base, record, name, value, call:
        base(record, name, value.rstrip("x") if name == "number" else value, call)))

@mutant(6, "show.single_result", step("do_show"))
def show_answers_two(server, base, call):
    """show returns another webhook request beside the one that is named."""
    return [base(call), server.trimmed(next(reversed(server.records.values())), call)]

# resend.

@mutant(6, "resend.single_result", step("do_resend"))
def resend_deletes_another(server, base, call):
    """resend deletes another webhook request."""
    sent = server.find(call)
    answer = base(call)
    server.remove(next(r for r in server.records.values() if r is not sent))
    return answer

@mutant(6, "resend.single_result")
class SecondResendSendsAnother(StandIn):
    """Each second resend sends another webhook request again as well."""

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        sent = [each for each in self.records.values() if each.sends > 1]
        left = [each for each in self.records.values() if each.life_cycle_state == REJECTED]
        if len(sent) % 2 == 0 and left:
            super().send_again(left[0])

row(6, "resend_of_successful_is_served", "resend.only_rejected",
    "resend of a SUCCESSFUL webhook request is served.",
    step("may_resend", lambda: True))

row(6, "resend_is_always_refused", "resend.sends_again",
    "resend of a REJECTED webhook request is refused.",
    step("may_resend", lambda: False))

row(6, "resend_returns_nothing", "resend.returns_record",
    "data of resend is an empty object.",
    with_data(lambda _: {}, "resend"))

row(6, "resend_returns_a_confirmation", "resend.returns_record",
    "data of resend is an object that says that it is done.",
    with_data(lambda _: {"resent": True}, "resend"))

row(6, "resend_returns_no_url", "resend.returns_record",
    "resend returns the webhook request without its url.",
    leaves_out("url", "resend"))

row(6, "resend_moves_created_date", "resend.identity_kept",
    "resend moves created_date to updated_date.",
    then_sets("send_again", created=lambda record: record.updated))

@mutant(6, "resend.same_record", step("send_again"))
def resend_makes_a_copy(server, base, record):
    """resend leaves a second webhook request behind, which list returns from then on."""
    base(record)
    left = replace(copy(record), id=record.id[::-1], number=f"9{record.number}")
    server.records[left.id] = left

@mutant(6, "resend.clears_error", step("succeed"))
def resend_keeps_error_code(base, record):
    """A webhook request that was sent again with success keeps its error_code."""
    kept = record.error_code
    base(record)
    record.error_code = kept

# delete.

@mutant(6, "delete.single_result", step("remove"))
def delete_takes_a_neighbour_along(server, base, record):
    """delete deletes another webhook request as well."""
    base(record)
    base(next(iter(server.records.values())))

@mutant(6, "delete.single_result", step("remove"))
def delete_takes_the_same_entity_along(server, base, record):
    """delete deletes every webhook request of the same entity_id."""
    for other in [*server.records.values()]:
        if other.entity_id == record.entity_id:
            base(other)

row(6, "rejected_ones_stay", "delete.either_state",
    "delete of a REJECTED webhook request is refused.",
    loses(lambda record, call: call.method == "delete" and record.life_cycle_state == REJECTED,
        "bad_parameter"))

row(6, "rejected_ones_stay_by_number", "delete.either_state",
    "delete of a REJECTED webhook request by its number is refused.",
    loses(lambda record, call: (call.method, call.identifier[0]) == ("delete", "number")
        and record.life_cycle_state == REJECTED, "bad_parameter"))

def still_lists(*names):
    """Return what lists deleted records if these filters are given, and no others."""
    def select(server, base, call):
        gone = server.deleted.values() if {*call.filters} == {*names} else ()
        return base(call) + [record for record in gone if server.selected(record, call)]
    return step("select", select)

row(6, "list_returns_deleted_ones", "delete.gone",
    "list still returns the webhook requests that were deleted, if entity alone is given.",
    still_lists("entity"))

row(6, "list_by_state_returns_deleted_ones", "delete.gone",
    "list by entity and life_cycle_state still returns webhook requests that were deleted.",
    still_lists("entity", "life_cycle_state"))

row(6, "delete_does_nothing", "delete.gone",
    "delete returns the webhook request and leaves it where it is.",
    step("remove", lambda: None))

row(6, "delete_returns_the_id_alone", "delete.returns_record",
    "delete returns the id of the webhook request, and no other field.",
    with_data(lambda data: {"id": data.get("id")}, "delete"))

# What reading changes.

def touches(server, base, record, call):
    """Move updated_date of what is returned."""
    server.touch(record)
    return base(record, call)

def removes(server, base, call):
    """Delete some webhook request at every third request."""
    if server.requests % 3 == 0:
        server.remove(next(iter(server.records.values())))
    return base(call)

for _method in ("show", "list"):
    row(6, f"{_method}_touches", f"{_method}.changes_nothing",
        f"{_method} moves updated_date of what it returns.", only(_method, "trimmed", touches))
    row(6, f"{_method}_removes", f"{_method}.changes_nothing",
        f"{_method} deletes some webhook request at every third request.",
        only(_method, f"do_{_method}", removes))

# Filters of list.

def semi_optional(call):
    """Return which of the four filters are given that can stand alone."""
    return {*SEMI_OPTIONAL} & {*call.filters}

row(6, "entity_is_mandatory", "list.parameters.mandatory",
    "list without entity is refused.",
    refuses("missing_parameter", lambda call:
        call.method == "list" and "entity" not in call.filters))

row(6, "rule_needs_a_definition", "list.parameters.mandatory",
    "list by workflow rule is refused without webhook definition.",
    refuses("missing_parameter", lambda call: semi_optional(call) == {RULES}))

row(6, "list_needs_no_filter", "list.semi_optional.at_least_one",
    "list without any of its semi-optional parameters returns everything.",
    lists_all(lambda call: not {*SEMI_OPTIONAL} & {*call.parameters}))

row(6, "state_is_filter_enough", "list.semi_optional.at_least_one",
    "list with life_cycle_state alone is served.",
    is_enough("life_cycle_state"))

row(6, "one_filter_at_a_time", "list.semi_optional.several_allowed",
    "list with several of its semi-optional parameters is refused.",
    refuses("bad_parameter", lambda call: len(semi_optional(call)) > 1))

row(6, "entity_id_needs_state", "list.optional_parameters",
    "list by entity_id is refused without life_cycle_state.",
    refuses("missing_parameter", lambda call:
        semi_optional(call) == {"entity_id"} and "life_cycle_state" not in call.filters))

row(6, "fields_set_is_mandatory", "list.optional_parameters",
    "list without fields_set is refused.",
    refuses("missing_parameter", lambda call: call.method == "list" and call.fields is None))

for _name in (DEFINITIONS, RULES, "entity_id", *OPTIONAL):
    row(6, f"list_ignores_{_name}", f"list.{_name}.filter",
        f"list returns the same with {_name} as without.", filters_by(_name, lambda: True))

row(6, "entity_is_ignored_beside_others", "list.entity.filter",
    "entity makes no difference if another semi-optional parameter is given.",
    filters_by("entity", lambda base, call: len(semi_optional(call)) > 1 or base()))

row(6, "jobs_come_with_activities", "list.entity.filter",
    "list of the entity JOBS returns those of ACTIVITIES as well.",
    filters_by("entity", lambda base, record, value:
        base() or (value == ["JOBS"] and record.entity == "ACTIVITIES")))

row(6, "list_swaps_life_cycle_state", "list.life_cycle_state.filter",
    "list returns those in the other state than is asked for.",
    filters_by("life_cycle_state", lambda base: not base()))

row(6, "state_is_ignored_beside_a_date", "list.life_cycle_state.filter",
    "life_cycle_state makes no difference if created_date is given as well.",
    ignores("life_cycle_state", beside="created_date"))

row(6, "url_is_ignored_beside_three", "list.url.filter",
    "url makes no difference beside two semi-optional parameters or more.",
    filters_by("url", lambda base, call: len(semi_optional(call)) > 1 or base()))

@mutant(6, "list.life_cycle_state.filter")
class SuccessesAreListedLate(StandIn):
    """The next two lists of SUCCESSFUL webhook requests lack the one that was sent again last."""

    def set_up(self) -> None:
        self.late, self.left = "", 0

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        self.late, self.left = record.id, 2

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        if self.left and "SUCCESSFUL" in call.filters.get("life_cycle_state", ()):
            self.left -= 1
            found = [record for record in found if record.id != self.late]
        return found

row(6, "alternative_code_is_no_field", "list.identifier.fields",
    "An identifier of list is refused with alternative_code.",
    refuses("bad_parameter", lambda call:
        any(text.startswith("alternative_code=") for text in call.written.values())))

row(6, "rules_have_no_name", "list.identifier.fields",
    "workflow_rule_identifier is refused with name.",
    refuses("bad_parameter", lambda call: call.written.get(RULES, "").startswith("name=")))

for _entity, _statement, _release in (
    ("SUBSCRIPTIONS", "entities.r9", "R9"), ("ACTIVITIES", "entities.r9", "R9"),
    ("WALLETS", "entities.r15", "R15"), ("WRITEOFFS", "entities.r15", "R15"),
):
    row(6, f"knows_no_{_entity.lower()}", _statement, f"list of the entity {_entity} is refused.",
        refuses("bad_entity", lambda call, entity=_entity:
            entity in call.filters.get("entity", ())), release=_release)

# What list returns.

row(6, "list_returns_one", "list.several_results",
    "list returns the first webhook request alone.",
    step("page", lambda found: found[:1]))

row(6, "list_loses_the_last", "list.several_results",
    "list leaves the last webhook request out if there are several filters.",
    step("page", lambda found, call: found[:-1] if len(call.filters) > 1 else found))

row(6, "list_doubles_the_first", "list.no_duplicates",
    "list returns its first webhook request twice.",
    step("page", lambda found: found[:1] + found))

row(6, "list_doubles_beside_filters", "list.no_duplicates",
    "list returns each webhook request once for each semi-optional parameter.",
    step("page", lambda found, call: found * len(semi_optional(call))))

@mutant(6, "list.agrees_with_show")
class ListHasTheCopyFromBeforeResend(StandIn):
    """The next three lists after a resend show its webhook request as it was before."""

    def set_up(self) -> None:
        self.before: Record | None = None
        self.left = 0

    def send_again(self, record: Record) -> None:
        self.before, self.left = copy(record), 3
        super().send_again(record)

    def page(self, found: list[Record], call: Call) -> list[Record]:
        before, self.left = self.before if self.left else None, max(0, self.left - 1)
        seen = [before if before and each.id == before.id else each for each in found]
        return super().page(seen, call)

row(6, "number_of_results_is_ignored", "list.paging.number_of_results",
    "list returns all whatever number_of_results says.",
    pages(limit=lambda: None), release="R13")

row(6, "one_result_too_many", "list.paging.number_of_results",
    "list returns one webhook request more than number_of_results says.",
    pages(limit=lambda call: call.limit and call.limit + 1), release="R13")

row(6, "two_are_the_least", "list.paging.number_of_results",
    "list returns two webhook requests if number_of_results is 1.",
    pages(limit=lambda call: 2 if call.limit == 1 else call.limit), release="R13")

row(6, "offset_is_ignored", "list.paging.offset",
    "list skips none whatever offset says.",
    pages(skip=lambda: 0), release="R13")

row(6, "past_the_end_comes_the_last_page", "list.paging.offset",
    "list returns its last webhook request again if offset is past the end.",
    step("page", lambda base, found, call: base(found, call) or found[-1:]), release="R13")
