"""The third set of faults, of what a record looks like; see ``faults_third_lists``."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

from datetime import datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import quote

from stand_in.fault import fault
from stand_in.faults_second_answers import Viewing
from stand_in.reading import FIELDS, Call
from stand_in.server import StandIn
from stand_in.world import FIRST_DAY, Record

AGREES = ("list.agrees_with_show",)
DEFINITION = "webhook_definition is the webhook definition that was used, an object."
RULE = "workflow_rule is the rule that triggered the webhook request, an object."
DATES = "log_information tells when a webhook request was created and updated."
CHOSEN = "With fields_set exactly the named fields are returned."
UNITS = ("created_by_unit", "updated_by_unit", "created_by_business_unit")

# Definitions and rules.


@fault(352, "response.workflow_rule", RULE, also=AGREES)
class RuleCachedByDefinition(StandIn):
    """show keeps rules in a cache whose key is the definition."""

    def set_up(self) -> None:
        self.kept: dict[str, Any] = {}

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "show":
            rule = self.kept.setdefault(record.definition.id, view["workflow_rule"])
            view["workflow_rule"] = rule
        return view


@fault(353, "response.webhook_definition", DEFINITION, also=AGREES)
class ShowEscapesNames(Viewing):
    """show escapes the name of a definition as for HTML."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        shown = view["webhook_definition"]
        view["webhook_definition"] = {
            name: escape(text) if name == "name" else text for name, text in shown.items()
        }


@fault(354, "response.webhook_definition", DEFINITION, also=AGREES)
class ShowHasQuestionMarks(Viewing):
    """show has a question mark for each letter of a name beyond ASCII."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        shown = dict(view["webhook_definition"])
        if "name" in shown:
            shown["name"] = shown["name"].encode("ascii", "replace").decode()
        view["webhook_definition"] = shown


@fault(355, "response.workflow_rule", RULE, also=AGREES)
class ShowHasRuleNameForCode(Viewing):
    """show has the name of a rule in place of its alternative_code."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], record: Record) -> None:
        shown = view["workflow_rule"]
        if record.rule and "alternative_code" in shown:
            view["workflow_rule"] = {**shown, "alternative_code": record.rule.name}


@fault(
    356,
    "response.webhook_definition",
    DEFINITION,
    also=("response.webhook_definition.identifier_fields", *AGREES),
)
class ListDefinitionHasRecordId(Viewing):
    """Two columns of list's query are called id, and the definition gets the first."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], record: Record) -> None:
        if "id" in view["webhook_definition"]:
            view["webhook_definition"] = {**view["webhook_definition"], "id": record.id}


@fault(357, "response.webhook_definition", DEFINITION)
class ImportedRecordsNameDefinition(Viewing):
    """Records from before an import have the name of the definition for the object."""

    in_methods = ("show", "list", "resend", "delete")

    def change(self, view: dict[str, Any], record: Record) -> None:
        if record.created < FIRST_DAY + timedelta(days=3):
            view["webhook_definition"] = record.definition.name


@fault(358, "response.workflow_rule", RULE, also=AGREES, some_rules_null=True)
class MissingRuleIsText(Viewing):
    """list has an empty text for a rule that is not there."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view["workflow_rule"] = view["workflow_rule"] or ""


@fault(
    359,
    "response.webhook_definition",
    DEFINITION,
    also=("list.fields_set.selects", "show.fields_set.selects"),
)
class DefinitionIsIdWithFields(StandIn):
    """With fields_set a definition is not fetched, and its id stands for it."""

    def trimmed(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().trimmed(record, call)
        if call.fields is not None and "webhook_definition" in view:
            view["webhook_definition"] = record.definition.id
        return view


# log_information.


@fault(
    360,
    "response.log_information.user_members",
    "Only person_name and email of a user may be empty.",
    release="R15",
    also=("response.log_information.emptied_names",),
    emptied_names="null",
)
class EmptiedUserHasNoUsername(Viewing):
    """Where names are emptied the username is as well."""

    in_methods = ("show", "list", "resend", "delete")

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for name in ("created_by_user", "updated_by_user"):
            if log.get(name):
                log[name] = {**log[name], "username": None}


@fault(
    361,
    "response.log_information.business_units",
    "created_by_business_unit is the unit that the webhook request was created by.",
    release="R18",
    also=AGREES,
)
class BusinessUnitsNullInShow(Viewing):
    """show fills the units under the names that they had before R18."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        log |= {"created_by_business_unit": None, "updated_by_business_unit": None}


@fault(362, "response.log_information.dates", DATES, also=AGREES)
class ListUpdatedIsCreated(Viewing):
    """list shows created_date for updated_date."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        if log.get("updated_date"):
            log["updated_date"] = log["created_date"]


@fault(
    363,
    "response.log_information.units",
    "created_by_unit and updated_by_unit are units, objects.",
    also=("resend.returns_record", "response.log_information.unit_members"),
)
class ResendUnitsAreTexts(Viewing):
    """resend shows a unit as its name."""

    in_methods = ("resend",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for name in UNITS:
            if log.get(name):
                log[name] = log[name]["name"]


@fault(364, "response.log_information.dates", DATES, also=AGREES)
class ListDayInOtherZone(Viewing):
    """list writes day and time of a date in two zones that are three hours apart."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for name in ("created_date", "updated_date"):
            if text := log.get(name):
                day = datetime.fromisoformat(text[:19]) - timedelta(hours=3)
                log[name] = day.date().isoformat() + text[10:]


@fault(
    365,
    "response.log_information.dates",
    DATES,
    also=("response.log_information.date_form", "delete.returns_record"),
)
class DeleteHasMinutesForMonth(Viewing):
    """delete writes dates as yyyy-mm-dd, and mm are the minutes."""

    in_methods = ("delete",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        for name in ("created_date", "updated_date"):
            if text := log.get(name):
                log[name] = text[:5] + text[14:16] + text[7:]


@fault(
    366,
    "response.log_information.dates_in_order",
    "updated_date is when the record was changed last, and not before created_date.",
    also=("response.log_information.dates", "response.unset_fields.null"),
    never_updated=True,
)
class UnsetDateIsEpoch(Viewing):
    """A date that is not set is shown as the first of 1970."""

    in_methods = ("show", "list", "resend", "delete")

    def change(self, view: dict[str, Any], _record: Record) -> None:
        log = view["log_information"]
        log["updated_date"] = log.get("updated_date") or "1970-01-01T00:00:00"


@fault(367, "response.log_information", "log_information is an object.", also=AGREES)
class OnlyRowHasNoLog(StandIn):
    """A list of one record is answered by a short way that does not fetch log_information."""

    def do_list(self, call: Call) -> Any:
        rows = super().do_list(call)
        if len(rows) == 1 and "log_information" in rows[0]:
            rows[0]["log_information"] = None
        return rows


# Other fields.


@fault(
    368, "response.id", "id is the ID of the webhook request.", also=("show.identifier.selects",)
)
class ListIdsLowerCase(Viewing):
    """list shows ids in lower case, which show does not find."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view["id"] = view["id"].lower()


@fault(369, "response.url", "url is the URL that the webhook request was sent to.", also=AGREES)
class ShowEncodesUrl(Viewing):
    """show encodes a URL as if it were one part of a path."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view["url"] = quote(view["url"], safe=":/")


@fault(
    370,
    "response.authentication_code.hmac",
    "authentication_code is an HMAC of the data that was sent.",
    also=("resend.returns_record",),
)
class ResendShowsTokenAsCode(StandIn):
    """resend shows the token of its caller as authentication_code."""

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "resend":
            view["authentication_code"] = call.parameters["token"]
        return view


@fault(
    371,
    "response.error_description",
    "error_description is the description of the error that occurred.",
    also=AGREES,
)
class ListHasCodeForDescription(Viewing):
    """list has error_code in place of error_description, too."""

    in_methods = ("list",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view["error_description"] = view["error_code"]


@fault(
    372,
    "response.entity.supported_values",
    "entity is one of the entities that the release supports.",
    release="R14",
    also=("response.entity", "entities.r14", *AGREES),
)
class LeadsShownAsContacts(Viewing):
    """show has the entity of R15 in which leads are kept."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], record: Record) -> None:
        if record.entity == "LEADS":
            view["entity"] = "CONTACTINFORMATION"


@fault(
    373,
    "response.number",
    "number is the number of the webhook request, a text.",
    also=AGREES,
    number_form="prefixed",
)
class ShowNumbersWithoutPrefix(Viewing):
    """show has what is left of a number when letters and zeros in front are dropped."""

    in_methods = ("show",)

    def change(self, view: dict[str, Any], record: Record) -> None:
        view["number"] = record.number.removeprefix("WHR").lstrip("0")


@fault(374, "show.fields_set.selects", CHOSEN)
class LogBringsAllFields(StandIn):
    """log_information in fields_set makes show fetch the whole record, and return it."""

    def wanted_fields(self, call: Call, names: list[str]) -> list[str]:
        return [*FIELDS] if call.method == "show" and "log_information" in names else names


@fault(
    375,
    "show.single_result",
    "show returns one webhook request, an object.",
    also=("envelope.data_object",),
)
class ShowByNumberIsArray(StandIn):
    """show by number returns an array of one."""

    def do_show(self, call: Call) -> Any:
        answer = super().do_show(call)
        return [answer] if call.identifier[0] == "number" else answer
