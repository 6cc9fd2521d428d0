"""The second set of faults, of what a server shows and whom it lets in."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

import base64
import json
from typing import Any

from stand_in.fault import fault
from stand_in.faults_of_access import OtherJwt
from stand_in.reading import FIELDS, Call, Refusal, Request
from stand_in.server import ORGANISATION, Reply, StandIn
from stand_in.world import Record

JSON = "Every response is JSON, errors included."
CHOSEN = "With fields_set exactly the named fields are returned."
DEFINITION = "webhook_definition is the webhook definition that was used, an object."
RULE = "workflow_rule is the rule that triggered the webhook request, an object."
DATES = "log_information tells when a webhook request was created and updated."
FROM_LOGIN = "token is one that a login returned, and no other."
CLAIMS = "A JWT has the claims jti, usr, org, oun, exp and iat: session, user, organisation, unit."
FINANCIAL = ("INVOICES", "PAYMENTS", "REFUNDS", "CREDITNOTES", "WRITEOFFS")
TOKEN_ERRORS = ("invalid_token", "expired_token", "released_token")

# Fields.


class Viewing(StandIn):
    """Changes what some methods show of a record."""

    in_methods: tuple[str, ...] = ()

    def change(self, view: dict[str, Any], record: Record) -> None:
        raise NotImplementedError

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method in self.in_methods:
            self.change(view, record)
        return view


@fault(256, "response.url", "url is the URL that the webhook request was sent to.")
class ShowCutsUrl(Viewing):
    """show reads url into fifty letters."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view["url"] = view["url"][:50]


@fault(257, "response.webhook_definition", DEFINITION)
class ListNamesEncodedTwice(Viewing):
    """list encodes names of definitions in UTF-8 twice."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        shown = dict(view["webhook_definition"])
        if "name" in shown:
            shown["name"] = shown["name"].encode().decode("latin-1")
        view["webhook_definition"] = shown


@fault(
    258,
    "response.number",
    "number is the number of the webhook request.",
    number_form="large",
)
class ListNumbersOverflow(Viewing):
    """list keeps 32 bits of a number."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], record: Record) -> None:
        if record.number.isdigit():
            view["number"] = str(int(record.number) & 0xFFFFFFFF)


@fault(
    259,
    "response.error_description.only_rejected",
    "Only a rejected webhook request has an error_description.",
)
class DeleteShowsNullAsText(Viewing):
    """delete turns each field that is null into the text null."""

    in_methods = ("delete",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        for name in ("error_code", "error_description", "fields_set"):
            view[name] = str(view[name] or "null")


@fault(260, "response.workflow_rule", RULE, some_rules_null=True)
class NullRuleTakenFromRowAbove(StandIn):
    """A record of a list without a rule shows the rule of the row above."""

    def do_list(self, call: Call) -> Any:
        rows, above = super().do_list(call), None
        for row in rows:
            if "workflow_rule" in row:
                above = row["workflow_rule"] = row["workflow_rule"] or above
        return rows


@fault(261, "response.log_information.dates", DATES)
class ListSwapsDates(Viewing):
    """list shows the two dates of a record in each other's place."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        if log.get("updated_date"):
            log["created_date"], log["updated_date"] = log["updated_date"], log["created_date"]


@fault(
    262,
    "response.log_information.user_members",
    "The members of a user are id, username, person_name and email.",
)
class DeleteShowsUnitForUser(Viewing):
    """delete shows the unit in place of the user who changed the record last."""

    in_methods = ("delete",)

    def change(self, view: dict[str, Any], record: Record) -> None:
        if record.updated_by:
            view["log_information"]["updated_by_user"] = record.updated_by.unit


@fault(263, "response.log_information.dates", DATES)
class ShowHasTwelveHours(Viewing):
    """show writes the hour of a date as one of twelve."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for name in ("created_date", "updated_date"):
            if text := log.get(name):
                log[name] = f"{text[:11]}{(int(text[11:13]) + 11) % 12 + 1:02}{text[13:]}"


@fault(
    264,
    "response.authentication_code.hmac",
    "authentication_code is an HMAC of the data that was sent.",
)
class ListSharesCode(StandIn):
    """All records of a list have the code of the first."""

    def do_list(self, call: Call) -> Any:
        rows = super().do_list(call)
        for row in rows:
            if "authentication_code" in row:
                row["authentication_code"] = rows[0]["authentication_code"]
        return rows


@fault(265, "response.fields_set", "fields_set of a record is the set that the webhook used.")
class FieldsSetEchoed(StandIn):
    """The field fields_set holds the parameter fields_set, where that is given."""

    def trimmed(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().trimmed(record, call)
        if call.fields is not None and "fields_set" in view:
            view["fields_set"] = ",".join(call.fields)
        return view


@fault(266, "show.fields_set.selects", CHOSEN)
class FieldsFoundInText(StandIn):
    """show returns each field whose name is somewhere in the text of fields_set."""

    def wanted_fields(self, call: Call, names: list[str]) -> list[str]:
        if call.method != "show":
            return names
        return [name for name in FIELDS if name in ",".join(names)]


@fault(267, "list.fields_set.selects", CHOSEN)
class OneFieldUnwrapped(StandIn):
    """With one name in fields_set a list has bare values in place of records."""

    def do_list(self, call: Call) -> Any:
        rows = super().do_list(call)
        one = call.fields is not None and len(call.fields) == 1
        return [next(iter(row.values()), None) for row in rows] if one else rows


@fault(
    268,
    "response.log_information.units",
    "created_by_unit is the unit that the webhook request was created by.",
)
class ShowHasOwnUnit(Viewing):
    """show puts the caller's unit in place of the one that created the record."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for name in ("created_by_unit", "created_by_business_unit"):
            if log.get(name):
                log[name] = self.world.people[0].unit


@fault(269, "response.workflow_rule", RULE)
class ResendShowsRuleAsArray(Viewing):
    """workflow_rule is an array of one in the answer of resend."""

    in_methods = ("resend",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view["workflow_rule"] = [view["workflow_rule"]]


@fault(270, "resend.returns_record", "resend returns the record with its response fields.")
class ResendInCamelCase(StandIn):
    """resend writes names such as errorCode."""

    def trimmed(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().trimmed(record, call)
        if call.method != "resend":
            return view
        words = {name: name.split("_") for name in view}
        return {
            first + "".join(word.title() for word in rest): view[name]
            for name, (first, *rest) in words.items()
        }


@fault(271, "response.life_cycle_state.values", "life_cycle_state is SUCCESSFUL or REJECTED.")
class DeleteShowsDeletedState(Viewing):
    """A record that is deleted shows the state DELETED."""

    in_methods = ("delete",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view["life_cycle_state"] = "DELETED"


@fault(272, "delete.returns_record", "delete returns the deleted record with its fields.")
class DeleteShowsEntityIdAsId(Viewing):
    """id in the answer of delete is the id of the thing."""

    in_methods = ("delete",)

    def change(self, view: dict[str, Any], record: Record) -> None:
        view["id"] = record.entity_id


@fault(273, "response.webhook_definition", DEFINITION)
class DefinitionJoinedByUrl(StandIn):
    """The definition of a record is joined by URL, and null once it has another."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if record.url != record.definition.url:
            view["webhook_definition"] = None
        return view


@fault(274, "response.workflow_rule", RULE)
class RuleMissingAfterTenRows(StandIn):
    """Rules are fetched for the first ten rows of a list; the others have null."""

    def do_list(self, call: Call) -> Any:
        rows = super().do_list(call)
        for row in rows[10:]:
            if "workflow_rule" in row:
                row["workflow_rule"] = None
        return rows


# Releases.


@fault(
    275,
    "response.entity.supported_values",
    "entity is one of the entities that the release supports.",
    release="R15",
)
class ListShowsCollectiveEntity(Viewing):
    """list shows FINANCIALTRANSACTIONS for five entities, as a draft had it."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], record: Record) -> None:
        if record.entity in FINANCIAL:
            view["entity"] = "FINANCIALTRANSACTIONS"


@fault(
    276,
    "response.log_information.units",
    "The units are called created_by_unit and updated_by_unit until R18.",
)
class ReleasesComparedAsText(StandIn):
    """9 comes after 18, and so the units have the names of R18."""

    def log_information(self, record: Record) -> dict[str, Any]:
        log = super().log_information(record)
        if str(self.key[0]) < "18":
            return log
        return {name.replace("_by_unit", "_by_business_unit"): log[name] for name in log}


# JSON.


@fault(277, "errors.json", JSON)
class ErrorOfResendWrittenTwice(StandIn):
    """An error of resend is written by the method and by the filter around it."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        reply = super().refusal(request, refusal)
        twice = request.path.endswith("/resend")
        return Reply(reply.status, reply.content_type, reply.body * (1 + twice))


class RawLetters(StandIn):
    """Writes letters beyond ASCII as they are, in some wrong way."""

    def written(self, text: str) -> bytes:
        raise NotImplementedError

    def reply(self, http: int, envelope: Any) -> Reply:
        reply = super().reply(http, envelope)
        text = json.dumps(json.loads(reply.body), ensure_ascii=False)
        return Reply(reply.status, reply.content_type, self.written(text))


@fault(278, "envelope.json", JSON)
class Latin1Body(RawLetters):
    """A body is written in ISO 8859-1."""

    def written(self, text: str) -> bytes:
        return text.encode("latin-1", "replace")


@fault(279, "envelope.json", JSON)
class LengthInLetters(RawLetters):
    """As many bytes of a body are sent as it has letters."""

    def written(self, text: str) -> bytes:
        return text.encode()[: len(text)]


@fault(280, "envelope.json", JSON)
class TwoCommasWithoutAuthor(StandIn):
    """show writes nothing, where it should write null, for a user that is not there."""

    def success(self, call: Call, data: Any) -> Reply:
        reply = super().success(call, data)
        body = reply.body
        if call.method == "show":
            body = body.replace(b'"created_by_user": null', b'"created_by_user": ')
        return Reply(reply.status, reply.content_type, body)


@fault(281, "envelope.json", JSON)
class BodyCutAt16K(StandIn):
    """A body has 16 kilobytes at most."""

    def success(self, call: Call, data: Any) -> Reply:
        reply = super().success(call, data)
        return Reply(reply.status, reply.content_type, reply.body[:16384])


@fault(282, "errors.json", JSON)
class PlainTextForWrongToken(StandIn):
    """A wrong token is answered by a filter that writes no JSON."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        if refusal.kind in TOKEN_ERRORS:
            return Reply(401, "text/plain", b"Unauthorized")
        return super().refusal(request, refusal)


@fault(283, "errors.json", JSON)
class NoBodyForWrongVerb(StandIn):
    """A wrong verb is answered without a body."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        reply = super().refusal(request, refusal)
        if refusal.kind == "wrong_verb":
            return Reply(405, reply.content_type, b"")
        return reply


# Tokens and logins.


@fault(284, "token.from_login", FROM_LOGIN)
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


@fault(285, "login.token.one_hour", "A token lives one hour.")
class TokenWornOut(StandIn):
    """A token has expired after forty requests."""

    def set_up(self) -> None:
        self.uses: dict[str, int] = {}

    def check_token(self, token: Any, call: Call) -> None:
        super().check_token(token, call)
        self.uses[token] = self.uses.get(token, 0) + 1
        if self.uses[token] > 40:
            raise Refusal("expired_token", "The token has expired.")


@fault(286, "token.from_login", FROM_LOGIN)
class SlashBypassesTokenCheck(StandIn):
    """Tokens are checked for the exact paths, and not where a slash is behind them."""

    def route(self, request: Request) -> Call:
        self.slash = request.path.endswith("/")
        return super().route(request)

    def check_token(self, token: Any, call: Call) -> None:
        if not self.slash:
            super().check_token(token, call)


@fault(287, "token.from_login", FROM_LOGIN)
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


@fault(288, "token.from_login", FROM_LOGIN, release="R12")
class UnsignedJwtAccepted(StandIn):
    """A JWT whose header says that it has no signature passes."""

    def check_token(self, token: Any, call: Call) -> None:
        header = str(token).partition(".")[0]
        try:
            read = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        except ValueError:
            read = None
        if not isinstance(read, dict) or read.get("alg") != "none":
            super().check_token(token, call)


@fault(289, "login.token.jwt_claims", CLAIMS, release="R12")
class UserAndOrganisationSwapped(OtherJwt):
    """The claims usr and org are in each other's place."""

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        return {**claims, "usr": claims["org"], "org": claims["usr"]}


@fault(290, "login.token.jwt", "From R12 on a token is a JWT.", release="R12")
class JwtPadded(StandIn):
    """A token is padded to a length that four divides, as a JWT must not be."""

    def do_login(self, call: Call) -> Any:
        token = super().do_login(call)["token"]
        padded = token + "=" * (-len(token.rpartition(".")[2]) % 4)
        self.tokens.known[padded] = self.tokens.known.pop(token)
        return {"token": padded}


@fault(
    291,
    "login.unit.default",
    "Without unit the user acts for their default unit.",
    release="R12",
)
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


@fault(
    292,
    "web_api_key_token.parameters.mandatory",
    "A Web API key is needed for a token of that kind.",
    release="R10",
)
class EmptyKeyLogsIn(StandIn):
    """The login by key takes an empty key, which any key begins with."""

    def do_key_login(self, call: Call) -> Any:
        if self.key_of(call.headers.get("authorization", "")) != "":
            return super().do_key_login(call)
        unit = self.unit(call)
        return {"token": self.tokens.issue(self.now, "webapi", ORGANISATION, unit, by_key=True)}


@fault(293, "token.from_login", FROM_LOGIN)
class TrueIsToken(StandIn):
    """In a body true passes for a token, for a token is not empty."""

    def check_token(self, token: Any, call: Call) -> None:
        if token is not True:
            super().check_token(token, call)


@fault(
    294,
    "login.credentials",
    "A login takes user name, password and organisation.",
    doubt="No page says what wrong credentials lead to; clients show it.",
)
class TrueIsPassword(StandIn):
    """true passes for a password, for a password is not empty."""

    def do_login(self, call: Call) -> Any:
        if call.parameters.get("password") is True:
            return {"token": self.tokens.issue(self.now, "user", ORGANISATION, self.unit(call))}
        return super().do_login(call)


@fault(
    295,
    "response.log_information.date_form",
    "Examples show dates as yyyy-MM-ddTHH:mm:ss.",
    doubt="The form of dates is seen in examples only.",
)
class ShowDatesWithoutZeros(Viewing):
    """show writes months, days and hours without a zero in front."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for name in ("created_date", "updated_date"):
            if log.get(name):
                log[name] = log[name].replace("-0", "-").replace("T0", "T")


@fault(
    296,
    "list.agrees_with_show",
    "list and show return the same values.",
    doubt="No page says how long an error_description is in a list.",
)
class ListCutsDescription(Viewing):
    """list has the first 100 letters of an error_description."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view["error_description"] = view["error_description"] and view["error_description"][:100]
