"""Mutants that are wrong about logins and tokens."""

# Each row stays together, as in a table.
# fmt: off

import base64
import json
from typing import Any

from stand_in.reading import Call, Refusal, Request
from stand_in.server import ORGANISATION, PASSWORD, USERNAME, StandIn
from stand_in.world import Record

from mutants.combinators import accepts_token, changes_jwt, mutant, row, step

TOKEN_ERRORS = ("invalid_token", "expired_token", "released_token")

@mutant(1, "token.from_login", step("authenticate"))
def delete_before_token_check(server, base, call):
    """delete with a wrong token is refused, after it has deleted."""
    try:
        base(call)
    except Refusal:
        if call.method == "delete" and call.parameters.get("token"):
            server.read_arguments(call)
            server.remove(server.find(call))
        raise

row(1, "longer_token_accepted", "token.from_login",
    "A token with more behind it passes.",
    accepts_token(lambda token, known: token.startswith(known)))

row(1, "shorter_token_accepted", "token.from_login",
    "A token without its last letter passes.",
    accepts_token(lambda token, known: token == known[:-1]))

row(1, "token_in_any_case", "token.from_login",
    "A token in lower case passes.",
    accepts_token(lambda token, known: token.upper() == known.upper()))

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
    accepts_token(lambda token, known: token.endswith("%") and known.startswith(token[:-1])))

row(1, "signature_unchecked", "token.from_login",
    "Of a JWT only header and claims are compared.",
    accepts_token(lambda token, known:
        token.count(".") == 2 and token.rpartition(".")[0] == known.rpartition(".")[0]),
    release="R12")

row(1, "other_algorithm", "login.token.jwt_header",
    "The header of a token names another algorithm.",
    changes_jwt(lambda claims: claims, typ="JWT", alg="none"), release="R12")

@mutant(1, "login.token.jwt_claims", changes_jwt, release="R12")
def unit_claim_missing(claims):
    """A token has no claim oun."""
    del claims["oun"]
    return claims

row(1, "token_of_one_hour", "login.token.two_hours",
    "A token says that it ends an hour after it was issued.",
    changes_jwt(lambda claims:
        {**claims, "exp": type(claims["exp"])(int(claims["exp"]) - 3600)}), release="R12")

@mutant(1, "login.token.jwt", step("do_login"), release="R12")
def hex_token_in_r12(server, base, call):
    """A token is still 32 digits."""
    token = base(call)["token"]
    short = server.tokens.opaque(by_key=False)
    server.tokens.known[short] = server.tokens.known.pop(token)
    return {"token": short}

@mutant(1, "parameters.mandatory", step("do_login"))
def login_without_organisation(base, call):
    """A login without organisation is for the only one there is."""
    call.parameters.setdefault("organisation", "ACMETV")
    return base(call)

@mutant(1, "parameters.mandatory", step("do_login"))
def login_without_password(base, call):
    """A login without a password comes in; with a wrong one it does not."""
    call.parameters.setdefault("password", PASSWORD)
    return base(call)

@mutant(1, "login.unit", step("unit"), release="R12")
def login_unit_ignored(base, call):
    """A login acts for the default unit whatever unit it names."""
    call.parameters.pop("unit", None)
    return base(call)

@mutant(1, "parameters.mandatory", step("do_key_login"), release="R10")
def key_login_without_key(server, base, call):
    """Without a header the login by key returns a token."""
    if "authorization" in call.headers:
        return base(call)
    unit = server.unit(call)
    return {"token": server.tokens.issue(server.now, "webapi", "ACMETV", unit, by_key=True)}

row(1, "release_without_token", "parameters.mandatory",
    "A release without a token answers OK.",
    step("do_release_token", lambda base, call:
        base(call) if "token" in call.parameters else {}), release="R10")

@mutant(2, "token.from_login")
class ListAnsweredBeforeTokenCheck(StandIn):
    """A list that was answered is answered again for whatever token, until a record changes."""

    def set_up(self) -> None:
        self.answered: set[str] = set()

    def list_key(self, call: Call) -> str:
        given = {name: call.parameters[name] for name in call.parameters if name != "token"}
        return call.method + repr(sorted(given.items()))

    def authenticate(self, call: Call) -> None:
        if "token" not in call.parameters or self.list_key(call) not in self.answered:
            super().authenticate(call)

    def do_list(self, call: Call) -> Any:
        self.answered.add(self.list_key(call))
        return super().do_list(call)

    def remove(self, record: Record) -> None:
        super().remove(record)
        self.answered.clear()

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        self.answered.clear()

@mutant(2, "login.token.one_hour")
class TokenWornOut(StandIn):
    """A token has expired after forty requests."""

    def set_up(self) -> None:
        self.uses: dict[str, int] = {}

    def check_token(self, token: Any, call: Call) -> None:
        super().check_token(token, call)
        self.uses[token] = self.uses.get(token, 0) + 1
        if self.uses[token] > 40:
            raise Refusal("expired_token", "The token has expired.")

@mutant(2, "token.from_login")
class SlashBypassesTokenCheck(StandIn):
    """Tokens are checked for the exact paths, and not where a slash is behind them."""

    def route(self, request: Request) -> Call:
        self.slash = request.path.endswith("/")
        return super().route(request)

    def check_token(self, token: Any, call: Call) -> None:
        if not self.slash:
            super().check_token(token, call)

@mutant(2, "token.from_login")
class LoginLeavesThreadIn(StandIn):
    """The request that follows a login passes with any token."""

    def set_up(self) -> None:
        self.logged_in = False

    def do_login(self, call: Call) -> Any:
        data = super().do_login(call)
        self.logged_in = True
        return data

    def check_token(self, token: Any, call: Call) -> None:
        logged_in, self.logged_in = self.logged_in, False
        if not logged_in:
            super().check_token(token, call)

@mutant(2, "token.from_login", step("check_token"), release="R12")
def unsigned_jwt_accepted(base, token, call):
    """A JWT whose header says that it has no signature passes."""
    header = str(token).partition(".")[0]
    try:
        read = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except ValueError:
        read = None
    if not isinstance(read, dict) or read.get("alg") != "none":
        base(token, call)

row(2, "user_and_organisation_swapped", "login.token.jwt_claims",
    "The claims usr and org are in each other's place.",
    changes_jwt(lambda claims: {**claims, "usr": claims["org"], "org": claims["usr"]}),
    release="R12")

@mutant(2, "login.token.jwt", step("do_login"), release="R12")
def jwt_padded(server, base, call):
    """A token is padded to a length that four divides, as a JWT must not be."""
    token = base(call)["token"]
    padded = token + "=" * (-len(token.rpartition(".")[2]) % 4)
    server.tokens.known[padded] = server.tokens.known.pop(token)
    return {"token": padded}

@mutant(2, "login.unit.default", release="R12")
class UnitKeptForNextLogin(StandIn):
    """A login without unit acts for the unit that the login before it named."""

    def set_up(self) -> None:
        self.kept: Any = None

    def unit(self, call: Call) -> dict[str, Any]:
        if self.kept is not None:
            call.parameters.setdefault("unit", self.kept)
        unit = super().unit(call)
        self.kept = call.parameters.get("unit")
        return unit

@mutant(2, "parameters.mandatory", step("do_key_login"), release="R10")
def empty_key_logs_in(server, base, call):
    """The login by key takes an empty key, which any key begins with."""
    if server.key_of(call.headers.get("authorization", "")) != "":
        return base(call)
    unit = server.unit(call)
    return {"token": server.tokens.issue(server.now, "webapi", ORGANISATION, unit, by_key=True)}

@mutant(2, "token.from_login", step("check_token"))
def true_is_token(base, token, call):
    """In a body true passes for a token, for a token is not empty."""
    if token is not True:
        base(token, call)

@mutant(3, "token.from_login", step("check_token"))
def token_known_by_its_end(server, base, token, call):
    """Of a token only the last eight letters are compared."""
    same = [known for known in server.tokens.known if known[-8:] == str(token)[-8:]]
    base(same[-1] if same else token, call)

@mutant(3, "login.token.jwt_times login.token.jwt_claims login.token.two_hours",
    changes_jwt, release="R12")
def jwt_times_in_milliseconds(claims):
    """exp and iat count milliseconds."""
    times = {name: type(claims[name])(int(claims[name]) * 1000) for name in ("exp", "iat")}
    return claims | times

@mutant(3, "login.token.jwt", step("do_login"), release="R12")
def jwt_in_plain_base64(server, base, call):
    """The parts of a token are written in the base64 that is not for URLs."""
    token = base(call)["token"]
    plain = token.replace("-", "+").replace("_", "/")
    server.tokens.known[plain] = server.tokens.known.pop(token)
    return {"token": plain}

@mutant(3, "login.unit.default login.unit web_api_key_token.available",
    step("do_key_login"), release="R10")
def key_login_needs_unit(base, call):
    """The login by key is refused without unit, which is optional."""
    if not call.parameters.get("unit"):
        raise Refusal("missing_parameter", "unit is mandatory.")
    return base(call)

@mutant(4, "token.from_login", step("check_token"), release="R12")
def only_session_compared(server, base, token, call):
    """Of a JWT only jti is looked up: other claims and the signature count for nothing."""
    try:
        session = server.tokens.claims(token)["jti"]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        session = None
    same = [known for known in server.tokens.known if server.tokens.claims(known)["jti"] == session]
    base(same[0] if same else token, call)

@mutant(4, "token.from_login errors.code_not_ok", step("run"))
def wrong_token_sees_nothing(base, call):
    """A list with a wrong token is OK, and has the records of nobody."""
    try:
        return base(call)
    except Refusal as refusal:
        if call.method == "list" and refusal.kind in TOKEN_ERRORS:
            return []
        raise

row(4, "username_unchecked", "login.credentials",
    "The user is found by organisation and password, whatever user name is given.",
    step("credentials_right", lambda base, password, organisation:
        base(USERNAME, password, organisation)))

@mutant(4, "login.credentials token.from_login", step("refusal"))
def wrong_password_gives_token(server, base, request, refusal):
    """The session is made before the password is compared: the error has a token that works."""
    reply = base(request, refusal)
    if refusal.kind != "wrong_credentials":
        return reply
    unit = server.world.people[0].unit
    token = server.tokens.issue(server.now, USERNAME, ORGANISATION, unit)
    return server.reply(reply.status, json.loads(reply.body) | {"data": {"token": token}})

@mutant(4, "login.unit login.token.returns_token", step("do_login"))
def token_of_unit_not_known(server, base, call):
    """A login with a unit returns a token that no method knows."""
    data = base(call)
    if call.parameters.get("unit") is not None:
        del server.tokens.known[data["token"]]
    return data

@mutant(4, "login.token.jwt_claims login.token.two_hours login.token.jwt_times",
    changes_jwt, release="R12")
def jwt_in_local_time(claims):
    """exp and iat count the seconds of a wall clock three hours east."""
    times = {name: type(claims[name])(int(claims[name]) + 10800) for name in ("exp", "iat")}
    return claims | times

@mutant(5, "token.from_login login.token.returns_token login.token.one_hour")
class NewTokenRefusedOnce(StandIn):
    """A token reaches the server that checks it only after its first use, which is refused."""

    def set_up(self) -> None:
        self.fresh: list[Any] = []

    def do_login(self, call: Call) -> Any:
        data = super().do_login(call)
        self.fresh.append(data["token"])
        return data

    def check_token(self, token: Any, call: Call) -> None:
        if token in self.fresh:
            self.fresh.remove(token)
            raise Refusal("invalid_token", "The token is not valid.")
        super().check_token(token, call)

@mutant(5, "login.token.jwt", step("do_login"), release="R12")
def jwt_has_line_breaks(server, base, call):
    """A token is written in the base64 of mail, with a line break after each 76 letters."""
    token = base(call)["token"]
    broken = "\r\n".join(token[start : start + 76] for start in range(0, len(token), 76))
    server.tokens.known[broken] = server.tokens.known.pop(token)
    return {"token": broken}

row(5, "exp_is_lifetime", "login.token.jwt_claims login.token.jwt_times login.token.two_hours",
    "exp is how many seconds the token lives, in place of when it ends.",
    changes_jwt(lambda claims: claims | {"exp": type(claims["exp"])(7200)}), release="R12")

@mutant(5, "login.token.one_hour token.from_login", step("do_delete"))
def delete_ends_session(server, base, call):
    """A deletion empties a cache, and the session of its caller is in the same one."""
    data = base(call)
    del server.tokens.known[call.parameters["token"]]
    return data

row(5, "credentials_or_organisation", "login.credentials",
    "A condition lacks its parentheses: the right organisation is enough to come in.",
    step("credentials_right", lambda base, username, password, organisation:
        base(username, password, ORGANISATION) or organisation == ORGANISATION))
