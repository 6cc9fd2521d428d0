"""The fifth set of faults, of what is answered and to whom; see ``faults_fifth``."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

import gzip
import hashlib
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from stand_in.fault import fault
from stand_in.faults_of_access import OtherJwt
from stand_in.faults_second_answers import Viewing
from stand_in.reading import FIELDS, Call, Refusal, Request
from stand_in.server import ORGANISATION, Reply, StandIn
from stand_in.world import Record

AGREES = ("list.agrees_with_show",)
DATES = "log_information tells when a webhook request was created and updated."
USERS = "created_by_user and updated_by_user are users, with texts for members."
CHOSEN = "With fields_set exactly the named fields are returned."
JSON = "Every response is JSON, errors included."
EVERYWHERE = ("show", "list", "resend", "delete")
SIDES = ("created", "updated")
UNKNOWN = ("unknown_record", "deleted_record")

# log_information.


@fault(530, "response.log_information.user_members", USERS, also=AGREES)
class ShowPersonNameIsObject(Viewing):
    """show has an object of first and last name for person_name."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for side in SIDES:
            user = log[f"{side}_by_user"]
            if user and "person_name" in user:
                first, _, last = (user["person_name"] or "").partition(" ")
                log[f"{side}_by_user"] = user | {"person_name": {"first": first, "last": last}}


@fault(531, "response.log_information.dates", DATES, also=AGREES)
class ListDatesToTheMinute(Viewing):
    """list reads dates from columns that keep no seconds."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for side in SIDES:
            if text := log.get(f"{side}_date"):
                log[f"{side}_date"] = f"{text[:17]}00{text[19:]}"


@fault(
    532,
    "response.log_information.user_members",
    USERS,
    also=("response.log_information.users",),
)
class SecondUserIsReference(Viewing):
    """The library writes an object only once: the same user again is a reference to the first."""

    in_methods = EVERYWHERE

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        if log["created_by_user"] and log["created_by_user"] == log["updated_by_user"]:
            log["updated_by_user"] = {"$ref": "$.data.log_information.created_by_user"}


@fault(
    533,
    "response.log_information.dates_in_order",
    "updated_date is when the record was changed last, and not before created_date.",
    also=("response.log_information.dates",),
)
class UpdatedInOtherZone(Viewing):
    """created_date is in local time, and updated_date three hours west of it."""

    in_methods = EVERYWHERE

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        if text := log.get("updated_date"):
            moment = datetime.fromisoformat(text[:19]) - timedelta(hours=3)
            log["updated_date"] = moment.isoformat() + text[19:]


# Other fields.


@fault(
    534,
    "response.life_cycle_state",
    "life_cycle_state is a text.",
    also=("response.life_cycle_state.values", "delete.returns_record"),
)
class DeleteStateIsObject(Viewing):
    """delete writes the state as an object with its name and its label."""

    in_methods = ("delete",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        state = view["life_cycle_state"]
        view["life_cycle_state"] = {"name": state, "label": state.capitalize()}


@fault(535, "response.url", "url is the URL that the webhook request was sent to.", also=AGREES)
class ListUrlHasPort(Viewing):
    """list puts the port of the scheme into a URL that has none."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        port = ":443" if view["url"].startswith("https:") else ":80"
        view["url"] = re.sub(r"^(https?://[^/:]+)/", rf"\1{port}/", view["url"])


@fault(
    536,
    "response.number",
    "number is the number of the webhook request, a text.",
    also=("resend.identity_kept", "resend.returns_record"),
    number_form="digits",
)
class ResendNumberIsDecimal(Viewing):
    """resend formats the number as one with a fraction, such as 7.0."""

    in_methods = ("resend",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view["number"] += ".0"


@fault(
    537,
    "response.error_description",
    "error_description is the description of the error that occurred.",
    also=AGREES,
)
class ListDropsTabs(Viewing):
    """list drops control characters except line breaks from an error_description."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        if text := view["error_description"]:
            view["error_description"] = text.replace("\t", "")


@fault(
    538,
    "response.authentication_code.hmac",
    "authentication_code is an HMAC of the data that was sent.",
    also=AGREES,
)
class ShowCodeHasTime(Viewing):
    """show computes the code anew, of data that has the time of the call."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        if code := view["authentication_code"]:
            text = hashlib.sha256(f"{code}{self.now}".encode()).hexdigest()
            view["authentication_code"] = text[: len(code)]


@fault(
    539,
    "show.fields_set.default_all",
    "Without fields_set show returns all fields.",
    also=("response.unset_fields.null", *AGREES),
)
class ShowOmitsIdentifierField(StandIn):
    """show leaves out the field by which the record was named, as the caller knows it."""

    def do_show(self, call: Call) -> Any:
        view = super().do_show(call)
        if call.fields is None:
            del view[call.identifier[0]]
        return view


@fault(
    540,
    "response.life_cycle_state.values",
    "life_cycle_state is SUCCESSFUL or REJECTED.",
    also=AGREES,
)
class FieldsShowStateOfDefinition(StandIn):
    """show with fields_set selects a column that record and definition both have, of the latter."""

    def trimmed(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().trimmed(record, call)
        if call.method == "show" and call.fields is not None and "life_cycle_state" in view:
            effective = record.definition.effective
            view["life_cycle_state"] = "EFFECTIVE" if effective else self.choices.not_effective
        return view


@fault(
    541,
    "show.fields_set.selects",
    CHOSEN,
    also=("list.fields_set.selects", "show.fields_set.names", "list.fields_set.names"),
)
class LazyRuleWithFields(StandIn):
    """A rule is read together with the definition; without that in fields_set reading it fails."""

    def trimmed(self, record: Record, call: Call) -> dict[str, Any]:
        wanted = call.fields or ()
        if "workflow_rule" in wanted and "webhook_definition" not in wanted:
            raise Refusal("bad_field", "could not initialize proxy - no session")
        return super().trimmed(record, call)


# Tokens and logins.


@fault(
    542,
    "token.from_login",
    "token is one that a login returned.",
    also=("login.token.returns_token", "login.token.one_hour"),
)
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


@fault(543, "login.token.jwt", "From R12 on a token is a JWT.", release="R12")
class JwtHasLineBreaks(StandIn):
    """A token is written in the base64 of mail, with a line break after each 76 letters."""

    def do_login(self, call: Call) -> Any:
        token = super().do_login(call)["token"]
        broken = "\r\n".join(token[start : start + 76] for start in range(0, len(token), 76))
        self.tokens.known[broken] = self.tokens.known.pop(token)
        return {"token": broken}


@fault(
    544,
    "login.token.jwt_claims",
    "exp and iat are the end and the beginning of a session, in seconds.",
    release="R12",
    also=("login.token.jwt_times", "login.token.two_hours"),
)
class ExpIsLifetime(OtherJwt):
    """exp is how many seconds the token lives, in place of when it ends."""

    def claims(self, claims: dict[str, Any]) -> dict[str, Any]:
        return claims | {"exp": type(claims["exp"])(7200)}


@fault(
    545,
    "login.token.one_hour",
    "A token lives one hour.",
    also=("token.from_login",),
)
class DeleteEndsSession(StandIn):
    """A deletion empties a cache, and the session of its caller is in the same one."""

    def do_delete(self, call: Call) -> Any:
        data = super().do_delete(call)
        del self.tokens.known[call.parameters["token"]]
        return data


@fault(546, "login.credentials", "Wrong credentials yield an error and no token.")
class CredentialsOrOrganisation(StandIn):
    """A condition lacks its parentheses: the right organisation is enough to come in."""

    def credentials_right(self, username: str, password: str, organisation: str) -> bool:
        right = super().credentials_right(username, password, ORGANISATION)
        return right or organisation == ORGANISATION


# Refusals and HTTP.


@fault(547, "errors.code_not_ok", "The status code of an error is another text than OK.")
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


@fault(
    548,
    "delete.gone",
    "A deleted webhook request is found neither by show nor by list.",
    also=("show.identifier.known", "response.life_cycle_state", "response.id", "response.entity"),
)
class UnknownRecordIsBlank(StandIn):
    """show of what is not there fills in an object with the identifier, and null for the rest."""

    def do_show(self, call: Call) -> Any:
        try:
            return super().do_show(call)
        except Refusal as refusal:
            if refusal.kind not in UNKNOWN:
                raise
            name, value = call.identifier
            return dict.fromkeys(FIELDS) | {name: value}


@fault(549, "errors.json", JSON, also=("envelope.json",))
class ApostropheEscapedInError(StandIn):
    """An apostrophe in a message is escaped, as JavaScript allows it and JSON does not."""

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        if refusal.kind not in UNKNOWN:
            return super().refusal(request, refusal)
        text = f"'{request.path.rpartition('/')[2]}': {refusal.text}"
        reply = super().refusal(request, Refusal(refusal.kind, text))
        return replace(reply, body=reply.body.replace(b"'", b"\\'"))


@fault(550, "envelope.json", JSON)
class LongListIsGzip(StandIn):
    """A list of more than 20 kilobytes is compressed, for whoever asks, and no header says so."""

    def success(self, call: Call, data: Any) -> Reply:
        reply = super().success(call, data)
        if call.method == "list" and len(reply.body) > 20_000:
            return replace(reply, body=gzip.compress(reply.body, mtime=0))
        return reply
