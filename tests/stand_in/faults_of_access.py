"""Faults in tokens, logins and verbs."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

import json
from typing import Any

from stand_in.fault import fault
from stand_in.reading import Call, Refusal
from stand_in.server import PASSWORD, StandIn
from stand_in.tokens import encoded

FROM_LOGIN = "token is one that a login returned, and no other."
MANDATORY = "username, password and organisation are mandatory."
VERB = "show and list are called with GET, resend, delete and the logins with POST."
CLAIMS = "A JWT has typ JWT, alg HS256 and the claims jti, usr, org, oun, exp and iat."


class Lenient(StandIn):
    """Accepts tokens that are not quite those it issued."""

    def same(self, token: str, known: str, call: Call) -> bool:
        raise NotImplementedError

    def check_token(self, token: Any, call: Call) -> None:
        for known in list(self.tokens.known):
            if isinstance(token, str) and self.same(token, known, call):
                token = known
                break
        super().check_token(token, call)


@fault(119, "token.from_login", FROM_LOGIN)
class LongerTokenAccepted(Lenient):
    """A token with more behind it passes."""

    def same(self, token: str, known: str, _call: Call) -> bool:
        return token.startswith(known)


@fault(120, "token.from_login", FROM_LOGIN)
class ShorterTokenAccepted(Lenient):
    """A token without its last letter passes."""

    def same(self, token: str, known: str, _call: Call) -> bool:
        return token == known[:-1]


@fault(121, "token.from_login", FROM_LOGIN)
class TokenInAnyCase(Lenient):
    """A token in lower case passes."""

    def same(self, token: str, known: str, _call: Call) -> bool:
        return token.upper() == known.upper()


@fault(122, "token.from_login", FROM_LOGIN)
class TokenUncheckedInActions(Lenient):
    """resend and delete only look whether there is a token."""

    def same(self, _token: str, _known: str, call: Call) -> bool:
        return call.method in ("resend", "delete")


@fault(123, "token.from_login", FROM_LOGIN)
class TokenUncheckedForEntityId(Lenient):
    """list by entity_id answers for any token."""

    def same(self, _token: str, _known: str, call: Call) -> bool:
        return "entity_id" in call.parameters


@fault(124, "token.from_login", FROM_LOGIN)
class TokenUncheckedAfterResend(Lenient):
    """Once somebody has sent a record again, show answers for any token."""

    def same(self, _token: str, _known: str, call: Call) -> bool:
        resent = any(record.sends > 1 for record in self.records.values())
        return call.method == "show" and resent


@fault(125, "token.from_login", FROM_LOGIN)
class TokenIsWildcard(Lenient):
    """A percent sign passes, as in LIKE of SQL."""

    def same(self, token: str, known: str, _call: Call) -> bool:
        return token.endswith("%") and known.startswith(token[:-1])


@fault(126, "token.from_login", FROM_LOGIN, release="R12")
class SignatureUnchecked(Lenient):
    """Of a JWT only header and claims are compared."""

    def same(self, token: str, known: str, _call: Call) -> bool:
        return token.count(".") == 2 and token.rpartition(".")[0] == known.rpartition(".")[0]


class OtherJwt(StandIn):
    """Issues a JWT that is not quite the documented one."""

    algorithm = "HS256"

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        return claims

    def do_login(self, call: Call) -> Any:
        data = super().do_login(call)
        parts = data["token"].split(".")
        claims = self.claims(self.tokens.claims(data["token"]))
        header = {"typ": "JWT", "alg": self.algorithm}
        parts[:2] = [encoded(json.dumps(part)) for part in (header, claims)]
        self.tokens.known[".".join(parts)] = self.tokens.known.pop(data["token"])
        return {"token": ".".join(parts)}


@fault(127, "login.token.jwt_header", CLAIMS, release="R12")
class OtherAlgorithm(OtherJwt):
    """The header of a token names another algorithm."""

    algorithm = "none"


@fault(128, "login.token.jwt_claims", CLAIMS, release="R12")
class UnitClaimMissing(OtherJwt):
    """A token has no claim oun."""

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        del claims["oun"]
        return claims


@fault(129, "login.token.two_hours", "A token lives two hours.", release="R12")
class TokenOfOneHour(OtherJwt):
    """A token says that it ends an hour after it was issued."""

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        kind = type(claims["exp"])
        return {**claims, "exp": kind(int(claims["exp"]) - 3600)}


@fault(130, "login.token.jwt", "From R12 on a token is a JWT.", release="R12")
class HexTokenInR12(StandIn):
    """A token is still 32 digits."""

    def do_login(self, call: Call) -> Any:
        token = super().do_login(call)["token"]
        short = self.tokens.opaque(by_key=False)
        self.tokens.known[short] = self.tokens.known.pop(token)
        return {"token": short}


@fault(131, "token.parameters.mandatory", MANDATORY)
class LoginWithoutOrganisation(StandIn):
    """A login without organisation is for the only one there is."""

    def do_login(self, call: Call) -> Any:
        call.parameters.setdefault("organisation", "ACMETV")
        return super().do_login(call)


@fault(132, "token.parameters.mandatory", MANDATORY)
class LoginWithoutPassword(StandIn):
    """A login without a password comes in; with a wrong one it does not."""

    def do_login(self, call: Call) -> Any:
        call.parameters.setdefault("password", PASSWORD)
        return super().do_login(call)


@fault(133, "login.unit", "unit is the ID of the unit to act for.", release="R12")
class LoginUnitIgnored(StandIn):
    """A login acts for the default unit whatever unit it names."""

    def unit(self, call: Call) -> dict[str, Any]:
        call.parameters.pop("unit", None)
        return super().unit(call)


@fault(
    134,
    "web_api_key_token.parameters.mandatory",
    "A Web API key is needed for a token of that kind.",
    release="R10",
)
class KeyLoginWithoutKey(StandIn):
    """Without a header the login by key returns a token."""

    def do_key_login(self, call: Call) -> Any:
        if "authorization" in call.headers:
            return super().do_key_login(call)
        unit = self.unit(call)
        return {"token": self.tokens.issue(self.now, "webapi", "ACMETV", unit, by_key=True)}


@fault(
    135,
    "token_release.parameters.mandatory",
    "The release of a token needs the token.",
    release="R10",
)
class ReleaseWithoutToken(StandIn):
    """A release without a token answers OK."""

    def do_release_token(self, call: Call) -> Any:
        return super().do_release_token(call) if "token" in call.parameters else {}


@fault(136, "methods.verb", VERB)
class DeleteByGet(StandIn):
    """delete can be called with GET, and deletes."""

    def verbs(self, method: str, verb: str) -> tuple[str, ...]:
        return (verb, "GET") if method == "delete" else (verb,)


@fault(137, "methods.available", "All four methods are available from R9.0 on.")
class ResendNotAvailable(StandIn):
    """There is no resend."""

    def run(self, call: Call) -> Any:
        if call.method == "resend":
            raise Refusal("unknown_path", "There is no method webhook_requests/resend.")
        return super().run(call)


@fault(
    138,
    "token.required",
    "A token is sent with every call.",
    doubt="No page marks the token as mandatory.",
)
class ListWithoutToken(StandIn):
    """list answers without a token."""

    def authenticate(self, call: Call) -> None:
        if call.method != "list" or "token" in call.parameters:
            super().authenticate(call)


@fault(
    139,
    "token_release.ends_token",
    "A token that was released is released.",
    release="R10",
    doubt="What a release does is not spelled out.",
)
class ReleasedTokenShows(StandIn):
    """show answers for a token that was released."""

    def check_token(self, token: Any, call: Call) -> None:
        try:
            super().check_token(token, call)
        except Refusal as refusal:
            if call.method != "show" or refusal.kind != "released_token":
                raise


@fault(
    140,
    "token.expiry",
    "A token ends after an hour.",
    doubt="Documented, but no run waits for an hour.",
)
class ExpiredTokenAccepted(StandIn):
    """list answers for a token that has expired."""

    def check_token(self, token: Any, call: Call) -> None:
        try:
            super().check_token(token, call)
        except Refusal as refusal:
            if call.method != "list" or refusal.kind != "expired_token":
                raise


@fault(
    141,
    "login.credentials",
    "A login takes user name, password and organisation.",
    doubt="No page says what wrong credentials lead to; clients show it.",
)
class PasswordCutToEight(StandIn):
    """Of a password only the first eight letters count."""

    def credentials_right(self, username: str, password: str, organisation: str) -> bool:
        whole = password[:8] == PASSWORD[:8]
        return super().credentials_right(username, PASSWORD if whole else "", organisation)


@fault(
    142,
    "login.credentials",
    "A login takes user name, password and organisation.",
    doubt="No page says what wrong credentials lead to; clients show it.",
)
class AnyOrganisation(StandIn):
    """The organisation must be there, and may be any."""

    def credentials_right(self, username: str, password: str, _organisation: str) -> bool:
        return super().credentials_right(username, password, "ACMETV")


@fault(
    143,
    "methods.verb",
    VERB,
    doubt="That a method takes no second verb is read into the page.",
)
class ListByPost(StandIn):
    """list can be called with POST as well."""

    def verbs(self, method: str, verb: str) -> tuple[str, ...]:
        return (verb, "POST") if method == "list" else (verb,)
