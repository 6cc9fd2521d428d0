"""Mutants that show wrong definitions, rules, and logs of a record."""

# Each row stays together, as in a table.
# fmt: off

from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import FIRST_DAY, Named, Record

from mutants.combinators import changes_view, mutant, row, shows, step, then_sets

SIDES = ("created", "updated")
UNITS = ("created_by_unit", "updated_by_unit", "created_by_business_unit")

row(1, "resend_loses_rule", "response.workflow_rule",
    "A record that was sent by hand has no rule any more.",
    then_sets("succeed", rule=lambda: None))

row(1, "resend_changes_definition", "response.webhook_definition",
    "A resend books the record under the first definition.",
    then_sets("succeed", definition=lambda server: server.world.definitions[0]))

@mutant(1, "response.log_information.users", step("pick"))
def fields_cut_log(base, view, name, picked):
    """log_information has its dates alone where fields_set asks for it."""
    base(view, name, picked)
    if name == "log_information":
        log = picked[name]
        picked[name] = {key: log[key] for key in log if key.endswith("_date")}

row(1, "list_log_is_text", "response.log_information",
    "log_information is only a date in list.",
    shows("log_information", lambda record: record.created.isoformat(), "list"))

@mutant(1, "response.log_information.user_members",
    step("log_information"), resend_touches_log=True)
def user_name_missing_after_resend(base, record):
    """The user who sent a record again has no username."""
    view = base(record)
    if record.sends > 1 and view["updated_by_user"]:
        user = dict(view["updated_by_user"])
        del user["username"]
        view["updated_by_user"] = user
    return view

@mutant(1, "response.log_information.business_units", changes_view("list"), release="R18")
def old_unit_names_in_r18(view):
    """list keeps the names of units that R18 has replaced."""
    log = view["log_information"]
    view["log_information"] = {k.replace("business_", ""): log[k] for k in log}

@mutant(1, "response.webhook_definition", step("do_list"))
def list_nests_one_definition(base, call):
    """In a list by rule all records show the definition of the first."""
    answer = base(call)
    for view in answer if "workflow_rule_identifier" in call.filters else ():
        if "webhook_definition" in view:
            first = answer[0].get("webhook_definition", view["webhook_definition"])
            view["webhook_definition"] = first
    return answer

@mutant(1, "response.workflow_rule", changes_view())
def rule_shows_definition(server, view, record):
    """workflow_rule of records of the third definition is the definition."""
    wrong: Named = server.world.definitions[2]
    if record.definition is wrong:
        view["workflow_rule"] = server.referred(wrong, server.choices.rule_members)

@mutant(2, "response.webhook_definition", changes_view("list"))
def list_names_encoded_twice(view):
    """list encodes names of definitions in UTF-8 twice."""
    shown = dict(view["webhook_definition"])
    if "name" in shown:
        shown["name"] = shown["name"].encode().decode("latin-1")
    view["webhook_definition"] = shown

@mutant(2, "response.workflow_rule", step("do_list"), some_rules_null=True)
def null_rule_taken_from_row_above(base, call):
    """A record of a list without a rule shows the rule of the row above."""
    rows, above = base(call), None
    for view in rows:
        if "workflow_rule" in view:
            above = view["workflow_rule"] = view["workflow_rule"] or above
    return rows

@mutant(2, "response.log_information.dates", changes_view("list"))
def list_swaps_dates(view):
    """list shows the two dates of a record in each other's place."""
    log = view["log_information"]
    if log.get("updated_date"):
        log["created_date"], log["updated_date"] = log["updated_date"], log["created_date"]

@mutant(2, "response.log_information.user_members", changes_view("delete"))
def delete_shows_unit_for_user(view, record):
    """delete shows the unit in place of the user who changed the record last."""
    if record.updated_by:
        view["log_information"]["updated_by_user"] = record.updated_by.unit

@mutant(2, "response.log_information.dates", changes_view("show"))
def show_has_twelve_hours(view):
    """show writes the hour of a date as one of twelve."""
    log = view["log_information"]
    for name in ("created_date", "updated_date"):
        if text := log.get(name):
            log[name] = f"{text[:11]}{(int(text[11:13]) + 11) % 12 + 1:02}{text[13:]}"

@mutant(2, "response.log_information.units", changes_view("show"))
def show_has_own_unit(server, view):
    """show puts the caller's unit in place of the one that created the record."""
    log = view["log_information"]
    for name in ("created_by_unit", "created_by_business_unit"):
        if log.get(name):
            log[name] = server.world.people[0].unit

row(2, "resend_shows_rule_as_array", "response.workflow_rule",
    "workflow_rule is an array of one in the answer of resend.",
    shows("workflow_rule", lambda view: [view["workflow_rule"]], "resend"))

row(2, "definition_joined_by_url", "response.webhook_definition",
    "The definition of a record is joined by URL, and null once it has another.",
    shows("webhook_definition", lambda view, record:
        None if record.url != record.definition.url else view["webhook_definition"]))

@mutant(2, "response.workflow_rule", step("do_list"))
def rule_missing_after_ten_rows(base, call):
    """Rules are fetched for the first ten rows of a list; the others have null."""
    rows = base(call)
    for view in rows[10:]:
        if "workflow_rule" in view:
            view["workflow_rule"] = None
    return rows

@mutant(2, "response.log_information.units", step("log_information"))
def releases_compared_as_text(server, base, record):
    """9 comes after 18, and so the units have the names of R18."""
    log = base(record)
    if str(server.key[0]) < "18":
        return log
    return {name.replace("_by_unit", "_by_business_unit"): log[name] for name in log}

@mutant(3, "response.log_information.dates_in_order response.log_information.dates", step("touch"))
def resend_date_in1970(server, base, record):
    """The seconds of a resend's time are taken for milliseconds."""
    base(record)
    passed = timedelta(seconds=int(server.now) // 1000)
    record.updated = datetime(1970, 1, 1) + passed  # noqa: DTZ001 - a wall clock

@mutant(3, "response.workflow_rule list.agrees_with_show")
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

@mutant(3, "response.webhook_definition list.agrees_with_show", changes_view("show"))
def show_escapes_names(view):
    """show escapes the name of a definition as for HTML."""
    shown = view["webhook_definition"]
    view["webhook_definition"] = {
        name: escape(text) if name == "name" else text for name, text in shown.items()
    }

@mutant(3, "response.webhook_definition list.agrees_with_show", changes_view("show"))
def show_has_question_marks(view):
    """show has a question mark for each letter of a name beyond ASCII."""
    shown = dict(view["webhook_definition"])
    if "name" in shown:
        shown["name"] = shown["name"].encode("ascii", "replace").decode()
    view["webhook_definition"] = shown

@mutant(3, "response.workflow_rule list.agrees_with_show", changes_view("show"))
def show_has_rule_name_for_code(view, record):
    """show has the name of a rule in place of its alternative_code."""
    shown = view["workflow_rule"]
    if record.rule and "alternative_code" in shown:
        view["workflow_rule"] = {**shown, "alternative_code": record.rule.name}

@mutant(3,
    "response.webhook_definition response.webhook_definition.identifier_fields "
    "list.agrees_with_show",
    changes_view("list"))
def list_definition_has_record_id(view, record):
    """Two columns of list's query are called id, and the definition gets the first."""
    if "id" in view["webhook_definition"]:
        view["webhook_definition"] = {**view["webhook_definition"], "id": record.id}

@mutant(3, "response.webhook_definition", changes_view("show", "list", "resend", "delete"))
def imported_records_name_definition(view, record):
    """Records from before an import have the name of the definition for the object."""
    if record.created < FIRST_DAY + timedelta(days=3):
        view["webhook_definition"] = record.definition.name

row(3, "missing_rule_is_text", "response.workflow_rule list.agrees_with_show",
    "list has an empty text for a rule that is not there.",
    shows("workflow_rule", lambda view: view["workflow_rule"] or "", "list"), some_rules_null=True)

@mutant(3, "response.webhook_definition fields_set.selects",
    step("trimmed"))
def definition_is_id_with_fields(base, record, call):
    """With fields_set a definition is not fetched, and its id stands for it."""
    view = base(record, call)
    if call.fields is not None and "webhook_definition" in view:
        view["webhook_definition"] = record.definition.id
    return view

@mutant(3, "response.log_information.user_members response.log_information.emptied_names",
    changes_view("show", "list", "resend", "delete"), release="R15", emptied_names="null")
def emptied_user_has_no_username(view):
    """Where names are emptied the username is as well."""
    log = view["log_information"]
    for name in ("created_by_user", "updated_by_user"):
        if log.get(name):
            log[name] = {**log[name], "username": None}

@mutant(3, "response.log_information.business_units list.agrees_with_show",
    changes_view("show"), release="R18")
def business_units_null_in_show(view):
    """show fills the units under the names that they had before R18."""
    log = view["log_information"]
    log |= {"created_by_business_unit": None, "updated_by_business_unit": None}

@mutant(3, "response.log_information.dates list.agrees_with_show", changes_view("list"))
def list_updated_is_created(view):
    """list shows created_date for updated_date."""
    log = view["log_information"]
    if log.get("updated_date"):
        log["updated_date"] = log["created_date"]

@mutant(3,
    "response.log_information.units resend.returns_record response.log_information.unit_members",
    changes_view("resend"))
def resend_units_are_texts(view):
    """resend shows a unit as its name."""
    log = view["log_information"]
    for name in UNITS:
        if log.get(name):
            log[name] = log[name]["name"]

@mutant(3, "response.log_information.dates list.agrees_with_show", changes_view("list"))
def list_day_in_other_zone(view):
    """list writes day and time of a date in two zones that are three hours apart."""
    log = view["log_information"]
    for name in ("created_date", "updated_date"):
        if text := log.get(name):
            day = datetime.fromisoformat(text[:19]) - timedelta(hours=3)
            log[name] = day.date().isoformat() + text[10:]

@mutant(3,
    "response.log_information.dates response.log_information.date_form delete.returns_record",
    changes_view("delete"))
def delete_has_minutes_for_month(view):
    """delete writes dates as yyyy-mm-dd, and mm are the minutes."""
    log = view["log_information"]
    for name in ("created_date", "updated_date"):
        if text := log.get(name):
            log[name] = text[:5] + text[14:16] + text[7:]

@mutant(3,
    "response.log_information.dates_in_order response.log_information.dates "
    "response.unset_fields.null",
    changes_view("show", "list", "resend", "delete"), never_updated=True)
def unset_date_is_epoch(view):
    """A date that is not set is shown as the first of 1970."""
    log = view["log_information"]
    log["updated_date"] = log.get("updated_date") or "1970-01-01T00:00:00"

@mutant(3, "response.log_information list.agrees_with_show", step("do_list"))
def only_row_has_no_log(base, call):
    """A list of one record is answered by a short way that does not fetch log_information."""
    rows = base(call)
    if len(rows) == 1 and "log_information" in rows[0]:
        rows[0]["log_information"] = None
    return rows

@mutant(4,
    "response.log_information.user_members response.log_information.users "
    "response.unset_fields.null",
    changes_view())
def missing_user_is_empty_object(view):
    """A user that is not there is an object without members."""
    log = view["log_information"]
    for side in SIDES:
        log[f"{side}_by_user"] = log[f"{side}_by_user"] or {}

@mutant(4,
    "response.log_information.dates response.log_information.date_form resend.returns_record",
    changes_view("resend"))
def resend_dates_are_milliseconds(view):
    """resend writes dates as numbers, the milliseconds since 1970."""
    log = view["log_information"]
    for side in SIDES:
        if text := log.get(f"{side}_date"):
            moment = datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
            log[f"{side}_date"] = int(moment.timestamp()) * 1000

@mutant(4, "response.log_information.units list.agrees_with_show", changes_view("list"))
def list_unit_inside_user(view):
    """list nests a unit in its user, and has null in place of the unit."""
    log = view["log_information"]
    for name in UNITS:
        user = f"{name.partition('_')[0]}_by_user"
        if log.get(name) and log.get(user):
            log[user] = {**log[user], "unit": log[name]}
            log[name] = None

@mutant(4, "response.log_information.dates list.agrees_with_show")
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

@mutant(4, "response.log_information.dates_in_order response.log_information.dates", changes_view())
def updated_on_day_of_creation(view):
    """updated_date has the time of the change, and the day of the creation."""
    log = view["log_information"]
    if text := log.get("updated_date"):
        log["updated_date"] = log["created_date"][:10] + text[10:]

@mutant(4, "response.log_information.users list.agrees_with_show", changes_view("list"))
def list_hides_built_in_user(view):
    """list has null for the built-in user, whose id is 1."""
    log = view["log_information"]
    for side in SIDES:
        user = log[f"{side}_by_user"]
        log[f"{side}_by_user"] = None if user and user["id"] == "1" else user

@mutant(4, "response.workflow_rule list.agrees_with_show", changes_view("list"))
def list_uppers_rule_code(view):
    """list has the alternative_code of a rule in upper case, which its own filter does not find."""
    rule = view["workflow_rule"]
    if rule and "alternative_code" in rule:
        view["workflow_rule"] = rule | {"alternative_code": rule["alternative_code"].upper()}

@mutant(4, "response.workflow_rule list.agrees_with_show", changes_view("show"))
def show_rule_name_cut_at_comma(view):
    """show reads names of rules from a file of values with commas between them."""
    rule = view["workflow_rule"]
    if rule and "name" in rule:
        view["workflow_rule"] = rule | {"name": rule["name"].partition(",")[0]}

@mutant(5, "response.log_information.user_members list.agrees_with_show", changes_view("show"))
def show_person_name_is_object(view):
    """show has an object of first and last name for person_name."""
    log = view["log_information"]
    for side in SIDES:
        user = log[f"{side}_by_user"]
        if user and "person_name" in user:
            first, _, last = (user["person_name"] or "").partition(" ")
            log[f"{side}_by_user"] = user | {"person_name": {"first": first, "last": last}}

@mutant(5, "response.log_information.dates list.agrees_with_show", changes_view("list"))
def list_dates_to_the_minute(view):
    """list reads dates from columns that keep no seconds."""
    log = view["log_information"]
    for side in SIDES:
        if text := log.get(f"{side}_date"):
            log[f"{side}_date"] = f"{text[:17]}00{text[19:]}"

@mutant(5, "response.log_information.user_members response.log_information.users", changes_view())
def second_user_is_reference(view):
    """The library writes an object only once: the same user again is a reference to the first."""
    log = view["log_information"]
    if log["created_by_user"] and log["created_by_user"] == log["updated_by_user"]:
        log["updated_by_user"] = {"$ref": "$.data.log_information.created_by_user"}

@mutant(5, "response.log_information.dates_in_order response.log_information.dates", changes_view())
def updated_in_other_zone(view):
    """created_date is in local time, and updated_date three hours west of it."""
    log = view["log_information"]
    if text := log.get("updated_date"):
        moment = datetime.fromisoformat(text[:19]) - timedelta(hours=3)
        log["updated_date"] = moment.isoformat() + text[19:]
