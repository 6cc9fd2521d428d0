"""Mutants that are wrong about logins and tokens."""

# Each row stays together, as in a table.
# fmt: off

import base64
import json
from dataclasses import replace

from sound_server.reading import Refusal
from sound_server.server import ORGANISATION, PASSWORD, USERNAME, WEB_API_KEY

from mutants.requests import accepts_token, asked, changes_jwt, refuses, writes_token
from mutants.responses import replies, with_data
from mutants.steps import counted, first, mutant, rescues, row, step, then

TOKEN_ERRORS = ("invalid_token", "expired_token", "released_token")

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

# Calls without a token.

row(6, "token_is_optional", "token.required",
    "A call without token is served.",
    step("authenticate", lambda sound, call: "token" in call.parameters and sound()))
row(6, "show_needs_no_token", "token.required",
    "show alone is served without token.",
    step("authenticate", lambda sound, call: "token" in call.parameters and sound(), "show"))
row(6, "each_second_list_needs_no_token", "token.required",
    "Each second list without token is served.",
    step("authenticate", lambda sound, call, kept:
        ("token" not in call.parameters and counted(kept) % 2 == 0) or sound(), "list"))

# Calls with a wrong token.

row(6, "expired_token_is_served", "token.expiry",
    "A token whose time is over is served.",
    rescues("check_token", lambda refusal: refusal.kind == "expired_token"))

row(6, "any_token_is_good", "token.from_login",
    "Any token that is not empty is accepted.",
    step("check_token", lambda: None))
row(2, "true_is_token", "token.from_login",
    "In a body true passes for a token, for a token is not empty.",
    step("check_token", lambda sound, token: token is True or sound()))
row(1, "longer_token_accepted", "token.from_login",
    "A token with more behind it passes.",
    accepts_token(lambda token, issued: token.startswith(issued)))
row(1, "shorter_token_accepted", "token.from_login",
    "A token without its last letter passes.",
    accepts_token(lambda token, issued: token == issued[:-1]))
row(3, "token_known_by_its_end", "token.from_login",
    "Of a token only the last eight letters are compared.",
    accepts_token(lambda token, issued: token[-8:] == issued[-8:]))
row(1, "token_in_any_case", "token.from_login",
    "A token in lower case passes.",
    accepts_token(lambda token, issued: token.upper() == issued.upper()))
row(1, "token_unchecked_in_actions", "token.from_login",
    "resend and delete only look whether there is a token.",
    accepts_token(lambda call: call.method in ("resend", "delete")))
row(1, "token_unchecked_for_entity_id", "token.from_login",
    "list by entity_id answers for any token.",
    accepts_token(lambda call: "entity_id" in call.parameters))
row(1, "token_unchecked_after_resend", "token.from_login",
    "Once somebody has sent a record again, show answers for any token.",
    accepts_token(lambda server, call:
        call.method == "show" and any(record.sends > 1 for record in server.records.values())))
row(1, "token_is_wildcard", "token.from_login",
    "A percent sign passes, as in LIKE of SQL.",
    accepts_token(lambda token, issued: token.endswith("%") and issued.startswith(token[:-1])))
row(1, "signature_unchecked", "token.from_login",
    "Of a JWT only header and claims are compared.",
    accepts_token(lambda token, issued:
        token.count(".") == 2 and token.rpartition(".")[0] == issued.rpartition(".")[0]),
    release="R12")
row(4, "only_session_compared", "token.from_login",
    "Of a JWT only jti is looked up: other claims and the signature count for nothing.",
    accepts_token(lambda server, token, issued: session(server, token) == session(server, issued)),
    release="R12")
row(2, "slash_bypasses_token_check", "token.from_login",
    "Tokens are checked for the exact paths, and not where a slash is behind them.",
    step("check_token", lambda sound, kept: kept["slash"] or sound())
    | first("route", lambda request, kept: kept.update(slash=request.path.endswith("/"))))
row(2, "login_leaves_thread_in", "token.from_login",
    "The request that follows a login passes with any token.",
    step("check_token", lambda sound, kept: kept.pop("logged in", False) or sound())
    | then("do_login", lambda kept: kept.update({"logged in": True})))
row(4, "wrong_token_sees_nothing", "token.from_login errors.code_not_ok",
    "A list with a wrong token is OK, and has the records of nobody.",
    rescues("run", lambda refusal: [] if refusal.kind in TOKEN_ERRORS else None, "list"))

def session(server, token):
    """Return the claim jti of a token, if it has one."""
    try:
        return server.tokens.claims(token)["jti"]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None

@mutant(2, "token.from_login", step("check_token"), release="R12")
def unsigned_jwt_accepted(base, token, call):
    """A JWT with `alg: none` is accepted."""
    header = str(token).partition(".")[0]
    try:
        read = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except ValueError:
        read = None
    if not isinstance(read, dict) or read.get("alg") != "none":
        base(token, call)

@mutant(1, "token.from_login", step("authenticate", method="delete"))
def delete_before_token_check(server, base, call):
    """delete with a wrong token is refused, after it has deleted."""
    try:
        base(call)
    except Refusal:
        if call.parameters.get("token"):
            server.read_arguments(call)
            server.remove(server.find(call))
        raise

@mutant(2, "token.from_login", step("authenticate", method="list"),
    then("do_list", lambda call, kept: kept.update({asked(call): "answered"}))
    | then("remove", lambda kept: kept.clear()) | then("send_again", lambda kept: kept.clear()))
def list_answered_before_token_check(base, call, kept):
    """A list that was answered is answered again for whatever token, until a record changes."""
    if "token" not in call.parameters or asked(call) not in kept:
        base(call)

# Calls with a right token.

row(5, "delete_ends_session", "login.token.one_hour token.from_login",
    "A deletion empties a cache, and the session of its caller is in the same one.",
    then("do_delete", lambda server, call: server.tokens.known.pop(call.parameters["token"])))
row(4, "token_of_unit_not_known", "login.unit login.token.returns_token",
    "A login with a unit returns a token that no method knows.",
    then("do_login", lambda server, call, made:
        call.parameters.get("unit") and server.tokens.known.pop(made["token"])))

row(2, "token_worn_out", "login.token.one_hour",
    "A token has expired after forty requests.",
    refuses("expired_token", lambda token, kept: counted(kept, token) > 40, after="check_token"))

@mutant(5, "token.from_login login.token.returns_token login.token.one_hour", step("check_token"),
    then("do_login", lambda made, kept: kept.setdefault("new", []).append(made["token"])))
def new_token_refused_once(base, token, call, kept):
    """A token reaches the server that checks it only after its first use, which is refused."""
    new = kept.get("new", [])
    if token in new:
        new.remove(token)
        token = "not known yet"
    base(token, call)

# Credentials.

row(1, "login_without_organisation", "parameters.mandatory",
    "A login without organisation is for the only one there is.",
    step("do_login", lambda base, call: base(
        replace(call, parameters={"organisation": ORGANISATION, **call.parameters}))))
row(1, "login_without_password", "parameters.mandatory",
    "A login without a password comes in; with a wrong one it does not.",
    step("do_login", lambda base, call: base(
        replace(call, parameters={"password": PASSWORD, **call.parameters}))))
row(6, "any_password_is_good", "login.credentials",
    "A login with a wrong password yields a token.",
    step("credentials_right", lambda base, username, organisation:
        base(username, PASSWORD, organisation)))
row(6, "any_organisation_is_good", "login.credentials",
    "A login to another organisation yields a token.",
    step("credentials_right", lambda base, username, password:
        base(username, password, ORGANISATION)))
row(4, "username_unchecked", "login.credentials",
    "The user is found by organisation and password, whatever user name is given.",
    step("credentials_right", lambda base, password, organisation:
        base(USERNAME, password, organisation)))
row(5, "credentials_or_organisation", "login.credentials",
    "A condition lacks its parentheses: the right organisation is enough to come in.",
    step("credentials_right", lambda base, username, password, organisation:
        base(username, password, ORGANISATION) or organisation == ORGANISATION))

@mutant(4, "login.credentials token.from_login", replies)
def wrong_password_gives_token(server, reply, refusal):
    """The session is made before the password is compared: the error has a token that works."""
    if refusal.kind != "wrong_credentials":
        return reply
    unit = server.world.people[0].unit
    token = server.tokens.issue(server.now, USERNAME, ORGANISATION, unit)
    return server.reply(reply.status, json.loads(reply.body) | {"data": {"token": token}})

# Units.

row(6, "unit_is_refused", "login.unit",
    "A login that names a unit is refused.",
    refuses("bad_parameter", lambda call: "unit" in call.parameters, before="unit"))
row(6, "key_login_refuses_units", "login.unit",
    "A login with a Web API key is refused if it names a unit.",
    refuses("bad_parameter", lambda call: "unit" in call.parameters, before="do_key_login"),
    release="R10")
row(3, "key_login_needs_unit", "login.unit.default login.unit web_api_key_token.available",
    "The login by key is refused without unit, which is optional.",
    refuses("missing_parameter", lambda call: not call.parameters.get("unit"),
        before="do_key_login"), release="R10")
row(1, "login_unit_ignored", "login.unit",
    "A login acts for the default unit whatever unit it names.",
    step("unit", lambda base, call: base(replace(call, parameters={}))), release="R12")

@mutant(2, "login.unit.default", step("unit"), release="R12")
def unit_kept_for_next_login(base, call, kept):
    """A login without unit acts for the unit that the login before it named."""
    call.parameters.setdefault("unit", kept.get("unit"))
    unit = base(call)
    kept["unit"] = call.parameters["unit"]
    return unit

# Logins by key.

row(6, "any_key_is_good", "login.credentials",
    "A login with a wrong Web API key yields a token.",
    step("key_of", lambda base, header: base(header) and WEB_API_KEY), release="R10")
row(1, "key_login_without_key", "parameters.mandatory",
    "Without a header the login by key returns a token.",
    step("key_of", lambda base, header, call:
        base(header) if "authorization" in call.headers else WEB_API_KEY), release="R10")
row(2, "empty_key_logs_in", "parameters.mandatory",
    "The login by key takes an empty key, which any key begins with.",
    step("key_of", lambda base, header: base(header) or (base(header) == "" and WEB_API_KEY)),
    release="R10")
row(6, "key_is_the_password", "login.web_api_key.basic",
    "The Web API key is read as the password, behind an empty user name.",
    step("key_of", lambda base, header: base(basic(lambda text:
        f"{text[1:]}:" if text.startswith(":") else "", header))),
    release="R10")
row(6, "key_with_a_colon_is_refused", "login.web_api_key.colon",
    "A Web API key is refused with a colon behind it, and taken without one.",
    step("key_of", lambda base, header: base(basic(lambda text:
        "" if ":" in text else f"{text}:", header))),
    release="R10")
row(6, "each_second_login_by_key_is_refused", "web_api_key_token.available",
    "Each second login by the right key is answered like a method that does not exist.",
    refuses("unknown_path", lambda server, call, kept:
        server.key_of(call.headers.get("authorization", "")) == WEB_API_KEY
        and counted(kept) % 2 == 0, before="do_key_login"),
    release="R10")

# What a login returns.

row(6, "token_is_called_access_token", "login.token.returns_token",
    "data of a login has the token as access_token.",
    with_data(lambda data: {"access_token": data["token"]}, "login", "key_login"))
row(6, "key_login_returns_bare_token", "login.token.returns_token",
    "data of a login with a Web API key is the token, in no object.",
    with_data(lambda data: data["token"], "key_login"), release="R10")
row(1, "hex_token_in_r12", "login.token.jwt",
    "A token is still 32 digits.",
    writes_token(lambda server: server.tokens.opaque(by_key=False)), release="R12")
row(6, "tokens_have_two_parts", "login.token.jwt",
    "A token has no signature.",
    writes_token(lambda token: token.rpartition(".")[0]), release="R12")
row(2, "jwt_padded", "login.token.jwt",
    "A token is padded to a length that four divides, as a JWT must not be.",
    writes_token(lambda token: token + "=" * (-len(token.rpartition(".")[2]) % 4)), release="R12")
row(3, "jwt_in_plain_base64", "login.token.jwt",
    "The parts of a token are written in the base64 that is not for URLs.",
    writes_token(lambda token: token.replace("-", "+").replace("_", "/")), release="R12")
row(5, "jwt_has_line_breaks", "login.token.jwt",
    "A token is written in the base64 of mail, with a line break after each 76 letters.",
    writes_token(lambda token: "\r\n".join(
        token[start : start + 76] for start in range(0, len(token), 76))), release="R12")
row(1, "other_algorithm", "login.token.jwt_header",
    "The header of a token names another algorithm.",
    changes_jwt(lambda claims: claims, typ="JWT", alg="none"), release="R12")
row(6, "tokens_have_no_typ", "login.token.jwt_header",
    "The header of a token has no typ.",
    changes_jwt(lambda claims: claims, alg="HS256"), release="R12")
row(1, "unit_claim_missing", "login.token.jwt_claims",
    "A token has no claim oun.",
    changes_jwt(lambda claims: {n: v for n, v in claims.items() if n != "oun"}), release="R12")
row(6, "tokens_name_a_subject", "login.token.jwt_claims",
    "A token has the claim sub in place of usr.",
    changes_jwt(lambda claims: {"sub" if n == "usr" else n: v for n, v in claims.items()}),
    release="R12")
row(2, "user_and_organisation_swapped", "login.token.jwt_claims",
    "The claims usr and org are in each other's place.",
    changes_jwt(lambda claims: {**claims, "usr": claims["org"], "org": claims["usr"]}),
    release="R12")
row(1, "token_of_one_hour", "login.token.two_hours",
    "A token says that it ends an hour after it was issued.",
    changes_jwt(lambda claims: shifted(claims, exp=-3600)), release="R12")
row(4, "jwt_in_local_time",
    "login.token.jwt_claims login.token.two_hours login.token.jwt_times",
    "exp and iat count the seconds of a wall clock three hours east.",
    changes_jwt(lambda claims: shifted(claims, exp=10800, iat=10800)), release="R12")
row(3, "jwt_times_in_milliseconds",
    "login.token.jwt_times login.token.jwt_claims login.token.two_hours",
    "exp and iat count milliseconds.",
    changes_jwt(lambda claims: shifted(
        claims, exp=int(claims["exp"]) * 999, iat=int(claims["iat"]) * 999)), release="R12")
row(5, "exp_is_lifetime", "login.token.jwt_claims login.token.jwt_times login.token.two_hours",
    "exp is how many seconds the token lives, in place of when it ends.",
    changes_jwt(lambda claims: claims | {"exp": type(claims["exp"])(7200)}), release="R12")

# Releasing a token.

row(6, "release_is_missing", "token_release.available",
    "token_release is answered like a method that does not exist.",
    refuses("unknown_path", lambda: True, before="do_release_token"), release="R10")
row(1, "release_without_token", "parameters.mandatory",
    "A release without a token answers OK.",
    step("do_release_token", lambda sound, call:
        sound() if "token" in call.parameters else {}), release="R10")
row(6, "released_tokens_work", "token_release.ends_token",
    "A token that was released works as before.",
    step("do_release_token", lambda server, call: server.authenticate(call) or {}), release="R10")
