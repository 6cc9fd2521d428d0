"""Mutants that show wrong definitions, rules, and logs of a record."""

# Each row stays together, as in a table.
# fmt: off

from datetime import UTC, datetime, timedelta
from html import escape

from sound_server.world import FIRST_DAY

from mutants.responses import alters, changes_view, shows
from mutants.steps import first, mutant, row, then

UNITS = (
    "created_by_unit", "updated_by_unit", "created_by_business_unit", "updated_by_business_unit",
)
LOG, LOG_DATES, LOG_USERS, LOG_UNITS = (
    "log_information", "log_information.*_date", "log_information.*_user", "log_information.*_unit",
)

def moment(date):
    """Return the moment of a date that is shown."""
    return datetime.fromisoformat(date[:19])

# webhook_definition and workflow_rule.

for _name in ("webhook_definition", "workflow_rule"):
    row(6, f"{_name}_is_its_id", f"response.{_name}", f"{_name} is a text, the id alone.",
        alters(_name, lambda shown: shown["id"]))
    row(6, f"{_name}_has_no_identifier", f"response.{_name}.identifier_fields",
        f"{_name} has neither id nor name nor alternative_code.",
        alters(_name, lambda: {"description": "some"}))
    row(6, f"{_name}_has_an_id_that_is_a_number", f"response.{_name}.identifier_fields",
        f"The id of {_name} is a number.", alters(f"{_name}.id", lambda shown: int(shown, 16)))
row(6, "list_has_its_own_names", "list.agrees_with_show",
    "list writes the name of the webhook definition in capitals.",
    alters("webhook_definition.name", lambda shown: shown.upper(), "list"))
row(2, "list_names_encoded_twice", "response.webhook_definition",
    "list encodes names of definitions in UTF-8 twice.",
    alters("webhook_definition.name", lambda shown: shown.encode().decode("latin-1"), "list"))
row(3, "show_escapes_names", "response.webhook_definition list.agrees_with_show",
    "show escapes the name of a definition as for HTML.",
    alters("webhook_definition.name", lambda shown: escape(shown, quote=True), "show"))
row(3, "show_has_question_marks", "response.webhook_definition list.agrees_with_show",
    "show has a question mark for each letter of a name beyond ASCII.",
    alters("webhook_definition.name", lambda shown:
        shown.encode("ascii", "replace").decode(), "show"))
row(3, "list_definition_has_record_id",
    "response.webhook_definition response.webhook_definition.identifier_fields "
    "list.agrees_with_show",
    "Two columns of list's query are called id, and the definition gets the first.",
    alters("webhook_definition.id", lambda record: record.id, "list"))
row(3, "imported_records_name_definition", "response.webhook_definition",
    "Records from before an import have the name of the definition for the object.",
    shows("webhook_definition", lambda shown, record: record.definition.name
        if record.created < FIRST_DAY + timedelta(days=3) else shown))
row(3, "definition_is_id_with_fields", "response.webhook_definition fields_set.selects",
    "With fields_set a definition is not fetched, and its id stands for it.",
    shows("webhook_definition", lambda shown, record, call:
        shown if call.fields is None else record.definition.id))
row(2, "definition_joined_by_url", "response.webhook_definition",
    "The definition of a record is joined by URL, and null once it has another.",
    shows("webhook_definition", lambda shown, record:
        None if record.url != record.definition.url else shown))
row(1, "rule_shows_definition", "response.workflow_rule",
    "workflow_rule of records of the third definition is the definition.",
    shows("workflow_rule", lambda server, shown, record:
        server.referred(record.definition, server.choices.rule_members)
        if record.definition is server.world.definitions[2] else shown))
row(2, "resend_shows_rule_as_array", "response.workflow_rule",
    "workflow_rule is an array of one in the response of resend.",
    shows("workflow_rule", lambda shown: [shown], "resend"))
row(3, "missing_rule_is_text", "response.workflow_rule list.agrees_with_show",
    "list has an empty text for a rule that is not there.",
    shows("workflow_rule", lambda shown: shown or "", "list"), some_rules_null=True)
row(3, "show_has_rule_name_for_code", "response.workflow_rule list.agrees_with_show",
    "show has the name of a rule in place of its alternative_code.",
    alters("workflow_rule.alternative_code", lambda record: record.rule.name, "show"))
row(4, "list_uppers_rule_code", "response.workflow_rule list.agrees_with_show",
    "list has the alternative_code of a rule in upper case, which its own filter does not find.",
    alters("workflow_rule.alternative_code", lambda shown: shown.upper(), "list"))
row(4, "show_rule_name_cut_at_comma", "response.workflow_rule list.agrees_with_show",
    "show reads names of rules from a file of values with commas between them.",
    alters("workflow_rule.name", lambda shown: shown.partition(",")[0], "show"))
row(3, "rule_cached_by_definition", "response.workflow_rule list.agrees_with_show",
    "show keeps rules in a cache whose key is the definition.",
    shows("workflow_rule", lambda shown, record, kept:
        kept.setdefault(record.definition.id, shown), "show"))

@mutant(1, "response.webhook_definition", then("do_list"))
def list_nests_one_definition(call, made):
    """In a list by rule all records show the definition of the first."""
    for view in made if "workflow_rule_identifier" in call.filters else ():
        if "webhook_definition" in view:
            view["webhook_definition"] = made[0]["webhook_definition"]

@mutant(2, "response.workflow_rule", then("do_list"), some_rules_null=True)
def null_rule_taken_from_row_above(made):
    """A record of a list without a rule shows the rule of the row above."""
    above = None
    for view in made:
        if "workflow_rule" in view:
            above = view["workflow_rule"] = view["workflow_rule"] or above

@mutant(2, "response.workflow_rule", then("do_list"))
def rule_missing_after_ten_rows(made):
    """Rules are fetched for the first ten rows of a list; the others have null."""
    for view in made[10:]:
        if "workflow_rule" in view:
            view["workflow_rule"] = None

@mutant(3, "delete.returns_record response.webhook_definition response.workflow_rule",
    changes_view("delete"))
def delete_answers_without_referred(view):
    """delete reads definition and rule when the record is no longer joined to them."""
    view |= {"webhook_definition": None, "workflow_rule": None}

# log_information as a whole.

def renamed(**names):
    """Return what gives members of a log other names."""
    return lambda shown: {names.get(name, name): value for name, value in shown.items()}

def log(set_, name, statement, about, function, *methods, **more):
    """Add a row for another value of log_information."""
    row(set_, name, f"response.log_information{statement}", about,
        alters(LOG, function, *methods), **more)

log(1, "list_log_is_text", "", "log_information is only a date in list.",
    lambda record: record.created.isoformat(), "list")
log(6, "dates_have_other_names", ".dates",
    "The dates of log_information are called createdDate and updatedDate.",
    renamed(created_date="createdDate", updated_date="updatedDate"))
log(6, "updates_have_another_name", ".dates",
    "The later date of log_information is called update_date.",
    renamed(updated_date="update_date"))
log(6, "users_have_other_names", ".users",
    "The users of log_information are called createdByUser and updatedByUser.",
    renamed(created_by_user="createdByUser", updated_by_user="updatedByUser"))
log(2, "releases_compared_as_text", ".units",
    "9 comes after 18, and so the units have the names of R18.",
    renamed(**dict(zip(UNITS[:2], UNITS[2:], strict=True))))
log(1, "old_unit_names_in_r18", ".business_units",
    "list keeps the names of units that R18 has replaced.",
    renamed(**dict(zip(UNITS[2:], UNITS[:2], strict=True))), "list", release="R18")
log(6, "updated_before_created", ".dates_in_order",
    "updated_date is in 2001, long before created_date.",
    lambda shown: {**shown, "updated_date": shown["updated_date"] and "2001-01-01T00:00:00"})

@mutant(1, "response.log_information.users", then("pick"))
def fields_cut_log(name, picked):
    """log_information has its dates alone where fields_set asks for it."""
    if name == LOG:
        picked[name] = {n: shown for n, shown in picked[name].items() if n.endswith("_date")}

@mutant(3, "response.log_information list.agrees_with_show", then("do_list"))
def only_row_has_no_log(made):
    """A list of one record is answered by a short way that does not fetch log_information."""
    if len(made) == 1 and LOG in made[0]:
        made[0][LOG] = None

@mutant(4, "response.log_information.dates list.agrees_with_show", changes_view("list"),
    first("do_list", lambda kept: kept.clear()))
def list_log_cached_by_author(view, record, kept):
    """A list keeps log_information by the user who created a record, dates and all."""
    author = record.created_by and record.created_by.user["id"]
    view[LOG] = kept.setdefault(author, view[LOG])

# Dates.

row(6, "dates_are_numbers", "response.log_information.date_form",
    "The dates of log_information are seconds since 1970.",
    alters(LOG_DATES, lambda: 1454900761))
row(6, "dates_have_fractions", "response.log_information.date_form",
    "A date in log_information has milliseconds.",
    alters(LOG_DATES, lambda shown: f"{shown}.000"))
row(6, "dates_have_a_space", "response.log_information.date_form",
    "A date in log_information has a space between day and time.",
    alters(LOG_DATES, lambda shown: shown.replace("T", " ")))
row(4, "resend_dates_are_milliseconds",
    "response.log_information.dates response.log_information.date_form resend.returns_record",
    "resend writes dates as numbers, the milliseconds since 1970.",
    alters(LOG_DATES, lambda shown:
        int(moment(shown).replace(tzinfo=UTC).timestamp()) * 1000, "resend"))
row(3, "delete_has_minutes_for_month",
    "response.log_information.dates response.log_information.date_form delete.returns_record",
    "delete writes dates as yyyy-mm-dd, and mm are the minutes.",
    alters(LOG_DATES, lambda shown: shown[:5] + shown[14:16] + shown[7:], "delete"))
row(2, "show_has_twelve_hours", "response.log_information.dates",
    "show writes the hour of a date as one of twelve.",
    alters(LOG_DATES, lambda shown:
        f"{shown[:11]}{(int(shown[11:13]) + 11) % 12 + 1:02}{shown[13:]}", "show"))
row(3, "list_day_in_other_zone", "response.log_information.dates list.agrees_with_show",
    "list writes day and time of a date in two zones that are three hours apart.",
    alters(LOG_DATES, lambda shown:
        f"{moment(shown) - timedelta(hours=3):%Y-%m-%d}{shown[10:]}", "list"))
row(5, "list_dates_to_the_minute", "response.log_information.dates list.agrees_with_show",
    "list reads dates from columns that keep no seconds.",
    alters(LOG_DATES, lambda shown: f"{shown[:17]}00{shown[19:]}", "list"))
log(2, "list_swaps_dates", ".dates",
    "list shows the two dates of a record in each other's place.",
    lambda shown: shown | {
        "created_date": shown["updated_date"], "updated_date": shown["created_date"]}, "list")
row(3, "list_updated_is_created", "response.log_information.dates list.agrees_with_show",
    "list shows created_date for updated_date.",
    alters("log_information.updated_date", lambda view: view[LOG]["created_date"], "list"))
row(4, "updated_on_day_of_creation",
    "response.log_information.dates_in_order response.log_information.dates",
    "updated_date has the time of the change, and the day of the creation.",
    alters("log_information.updated_date", lambda shown, view:
        view[LOG]["created_date"][:10] + shown[10:]))
row(5, "updated_in_other_zone",
    "response.log_information.dates_in_order response.log_information.dates",
    "created_date is in local time, and updated_date three hours west of it.",
    alters("log_information.updated_date", lambda shown:
        (moment(shown) - timedelta(hours=3)).isoformat() + shown[19:]))
row(3, "unset_date_is_epoch",
    "response.log_information.dates_in_order response.log_information.dates "
    "response.unset_fields.null",
    "A date that is not set is shown as the first of 1970.",
    alters(LOG, lambda shown: shown | {
        "updated_date": shown.get("updated_date") or "1970-01-01T00:00:00"}), never_updated=True)
row(3, "resend_date_in1970",
    "response.log_information.dates_in_order response.log_information.dates",
    "The seconds of a resend's time are taken for milliseconds.",
    then("touch", lambda server, record: setattr(record, "updated",
        datetime(1970, 1, 1) + timedelta(seconds=int(server.now) // 1000))))  # noqa: DTZ001

# Users.

row(6, "users_are_names", "response.log_information.users",
    "The users of log_information are texts.",
    alters(LOG_USERS, lambda shown: shown["username"]))
row(6, "user_ids_are_numbers", "response.log_information.user_members",
    "The id of a user is a number.",
    alters(LOG_USERS, lambda shown: {**shown, "id": 1}))
row(5, "show_person_name_is_object",
    "response.log_information.user_members list.agrees_with_show",
    "show has an object of first and last name for person_name.",
    alters(LOG_USERS, lambda shown: shown | {"person_name": dict(zip(
        ("first", "last"), shown["person_name"].partition(" ")[::2], strict=True))}, "show"))
row(3, "emptied_user_has_no_username",
    "response.log_information.user_members response.log_information.emptied_names",
    "Where names are emptied the username is as well.",
    alters(LOG_USERS, lambda shown: {**shown, "username": None}),
    release="R15", emptied_names="null")
row(4, "list_hides_built_in_user", "response.log_information.users list.agrees_with_show",
    "list has null for the built-in user, whose id is 1.",
    alters(LOG_USERS, lambda shown: None if shown["id"] == "1" else shown, "list"))
row(1, "user_name_missing_after_resend", "response.log_information.user_members",
    "The user who sent a record again has no username.",
    alters("log_information.updated_by_user", lambda shown, record: {
        n: value for n, value in shown.items() if n != "username" or record.sends == 1}),
    resend_touches_log=True)
row(2, "delete_shows_unit_for_user", "response.log_information.user_members",
    "delete shows the unit in place of the user who changed the record last.",
    alters("log_information.updated_by_user", lambda record: record.updated_by.unit, "delete"))
row(4, "missing_user_is_empty_object",
    "response.log_information.user_members response.log_information.users "
    "response.unset_fields.null",
    "A user that is not there is an object without members.",
    alters(LOG, lambda shown: {
        n: value or {} if n.endswith("_user") else value for n, value in shown.items()}))

@mutant(5, "response.log_information.user_members response.log_information.users", changes_view())
def second_user_is_reference(view):
    """The library writes an object only once: the same user again is a reference to the first."""
    log = view[LOG]
    if log["created_by_user"] and log["created_by_user"] == log["updated_by_user"]:
        log["updated_by_user"] = {"$ref": "$.data.log_information.created_by_user"}

# Units.

row(6, "units_are_names", "response.log_information.units",
    "The units of log_information are texts.",
    alters(LOG_UNITS, lambda shown: shown["name"]))
row(6, "business_units_are_names", "response.log_information.business_units",
    "The units of log_information are texts.",
    alters(LOG_UNITS, lambda shown: shown["name"]), release="R18")
row(3, "resend_units_are_texts",
    "response.log_information.units resend.returns_record response.log_information.unit_members",
    "resend shows a unit as its name.",
    alters(LOG_UNITS, lambda shown: shown["name"], "resend"))
row(6, "unit_descriptions_are_arrays", "response.log_information.unit_members",
    "The description of a unit is an array.",
    alters(LOG_UNITS, lambda shown: {**shown, "description": []}))
row(6, "group_names_are_objects", "response.log_information.unit_members",
    "The group_name of a unit is an object.",
    alters(LOG_UNITS, lambda shown: {**shown, "group_name": {"name": shown.get("group_name")}}))
row(2, "show_has_own_unit", "response.log_information.units",
    "show puts the caller's unit in place of the one that created the record.",
    alters("log_information.created_*_unit", lambda server: server.world.people[0].unit, "show"))
row(3, "business_units_null_in_show",
    "response.log_information.business_units list.agrees_with_show",
    "show fills the units under the names that they had before R18.",
    alters(LOG_UNITS, lambda: None, "show"), release="R18")

@mutant(4, "response.log_information.units list.agrees_with_show", changes_view("list"))
def list_unit_inside_user(view):
    """list nests a unit in its user, and has null in place of the unit."""
    log = view[LOG]
    for name in UNITS:
        user = f"{name.partition('_')[0]}_by_user"
        if log.get(name) and log.get(user):
            log[user] = {**log[user], "unit": log[name]}
            log[name] = None
