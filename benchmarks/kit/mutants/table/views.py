"""Mutants that show wrong fields of a record."""

# Each row stays together, as in a table.
# fmt: off

from datetime import datetime, timedelta

from sound_server.reading import FIELDS
from sound_server.world import REJECTED

from mutants.combinators import alters, changes_view, refuses, shows, with_data
from mutants.steps import instead, mutant, row, step, then

for _method in ("resend", "delete"):
    row(f"{_method}_fields_set_wants_semicolons", "fields_set.names",
        f"{_method} refuses commas in fields_set, and wants semicolons.",
        refuses("bad_field", lambda call: "," in str(call.parameters.get("fields_set")), _method),
        release="R10")
    row(f"{_method}_fields_set_knows_no_error_code", "fields_set.names",
        f"{_method} refuses error_code in fields_set.",
        refuses("bad_field", lambda call: "error_code" in (call.fields or ()), _method),
        release="R10")
row("delete_fields_set_is_ignored", "fields_set.selects",
    "delete returns every field whatever fields_set says.",
    step("trimmed", lambda server, record, call: server.view(record, call), "delete"),
    release="R10")
row("delete_fields_set_loses_the_last", "fields_set.selects",
    "delete leaves the last field of fields_set out.",
    step("wanted_fields", lambda names: names[:-1] or names, "delete"), release="R10")
row("log_brings_all_fields", "fields_set.selects",
    "log_information in fields_set makes show fetch the whole record, and return it.",
    step("wanted_fields", lambda names:
        [*FIELDS] if "log_information" in names else names, "show"))
row("one_field_unwrapped", "fields_set.selects",
    "With one name in fields_set a list has bare values in place of records.",
    with_data(lambda call, data: [next(iter(view.values()), None) for view in data]
        if len(call.fields or ()) == 1 else data, "list"))

@mutant("fields_set.selects list.agrees_with_show", instead("trimmed", method="list"))
def fields_named_in_asked_order(made):
    """list selects columns in their own order, and names them in that of fields_set."""
    columns = sorted(made, key=FIELDS.index)
    return dict(zip(made, [made[name] for name in columns], strict=True))

@mutant("fields_set.default_all", changes_view("list"))
def list_omits_description(view, call):
    """list leaves error_description out, for it is long."""
    if call.fields is None:
        del view["error_description"]

def plain(name, row_name, about, value, statement="", *methods):
    """Add a row for another value of a field, where that is not null."""
    def change(shown):
        return value(shown)
    row(row_name, f"response.{name}{statement}", about, alters(name, change, *methods))

# id and number.

plain("id", "id_is_an_object", "id is an object with a value.", lambda text: {"value": text})
row("delete_shows_entity_id_as_id", "delete.returns_record",
    "id in the response of delete is the id of the thing.",
    shows("id", lambda record: record.entity_id, "delete"))
row("list_numbers_are_integers", "response.number",
    "number is a JSON number in list.",
    shows("number", lambda shown: int(shown) if shown.isdigit() else shown, "list"))
row("list_numbers_overflow", "response.number",
    "list keeps 32 bits of a number.",
    shows("number", lambda shown: str(int(shown) & 0xFFFFFFFF), "list"), number_form="large")

@mutant("response.id.names_one", step("set_up"))
def two_have_the_same_id(server):
    """Two webhook requests have the same id."""
    one, other, *_ = server.records.values()
    other.id = one.id

@mutant("response.number.names_one", step("set_up"))
def two_have_the_same_number(server):
    """Two webhook requests have the same number."""
    one, other, *_ = server.records.values()
    other.number = one.number

plain("life_cycle_state", "failed_instead_of_rejected",
      "life_cycle_state is FAILED where it should be REJECTED.",
      lambda state: "FAILED" if state == REJECTED else state, ".values")

plain("entity", "entity_is_an_array", "entity is an array.", lambda name: [name])
plain("entity", "entity_in_singular", "entity is JOB where it should be JOBS.",
      lambda name: "JOB" if name == "JOBS" else name, ".supported_values")

row("show_cuts_url", "response.url",
    "show reads url into fifty letters.",
    shows("url", lambda shown: shown[:50], "show"))

plain("authentication_code", "authentication_code_is_a_number", "authentication_code is a number.",
      lambda code: int(code[:8], 16))
plain("authentication_code", "authentication_code_is_the_secret",
      "authentication_code is a fixed text, the same everywhere.", lambda _: "s3cr3t-key", ".hmac")
plain("authentication_code", "authentication_code_is_a_checksum",
      "authentication_code is a checksum of 32 bits.", lambda code: code[:8], ".hmac")

@mutant("response.authentication_code.hmac", then("do_list"))
def list_shares_code(made):
    """All records of a list have the code of the first."""
    for view in made:
        if "authentication_code" in view:
            view["authentication_code"] = made[0]["authentication_code"]

row("fields_set_echoed", "response.fields_set",
    "The field fields_set holds the parameter fields_set, where that is given.",
    shows("fields_set", lambda shown, call:
        shown if call.fields is None else ",".join(call.fields)))
plain("request", "request_is_a_number", "request is a number.", lambda _: 17)
plain("response", "response_is_a_boolean", "response is true.", lambda _: True)

plain("error_code", "error_code_is_a_number", "error_code is a number.", lambda _: 500)
row("description_is_array_of_lines", "response.error_description",
    "error_description of a rejected record is an array in show.",
    alters("error_description", lambda shown: shown.splitlines(), "show"))

LOG, LOG_DATES, LOG_USERS, LOG_UNITS = (
    "log_information", "log_information.*_date", "log_information.*_user", "log_information.*_unit",
)

def moment(date):
    """Return the moment of a date that is shown."""
    return datetime.fromisoformat(date[:19])

# webhook_definition and workflow_rule.

for _name in ("webhook_definition", "workflow_rule"):
    row(f"{_name}_has_no_identifier", f"response.{_name}.identifier_fields",
        f"{_name} has neither id nor name nor alternative_code.",
        alters(_name, lambda: {"description": "some"}))
row("list_names_encoded_twice", "response.webhook_definition",
    "list encodes names of definitions in UTF-8 twice.",
    alters("webhook_definition.name", lambda shown: shown.encode().decode("latin-1"), "list"))
row("rule_shows_definition", "response.workflow_rule",
    "workflow_rule of records of the third definition is the definition.",
    shows("workflow_rule", lambda server, shown, record:
        server.referred(record.definition, server.choices.rule_members)
        if record.definition is server.world.definitions[2] else shown))

@mutant("response.webhook_definition", then("do_list"))
def list_nests_one_definition(call, made):
    """In a list by rule all records show the definition of the first."""
    for view in made if "workflow_rule_identifier" in call.filters else ():
        if "webhook_definition" in view:
            view["webhook_definition"] = made[0]["webhook_definition"]

@mutant("response.workflow_rule", then("do_list"), some_rules_null=True)
def null_rule_taken_from_row_above(made):
    """A record of a list without a rule shows the rule of the row above."""
    above = None
    for view in made:
        if "workflow_rule" in view:
            above = view["workflow_rule"] = view["workflow_rule"] or above

@mutant("response.workflow_rule", then("do_list"))
def rule_missing_after_ten_rows(made):
    """Rules are fetched for the first ten rows of a list; the others have null."""
    for view in made[10:]:
        if "workflow_rule" in view:
            view["workflow_rule"] = None

# log_information as a whole.

def renamed(**names):
    """Return what gives members of a log other names."""
    return lambda shown: {names.get(name, name): value for name, value in shown.items()}

def log(name, statement, about, function, *methods, **more):
    """Add a row for another value of log_information."""
    row(name, f"response.log_information{statement}", about,
        alters(LOG, function, *methods), **more)

log("list_log_is_text", "", "log_information is only a date in list.",
    lambda record: record.created.isoformat(), "list")
log("dates_have_other_names", ".dates",
    "The dates of log_information are called createdDate and updatedDate.",
    renamed(created_date="createdDate", updated_date="updatedDate"))
log("updates_have_another_name", ".dates",
    "The later date of log_information is called update_date.",
    renamed(updated_date="update_date"))
log("users_have_other_names", ".users",
    "The users of log_information are called createdByUser and updatedByUser.",
    renamed(created_by_user="createdByUser", updated_by_user="updatedByUser"))

@mutant("response.log_information.users", then("pick"))
def fields_cut_log(name, picked):
    """log_information has its dates alone where fields_set asks for it."""
    if name == LOG:
        picked[name] = {n: shown for n, shown in picked[name].items() if n.endswith("_date")}

# Dates.

row("dates_are_numbers", "response.log_information.date_form",
    "The dates of log_information are seconds since 1970.",
    alters(LOG_DATES, lambda: 1454900761))
row("show_has_twelve_hours", "response.log_information.dates",
    "show writes the hour of a date as one of twelve.",
    alters(LOG_DATES, lambda shown:
        f"{shown[:11]}{(int(shown[11:13]) + 11) % 12 + 1:02}{shown[13:]}", "show"))
log("list_swaps_dates", ".dates",
    "list shows the two dates of a record in each other's place.",
    lambda shown: shown | {
        "created_date": shown["updated_date"], "updated_date": shown["created_date"]}, "list")
row("updated_on_day_of_creation",
    "response.log_information.dates_in_order response.log_information.dates",
    "updated_date has the time of the change, and the day of the creation.",
    alters("log_information.updated_date", lambda shown, view:
        view[LOG]["created_date"][:10] + shown[10:]))
row("updated_in_other_zone",
    "response.log_information.dates_in_order response.log_information.dates",
    "created_date is in local time, and updated_date three hours west of it.",
    alters("log_information.updated_date", lambda shown:
        (moment(shown) - timedelta(hours=3)).isoformat() + shown[19:]))
row("user_ids_are_numbers", "response.log_information.user_members",
    "The id of a user is a number.",
    alters(LOG_USERS, lambda shown: {**shown, "id": 1}))
row("unit_descriptions_are_arrays", "response.log_information.unit_members",
    "The description of a unit is an array.",
    alters(LOG_UNITS, lambda shown: {**shown, "description": []}))
row("show_has_own_unit", "response.log_information.units",
    "show puts the caller's unit in place of the one that created the record.",
    alters("log_information.created_*_unit", lambda server: server.world.people[0].unit, "show"))
row("business_units_null_in_show",
    "response.log_information.business_units list.agrees_with_show",
    "show fills the units under the names that they had before R18.",
    alters(LOG_UNITS, lambda: None, "show"), release="R18")
