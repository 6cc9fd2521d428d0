"""The third set of faults, of logins, tokens, refusals and HTTP; see ``faults_third_lists``."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

from stand_in.fault import fault
from stand_in.faults_of_access import OtherJwt
from stand_in.faults_second_answers import TOKEN_ERRORS
from stand_in.reading import SEMI_OPTIONAL, Call, Refusal, Request
from stand_in.server import Reply, StandIn

JSON = "Every response is JSON, errors included."
NOT_OK = "The status code of an error is another than OK."
CLAIMS = "A JWT has the claims jti, usr, org, oun, exp and iat."
ONE_OF = "list needs one of the four parameters that are marked semi-optional."

# Tokens and logins.


@fault(376, "token.from_login", "token is one that a login returned, and no other.")
class TokenKnownByItsEnd(StandIn):
    """Of a token only the last eight letters are compared."""

    def check_token(self, token: Any, call: Call) -> None:
        same = [known for known in self.tokens.known if known[-8:] == str(token)[-8:]]
        super().check_token(same[-1] if same else token, call)


@fault(
    377,
    "token_release.ends_token",
    "token_release ends the token that is named.",
    release="R10",
    doubt="No page says how many tokens of one user live at a time.",
    also=("login.token.one_hour", "token_release.parameters.mandatory"),
)
class ReleaseEndsEveryToken(StandIn):
    """token_release ends the session of the user, with all its tokens."""

    def do_release_token(self, call: Call) -> Any:
        data = super().do_release_token(call)
        for known in self.tokens.known:
            self.tokens.end(known)
        return data


@fault(
    378,
    "login.credentials",
    "A login takes the password of the user, and no other.",
    doubt="No page says that blanks around a password count.",
)
class PasswordTrimmed(StandIn):
    """Blanks around a password are dropped."""

    def credentials_right(self, username: str, password: str, organisation: str) -> bool:
        return super().credentials_right(username, password.strip(), organisation)


@fault(
    379,
    "login.token.jwt_times",
    "exp and iat count seconds, 7200 apart.",
    release="R12",
    also=("login.token.jwt_claims", "login.token.two_hours"),
)
class JwtTimesInMilliseconds(OtherJwt):
    """exp and iat count milliseconds."""

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        times = {name: type(claims[name])(int(claims[name]) * 1000) for name in ("exp", "iat")}
        return claims | times


@fault(
    380,
    "login.token.jwt_claims",
    CLAIMS,
    release="R12",
    doubt="No page says that each login begins a session of its own.",
)
class SessionIsUser(OtherJwt):
    """jti is made from the user's name, and the same in all tokens."""

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        made = hashlib.md5(claims["usr"].encode()).hexdigest()  # noqa: S324 - of no matter
        return claims | {"jti": made.upper()}


@fault(381, "login.token.jwt", "From R12 on a token is a JWT.", release="R12")
class JwtInPlainBase64(StandIn):
    """The parts of a token are written in the base64 that is not for URLs."""

    def do_login(self, call: Call) -> Any:
        token = super().do_login(call)["token"]
        plain = token.replace("-", "+").replace("_", "/")
        self.tokens.known[plain] = self.tokens.known.pop(token)
        return {"token": plain}


@fault(
    382,
    "login.web_api_key.basic",
    "The Web API key is the user name, with an empty password.",
    release="R10",
    doubt="No page says what a password beside the key leads to.",
)
class KeyLoginTakesAnyPassword(StandIn):
    """The login by key does not look at what is behind the colon."""

    def key_of(self, header: str) -> str | None:
        scheme, _, encoded = header.partition(" ")
        try:
            key = base64.b64decode(encoded, validate=True).partition(b":")[0] + b":"
        except ValueError:
            return None
        return super().key_of(f"{scheme} {base64.b64encode(key).decode()}")


@fault(
    383,
    "login.unit.default",
    "Without unit the user acts for their default unit.",
    release="R10",
    also=("login.unit", "web_api_key_token.available"),
)
class KeyLoginNeedsUnit(StandIn):
    """The login by key is refused without unit, which is optional."""

    def do_key_login(self, call: Call) -> Any:
        if not call.parameters.get("unit"):
            raise Refusal("missing_parameter", "unit is mandatory.")
        return super().do_key_login(call)


# What is refused.


@fault(384, "resend.only_rejected", "Only a rejected webhook request can be sent again.")
class ResendOfSuccessfulAnswersOk(StandIn):
    """resend of a SUCCESSFUL record does nothing, and answers OK."""

    def do_resend(self, call: Call) -> Any:
        record = self.find(call)
        if not self.may_resend(record, call):
            return self.trimmed(record, call)
        return super().do_resend(call)


class ListingAll(StandIn):
    """Takes some lists for lists without a filter; a subclass says which."""

    def takes(self, call: Call) -> bool:
        raise NotImplementedError

    def read_arguments(self, call: Call) -> None:
        if call.method != "list" or not self.takes(call):
            super().read_arguments(call)
            return
        call.parameters["entity"] = "JOBS"
        super().read_arguments(call)
        del call.filters["entity"]


@fault(385, "list.semi_optional.at_least_one", ONE_OF, release="R13")
class PagingAloneIsEnough(ListingAll):
    """list needs no filter where number_of_results is given."""

    def takes(self, call: Call) -> bool:
        given = set(call.parameters)
        return "number_of_results" in given and not given & set(SEMI_OPTIONAL)


@fault(
    386,
    "list.semi_optional.at_least_one",
    ONE_OF,
    also=("list.entity.supported_values", "parameters.values"),
)
class EmptyEntityListsAll(ListingAll):
    """An empty entity counts as given, and is no condition."""

    def takes(self, call: Call) -> bool:
        return call.parameters.get("entity") == ""


@fault(
    387,
    "delete.fields_set.selects",
    "With fields_set delete returns exactly the named fields.",
    release="R15",
)
class DeleteIgnoresFieldsSet(StandIn):
    """delete returns all fields whatever fields_set names."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if call.method == "delete":
            call.fields = None


# What a response looks like.


class OtherErrors(StandIn):
    """Writes errors of some kinds in another way."""

    kinds: tuple[str, ...] = ()

    def written(self, envelope: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        reply = super().refusal(request, refusal)
        if refusal.kind not in self.kinds:
            return reply
        return self.reply(reply.status, self.written(json.loads(reply.body)))


@fault(
    388,
    "envelope.status",
    "status is an object with code, message and description.",
    also=("errors.code_not_ok", "errors.message"),
)
class BadValueStatusIsText(OtherErrors):
    """status of an error about an entity, a state or a date is a text."""

    kinds = ("bad_entity", "bad_state", "bad_date")

    def written(self, envelope: dict[str, Any]) -> dict[str, Any]:
        return envelope | {"status": envelope["status"]["code"]}


@fault(
    389,
    "errors.code_not_ok",
    NOT_OK,
    also=(
        "list.semi_optional.at_least_one",
        "show.parameters.mandatory",
        "resend.parameters.mandatory",
        "delete.parameters.mandatory",
    ),
)
class MissingParameterInsideData(OtherErrors):
    """A parameter that is missing is told in data of a success."""

    kinds = ("missing_parameter",)

    def written(self, envelope: dict[str, Any]) -> dict[str, Any]:
        status = envelope["status"]
        return {"status": status | {"code": "OK"}, "data": {"error": status["message"]}}


@fault(
    390,
    "envelope.status",
    "status is an object with code, message and description.",
    doubt="What an error has beside its code is seen in clients only.",
    also=("errors.message",),
)
class TokenErrorsHaveNoMessage(OtherErrors):
    """status of an error about a token has its code alone."""

    kinds = ("missing_token", *TOKEN_ERRORS)

    def written(self, envelope: dict[str, Any]) -> dict[str, Any]:
        return envelope | {"status": {"code": envelope["status"]["code"]}}


@fault(391, "envelope.json", JSON)
class CommaAfterLastRow(StandIn):
    """In a list with fields_set a comma follows the last row."""

    def success(self, call: Call, data: Any) -> Reply:
        reply = super().success(call, data)
        if call.method == "list" and call.fields is not None:
            return replace(reply, body=b"},]".join(reply.body.rsplit(b"}]", 1)))
        return reply


@fault(392, "errors.json", JSON, also=("envelope.json",))
class ValueUnescapedInError(StandIn):
    """An error repeats a value as it is, quotation marks and all."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        reply = super().refusal(request, refusal)
        escaped, raw = (json.dumps(refusal.text)[1:-1], refusal.text)
        return replace(reply, body=reply.body.replace(escaped.encode(), raw.encode()))


@fault(393, "errors.json", JSON, also=("envelope.json",))
class HtmlForLongQuery(StandIn):
    """A query of more than a thousand letters is answered by the server in front."""

    def answer(self, request: Request) -> Reply:
        if len(request.query) > 1000:
            return Reply(414, "text/html", b"<h1>Request-URI Too Long</h1>")
        return super().answer(request)


@fault(
    394,
    "errors.json",
    JSON,
    doubt="Which content type a response has is not documented.",
    also=("envelope.json",),
)
class ErrorsCalledHtml(StandIn):
    """An error is JSON, and its content type says HTML."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        return replace(super().refusal(request, refusal), content_type="text/html;charset=UTF-8")


@fault(
    395,
    "envelope.code_ok",
    "The status code of a success is OK.",
    release="R18",
    doubt="What deprecated methods answer in R18 is not documented.",
    also=("deprecation.webhook_requests",),
)
class DeprecatedIsNotOk(StandIn):
    """From R18 on the status code of a success is DEPRECATED."""

    def success(self, call: Call, data: Any) -> Reply:
        reply = super().success(call, data)
        if call.method not in ("show", "list", "resend", "delete"):
            return reply
        return replace(reply, body=reply.body.replace(b'"code": "OK"', b'"code": "DEPRECATED"'))
