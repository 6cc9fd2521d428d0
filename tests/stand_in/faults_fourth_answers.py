"""The fourth set of faults, of what is answered and to whom; see ``faults_fourth_lists``."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from stand_in.fault import fault
from stand_in.faults_of_access import OtherJwt
from stand_in.faults_second_answers import TOKEN_ERRORS, Viewing
from stand_in.faults_third_access import OtherErrors
from stand_in.faults_third_views import UNITS
from stand_in.reading import Call, Refusal, Request
from stand_in.server import ORGANISATION, USERNAME, Reply, StandIn
from stand_in.world import REJECTED, SUCCESSFUL, Record

AGREES = ("list.agrees_with_show",)
DATES = "log_information tells when a webhook request was created and updated."
USERS = "created_by_user and updated_by_user are users, with id, username and person_name."
RULE = "workflow_rule is the rule that triggered the webhook request, an object."
JSON = "Every response is JSON, errors included."
CREDENTIALS = "Wrong credentials yield an error and no token."
EVERYWHERE = ("show", "list", "resend", "delete")
SIDES = ("created", "updated")

# log_information.


@fault(
    436,
    "response.log_information.user_members",
    USERS,
    also=("response.log_information.users", "response.unset_fields.null"),
)
class MissingUserIsEmptyObject(Viewing):
    """A user that is not there is an object without members."""

    in_methods = EVERYWHERE

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for side in SIDES:
            log[f"{side}_by_user"] = log[f"{side}_by_user"] or {}


@fault(
    437,
    "response.log_information.dates",
    DATES,
    also=("response.log_information.date_form", "resend.returns_record"),
)
class ResendDatesAreMilliseconds(Viewing):
    """resend writes dates as numbers, the milliseconds since 1970."""

    in_methods = ("resend",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for side in SIDES:
            if text := log.get(f"{side}_date"):
                moment = datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
                log[f"{side}_date"] = int(moment.timestamp()) * 1000


@fault(
    438,
    "response.log_information.date_form",
    "Dates are written yyyy-MM-ddTHH:mm:ss.",
    doubt="The form of dates is seen in examples only.",
    also=("response.log_information.dates",),
)
class ZeroSecondsOmitted(Viewing):
    """A date without seconds behind the minute is written without them, as Java does."""

    in_methods = EVERYWHERE

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for side in SIDES:
            if text := log.get(f"{side}_date"):
                log[f"{side}_date"] = re.sub(r"(T\d\d:\d\d):00", r"\1", text)


@fault(
    439,
    "response.log_information.units",
    "created_by_unit and updated_by_unit are the units that the users acted for.",
    also=AGREES,
)
class ListUnitInsideUser(Viewing):
    """list nests a unit in its user, and has null in place of the unit."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for name in UNITS:
            user = f"{name.partition('_')[0]}_by_user"
            if log.get(name) and log.get(user):
                log[user] = {**log[user], "unit": log[name]}
                log[name] = None


@fault(440, "response.log_information.dates", DATES, also=AGREES)
class ListLogCachedByAuthor(StandIn):
    """A list keeps log_information by the user who created a record, dates and all."""

    def do_list(self, call: Call) -> Any:
        self.logs: dict[Any, Any] = {}
        return super().do_list(call)

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list":
            author = record.created_by and record.created_by.user["id"]
            view["log_information"] = self.logs.setdefault(author, view["log_information"])
        return view


@fault(
    441,
    "response.log_information.dates_in_order",
    "updated_date is when the record was changed last, and not before created_date.",
    also=("response.log_information.dates",),
)
class UpdatedOnDayOfCreation(Viewing):
    """updated_date has the time of the change, and the day of the creation."""

    in_methods = EVERYWHERE

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        if text := log.get("updated_date"):
            log["updated_date"] = log["created_date"][:10] + text[10:]


@fault(442, "response.log_information.users", USERS, also=AGREES)
class ListHidesBuiltInUser(Viewing):
    """list has null for the built-in user, whose id is 1."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for side in SIDES:
            user = log[f"{side}_by_user"]
            log[f"{side}_by_user"] = None if user and user["id"] == "1" else user


# Rules and other fields.


@fault(443, "response.workflow_rule", RULE, also=AGREES)
class ListUppersRuleCode(Viewing):
    """list has the alternative_code of a rule in upper case, which its own filter does not find."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        rule = view["workflow_rule"]
        if rule and "alternative_code" in rule:
            view["workflow_rule"] = rule | {"alternative_code": rule["alternative_code"].upper()}


@fault(444, "response.workflow_rule", RULE, also=AGREES)
class ShowRuleNameCutAtComma(Viewing):
    """show reads names of rules from a file of values with commas between them."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        rule = view["workflow_rule"]
        if rule and "name" in rule:
            view["workflow_rule"] = rule | {"name": rule["name"].partition(",")[0]}


@fault(
    445,
    "response.error_code.only_rejected",
    "Only a rejected webhook request has an error_code and an error_description.",
    also=("response.error_description.only_rejected", *AGREES),
)
class ShowErrorOfLastFailure(Viewing):
    """show of a successful record has the error of the last failure of the same definition."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], record: Record) -> None:
        if record.life_cycle_state == SUCCESSFUL:
            for other in self.records.values():
                if other.definition is record.definition and other.life_cycle_state == REJECTED:
                    view["error_code"] = other.error_code
                    view["error_description"] = other.error_description


@fault(
    446, "response.error_description", "error_description is the text of the error.", also=AGREES
)
class ListEscapesTwice(Viewing):
    """list escapes the line breaks of an error_description twice."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        if view["error_description"]:
            view["error_description"] = json.dumps(view["error_description"])[1:-1]


@fault(
    447,
    "response.authentication_code.hmac",
    "authentication_code is an HMAC of the data that was sent.",
    also=("response.authentication_code", *AGREES),
    authentication_code="hex",
)
class ListCutsCodeTo40(Viewing):
    """list has room for a code of SHA-1, and cuts longer ones."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        if code := view["authentication_code"]:
            view["authentication_code"] = code[:40]


@fault(
    448,
    "response.number",
    "number is the number of the webhook request, a text.",
    also=("show.identifier.selects", *AGREES),
    number_form="large",
)
class ListNumbersGrouped(Viewing):
    """list formats numbers for people, such as 9,000,000,001, and show does not find those."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view["number"] = f"{int(view['number']):,}"


@fault(
    449,
    "show.fields_set.default_all",
    "Without fields_set show returns all fields.",
    also=("response.unset_fields.null", *AGREES),
)
class ShowEndsAtFirstNull(Viewing):
    """show writes the fields of a record until one of them is null."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        names = [*view]
        unset = next((names.index(name) for name in names if view[name] is None), len(names))
        for name in names[unset + 1 :]:
            del view[name]


@fault(
    450,
    "delete.returns_record",
    "delete returns the deleted webhook request with its response fields.",
    also=("envelope.data_object",),
)
class DeleteWrapsRecord(StandIn):
    """data of delete has the record as its only member."""

    def do_delete(self, call: Call) -> Any:
        return {"webhook_request": super().do_delete(call)}


# Tokens and logins.


@fault(451, "token.from_login", "token is one that a login returned, and no other.", release="R12")
class OnlySessionCompared(StandIn):
    """Of a JWT only jti is looked up: other claims and the signature count for nothing."""

    def check_token(self, token: Any, call: Call) -> None:
        try:
            session = self.tokens.claims(token)["jti"]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            session = None
        same = [known for known in self.tokens.known if self.tokens.claims(known)["jti"] == session]
        super().check_token(same[0] if same else token, call)


@fault(
    452,
    "token.from_login",
    "token is one that a login returned, and no other.",
    also=("errors.code_not_ok",),
)
class WrongTokenSeesNothing(StandIn):
    """A list with a wrong token is OK, and has the records of nobody."""

    def run(self, call: Call) -> Any:
        try:
            return super().run(call)
        except Refusal as refusal:
            if call.method == "list" and refusal.kind in TOKEN_ERRORS:
                return []
            raise


@fault(453, "login.credentials", CREDENTIALS)
class UsernameUnchecked(StandIn):
    """The user is found by organisation and password, whatever user name is given."""

    def credentials_right(self, _username: str, password: str, organisation: str) -> bool:
        return super().credentials_right(USERNAME, password, organisation)


@fault(454, "login.credentials", CREDENTIALS, also=("token.from_login",))
class WrongPasswordGivesToken(StandIn):
    """The session is made before the password is compared: the error has a token that works."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        reply = super().refusal(request, refusal)
        if refusal.kind != "wrong_credentials":
            return reply
        unit = self.world.people[0].unit
        token = self.tokens.issue(self.now, USERNAME, ORGANISATION, unit)
        return self.reply(reply.status, json.loads(reply.body) | {"data": {"token": token}})


@fault(
    455,
    "login.unit",
    "unit is optional and gives the unit to act for.",
    also=("login.token.returns_token",),
)
class TokenOfUnitNotKnown(StandIn):
    """A login with a unit returns a token that no method knows."""

    def do_login(self, call: Call) -> Any:
        data = super().do_login(call)
        if call.parameters.get("unit") is not None:
            del self.tokens.known[data["token"]]
        return data


@fault(
    456,
    "login.token.jwt_claims",
    "exp and iat are the end and the beginning of a session, in seconds.",
    release="R12",
    also=("login.token.two_hours", "login.token.jwt_times"),
)
class JwtInLocalTime(OtherJwt):
    """exp and iat count the seconds of a wall clock three hours east."""

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        times = {name: type(claims[name])(int(claims[name]) + 10800) for name in ("exp", "iat")}
        return claims | times


# What a response looks like.


@fault(
    457,
    "envelope.status_texts",
    "message and description of a status are text or null.",
    also=("errors.message",),
)
class MessagesAreArray(OtherErrors):
    """message of an error about parameters is an array of messages."""

    kinds = ("missing_parameter", "bad_parameter", "no_identifier_field", "two_identifier_fields")

    def written(self, envelope: dict[str, Any]) -> dict[str, Any]:
        status = envelope["status"]
        return envelope | {"status": status | {"message": [status["message"]]}}


@fault(458, "errors.json", JSON, also=("envelope.json",))
class HtmlForPercent(StandIn):
    """A query is decoded once more, and the server fails at a percent sign that stands alone."""

    def answer(self, request: Request) -> Reply:
        if re.search("%(?![0-9A-Fa-f]{2})", unquote_plus(request.query)):
            return Reply(500, "text/html", b"<h1>Malformed escape sequence</h1>")
        return super().answer(request)


@fault(
    459,
    "errors.json",
    JSON,
    also=(
        "envelope.json",
        "show.identifier.known",
        "resend.identifier.known",
        "delete.identifier.known",
    ),
)
class NoContentForUnknown(StandIn):
    """A webhook request that does not exist is answered with 204 and no body."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        reply = super().refusal(request, refusal)
        if refusal.kind in ("unknown_record", "deleted_record"):
            return replace(reply, status=204, body=b"")
        return reply


@fault(460, "envelope.json", JSON)
class CommentBehindJson(StandIn):
    """show writes behind the JSON how long it took."""

    def success(self, call: Call, data: Any) -> Reply:
        reply = super().success(call, data)
        comment = b"\n<!-- 12 ms -->" if call.method == "show" else b""
        return replace(reply, body=reply.body + comment)
