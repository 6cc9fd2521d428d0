"""Faults in what a response shows: identifiers, members, types, fields_set and JSON."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

from typing import Any

from stand_in.fault import fault
from stand_in.reading import Call, Refusal, Request
from stand_in.server import Reply, StandIn
from stand_in.world import REJECTED, SUCCESSFUL, Named, Record

NAMED = "show returns the webhook request that the identifier names."
CHOSEN = "With fields_set exactly the named fields are returned."
ALL_FIELDS = "Without fields_set all fields are returned."
JSON = "Every response is JSON, errors included."
LOG = "log_information is an object with dates, users and units."
TEXTS = "The field is documented as a text."


@fault(83, "show.identifier.selects", NAMED)
class NumberReadAsSql(StandIn):
    """show reads the digits at the start of a number, so that 7x is 7."""

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        if name == "number":
            value = value[: len(value) - len(value.lstrip("0123456789"))] or value
        return super().names(record, name, value, call)


@fault(84, "show.identifier.selects", NAMED)
class IdCutTo32(StandIn):
    """Of an id only the first 32 letters are compared."""

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        return super().names(record, name, value[:32] if name == "id" else value, call)


@fault(85, "show.identifier.selects", NAMED, ids_equal_numbers=True)
class NumberFindsId(StandIn):
    """show looks for ids first, whichever field is named."""

    def find(self, call: Call) -> Record:
        return self.records.get(call.identifier[1]) or super().find(call)


@fault(86, "show.identifier.selects", NAMED)
class ShowOfWildcard(StandIn):
    """show by id compares as LIKE of SQL does, and returns the first record that fits."""

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        if name == "id" and value.endswith("%"):
            return record.id.startswith(value[:-1])
        return super().names(record, name, value, call)


@fault(87, "show.identifier.selects", NAMED)
class EveryNinthShowIsPrevious(StandIn):
    """A buffer that two threads share returns what was shown before."""

    def set_up(self) -> None:
        self.count, self.previous = 0, next(iter(self.records.values()))

    def do_show(self, call: Call) -> Any:
        self.count += 1
        record = self.find(call)
        shown = self.previous if self.count % 9 == 0 else record
        self.previous = record
        return self.trimmed(shown, call)


@fault(88, "show.fields_set.selects", CHOSEN)
class FourthFieldLost(StandIn):
    """fields_set is cut after three names."""

    def wanted_fields(self, call: Call, names: list[str]) -> list[str]:
        return super().wanted_fields(call, names[:3])


@fault(89, "list.fields_set.selects", CHOSEN)
class ListAddsUrl(StandIn):
    """list returns url, too, where number is asked for."""

    def wanted_fields(self, call: Call, names: list[str]) -> list[str]:
        return [*names, "url"] if call.method == "list" and "number" in names else names


@fault(90, "list.fields_set.selects", CHOSEN, release="R13")
class FieldsIgnoredOnLaterPages(StandIn):
    """fields_set counts on the first page only."""

    def do_list(self, call: Call) -> Any:
        if call.skip:
            call.fields = None
        return super().do_list(call)


@fault(91, "list.fields_set.default_all", ALL_FIELDS)
class ListOmitsDescription(StandIn):
    """list leaves error_description out, for it is long."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list" and call.fields is None:
            del view["error_description"]
        return view


@fault(92, "show.fields_set.default_all", ALL_FIELDS)
class JobsHaveNoRule(StandIn):
    """Records of JOBS have no workflow_rule."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if record.entity == "JOBS" and call.fields is None:
            del view["workflow_rule"]
        return view


@fault(93, "show.fields_set.default_all", ALL_FIELDS)
class FieldsStayInSession(StandIn):
    """The fields_set of a list holds for the next show as well."""

    def set_up(self) -> None:
        self.kept: list[str] | None = None

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if call.method == "list":
            self.kept = call.fields
        elif call.method == "show" and call.fields is None:
            call.fields = self.kept


@fault(94, "response.log_information.users", LOG)
class FieldsCutLog(StandIn):
    """log_information has its dates alone where fields_set asks for it."""

    def pick(self, view: dict[str, Any], name: str, picked: dict[str, Any]) -> None:
        super().pick(view, name, picked)
        if name == "log_information":
            log = picked[name]
            picked[name] = {key: log[key] for key in log if key.endswith("_date")}


@fault(95, "response.number", TEXTS)
class ListNumbersAreIntegers(StandIn):
    """number is a JSON number in list."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list" and record.number.isdigit():
            view["number"] = int(record.number)
        return view


@fault(96, "response.fields_set", TEXTS)
class FieldsSetIsArray(StandIn):
    """fields_set of a record is an array where it has two names."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if "," in (view["fields_set"] or ""):
            view["fields_set"] = view["fields_set"].split(",")
        return view


@fault(97, "response.error_description", TEXTS)
class DescriptionIsArrayOfLines(StandIn):
    """error_description of a rejected record is an array in show."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "show" and record.error_description:
            view["error_description"] = record.error_description.splitlines()
        return view


@fault(98, "response.id", TEXTS, ids_equal_numbers=True)
class IdsOfDigitsAreNumbers(StandIn):
    """An id that consists of digits becomes a JSON number."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if record.id.isdigit():
            view["id"] = int(record.id)
        return view


@fault(99, "response.log_information", LOG)
class ListLogIsText(StandIn):
    """log_information is only a date in list."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list":
            view["log_information"] = record.created.isoformat()
        return view


@fault(100, "response.log_information.user_members", LOG, resend_touches_log=True)
class UserNameMissingAfterResend(StandIn):
    """The user who sent a record again has no username."""

    def log_information(self, record: Record) -> dict[str, Any]:
        view = super().log_information(record)
        if record.sends > 1 and view["updated_by_user"]:
            user = dict(view["updated_by_user"])
            del user["username"]
            view["updated_by_user"] = user
        return view


@fault(101, "response.log_information.business_units", LOG, release="R18")
class OldUnitNamesInR18(StandIn):
    """list keeps the names of units that R18 has replaced."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list":
            log = view["log_information"]
            view["log_information"] = {k.replace("business_", ""): log[k] for k in log}
        return view


@fault(102, "response.webhook_definition", "webhook_definition is the definition that was used.")
class ListNestsOneDefinition(StandIn):
    """In a list by rule all records show the definition of the first."""

    def do_list(self, call: Call) -> Any:
        answer = super().do_list(call)
        for view in answer if "workflow_rule_identifier" in call.filters else ():
            if "webhook_definition" in view:
                first = answer[0].get("webhook_definition", view["webhook_definition"])
                view["webhook_definition"] = first
        return answer


@fault(103, "response.workflow_rule", "workflow_rule is the rule that triggered the record.")
class RuleShowsDefinition(StandIn):
    """workflow_rule of records of the third definition is the definition."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        wrong: Named = self.world.definitions[2]
        if record.definition is wrong:
            view["workflow_rule"] = self.referred(wrong, self.choices.rule_members)
        return view


@fault(104, "response.life_cycle_state.values", "The state is SUCCESSFUL or REJECTED.")
class ListStatesLowerCase(StandIn):
    """list shows states in lower case."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list":
            view["life_cycle_state"] = record.life_cycle_state.lower()
        return view


@fault(105, "response.entity.supported_values", "entity is one of the supported entities.")
class DeleteShowsSingularEntity(StandIn):
    """delete returns the entity in the singular."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "delete":
            view["entity"] = record.entity.removesuffix("S")
        return view


@fault(106, "response.error_code.only_rejected", "Only rejected records have an error_code.")
class SuccessHasCodeZero(StandIn):
    """error_code of a SUCCESSFUL record of SUBSCRIPTIONS is 0."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if record.life_cycle_state == SUCCESSFUL and record.entity == "SUBSCRIPTIONS":
            view["error_code"] = "0"
        return view


@fault(107, "response.entity_id", TEXTS)
class EntityIdEmptyAfterResend(StandIn):
    """The id of the thing is lost when a record is sent again."""

    def succeed(self, record: Record) -> None:
        super().succeed(record)
        record.entity_id = ""


class HtmlError(StandIn):
    """Answers some requests with a page of the application server."""

    def page_for(self, request: Request) -> bool:
        raise NotImplementedError

    def answer(self, request: Request) -> Reply:
        if self.page_for(request):
            page = b"<html><body><h1>HTTP Status 500</h1></body></html>"
            return Reply(500, "text/html;charset=utf-8", page)
        return super().answer(request)


@fault(108, "errors.json", JSON)
class HtmlForLongNumber(HtmlError):
    """A number with more than 18 digits is more than the server can read."""

    def page_for(self, request: Request) -> bool:
        _, _, value = request.query.partition("identifier=number=")
        value = value.split("&")[0]
        return value.isdigit() and len(value) > 18


@fault(109, "errors.json", JSON)
class HtmlForOtherLetters(HtmlError):
    """A parameter of a GET beyond ASCII is more than the server can read."""

    def page_for(self, request: Request) -> bool:
        return any(part[:1] in tuple("89ABCDEFabcdef") for part in request.query.split("%")[1:])


@fault(110, "errors.json", JSON)
class HtmlForBrokenJson(HtmlError):
    """A body that is no JSON object is answered by the application server."""

    def page_for(self, request: Request) -> bool:
        return request.path.endswith("/resend") and not request.body.strip().startswith(b"{")


@fault(111, "envelope.json", JSON, release="R13")
class EmptyBodyBeyondEnd(StandIn):
    """A page without records has no body at all."""

    def success(self, call: Call, data: Any) -> Reply:
        reply = super().success(call, data)
        return Reply(204, reply.content_type, b"") if data == [] and call.skip else reply


@fault(112, "envelope.json", JSON)
class LineBreakInText(StandIn):
    """Line breaks in an error_description are not escaped in list."""

    def success(self, call: Call, data: Any) -> Reply:
        reply = super().success(call, data)
        if call.method != "list":
            return reply
        return Reply(reply.status, reply.content_type, reply.body.replace(b"\\n", b"\n"))


@fault(
    113,
    "response.log_information.date_form",
    "Examples show dates as yyyy-MM-ddTHH:mm:ss.",
    doubt="The form of dates is seen in examples only.",
)
class ListDatesInOtherForm(StandIn):
    """list writes dates as dd/MM/yyyy."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list":
            log = {**view["log_information"]}
            log["created_date"] = record.created.strftime("%d/%m/%Y %H:%M:%S")
            view["log_information"] = log
        return view


@fault(
    114,
    "envelope.data_array",
    "list returns an array.",
    doubt="That list returns an array is taken from other modules.",
)
class OneResultIsObject(StandIn):
    """A list with one record has the record itself for data."""

    def do_list(self, call: Call) -> Any:
        answer = super().do_list(call)
        return answer[0] if len(answer) == 1 else answer


@fault(
    115,
    "list.agrees_with_show",
    "list and show return the same fields of the same record.",
    doubt="No page says that a rejected record must have an error_code.",
)
class ListHidesCode(StandIn):
    """error_code of a rejected record is null in list."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list" and record.life_cycle_state == REJECTED:
            view["error_code"] = None
        return view


@fault(
    116,
    "show.identifier.selects",
    NAMED,
    doubt="No page says that letters of ids differ by case.",
)
class IdInAnyCase(StandIn):
    """An id in lower case names the same record."""

    def find(self, call: Call) -> Record:
        name, value = call.identifier
        call.identifier = (name, value.upper() if name == "id" else value)
        return super().find(call)


@fault(
    117,
    "response.error_fields.null",
    "Fields that are not set are null.",
    doubt="null rather than absent is seen in one example only.",
)
class UnsetErrorsAbsentWithFields(StandIn):
    """fields_set=error_code returns no member where the code is null."""

    def pick(self, view: dict[str, Any], name: str, picked: dict[str, Any]) -> None:
        if view.get(name, "") is not None:
            super().pick(view, name, picked)


@fault(
    118,
    "show.identifier.known",
    "show returns one webhook request.",
    doubt="How an unknown record is answered is not documented.",
)
class UnknownRecordIsNull(StandIn):
    """show of an unknown number answers OK with null for data."""

    def do_show(self, call: Call) -> Any:
        try:
            return super().do_show(call)
        except Refusal:
            return None
