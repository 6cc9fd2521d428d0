"""The plainest ways to be wrong about the fields of a record, and about fields_set."""

# Each row stays together, as in a table.
# fmt: off

from stand_in.reading import FIELDS, Refusal
from stand_in.world import REJECTED, SUCCESSFUL

from mutants.combinators import changes_view, mutant, only, row, shows, step

UNITS = (
    "created_by_unit", "updated_by_unit", "created_by_business_unit", "updated_by_business_unit",
)
USERS = ("created_by_user", "updated_by_user")
DATES = ("created_date", "updated_date")

def field(name, row_name, about, value, statement="", *methods):
    """Add a row for another value of a field, where that is not null."""
    def change(view):
        if view[name] is not None:
            view[name] = value(view[name])
    row(6, row_name, f"response.{name}{statement}", about,
        changes_view(*methods, function=change))

# Fields.

field("id", "id_is_an_object", "id is an object with a value.", lambda text: {"value": text})
field("id", "id_is_null_once_changed",
      "resend and delete return the webhook request with the id null.",
      lambda _: None, "", "resend", "delete")
field("number", "number_is_a_number", "number is a JSON number.", int)
field("number", "number_is_null_once_changed",
      "resend and delete return the webhook request with the number null.",
      lambda _: None, "", "resend", "delete")
field("life_cycle_state", "state_is_a_number", "life_cycle_state is a number.",
      lambda state: 1 if state == SUCCESSFUL else 0)
field("life_cycle_state", "state_is_an_object", "life_cycle_state is an object with a name.",
      lambda state: {"name": state})
field("life_cycle_state", "failed_instead_of_rejected",
      "life_cycle_state is FAILED where it should be REJECTED.",
      lambda state: "FAILED" if state == REJECTED else state, ".values")
field("life_cycle_state", "state_in_small_letters", "life_cycle_state is written in small letters.",
      str.lower, ".values")
field("entity", "entity_is_an_array", "entity is an array.", lambda name: [name])
field("entity", "entity_is_an_object", "entity is an object with a name.",
      lambda name: {"name": name})
field("entity", "entity_in_singular", "entity is JOB where it should be JOBS.",
      lambda name: "JOB" if name == "JOBS" else name, ".supported_values")
field("entity", "entity_with_a_space",
      "entity is SERVICE REQUESTS where it should be SERVICEREQUESTS.",
      lambda name: name.replace("SERVICEREQ", "SERVICE REQ"), ".supported_values")
field("entity_id", "entity_id_is_an_object", "entity_id is an object with the id.",
      lambda text: {"id": text})
field("entity_id", "entity_id_is_a_number", "entity_id is a number.",
      lambda text: sum(map(ord, text)))
field("url", "url_is_an_object", "url is an object.", lambda url: {"href": url})
field("url", "url_is_an_array", "url is an array.", lambda url: [url])
field("authentication_code", "authentication_code_is_a_number", "authentication_code is a number.",
      lambda code: int(code[:8], 16))
field("authentication_code", "authentication_code_is_an_object",
      "authentication_code is an object.",
      lambda code: {"hmac": code})
field("authentication_code", "authentication_code_is_the_secret",
      "authentication_code is a fixed text, the same everywhere.", lambda _: "s3cr3t-key", ".hmac")
field("authentication_code", "authentication_code_is_a_checksum",
      "authentication_code is a checksum of 32 bits.", lambda code: code[:8], ".hmac")
field("fields_set", "all_fields_sets_are_arrays",
      "fields_set of a webhook request is an array of names.", lambda names: names.split(","))
field("fields_set", "fields_set_is_an_object", "fields_set of a webhook request is an object.",
      lambda names: dict.fromkeys(names.split(","), True))
field("request", "request_is_a_number", "request is a number.", lambda _: 17)
field("request", "request_is_an_array", "request is an array.", lambda request: [request])
field("response", "response_is_a_boolean", "response is true.", lambda _: True)
field("response", "response_is_a_status", "response is a number.", lambda _: 200)
field("error_code", "error_code_is_a_number", "error_code is a number.", lambda _: 500)
field("error_code", "error_code_is_an_object", "error_code is an object.",
      lambda code: {"code": code})
field("error_description", "error_description_is_an_array",
      "error_description is an array of lines.", str.splitlines)
field("error_description", "error_description_is_an_object", "error_description is an object.",
      lambda text: {"en": text})

for _name in ("webhook_definition", "workflow_rule"):
    field(_name, f"{_name}_is_its_id", f"{_name} is a text, the id alone.",
          lambda thing: thing["id"])
    field(_name, f"{_name}_is_an_array", f"{_name} is an array.", lambda thing: [thing])
    field(_name, f"{_name}_has_no_identifier",
          f"{_name} has neither id nor name nor alternative_code.",
          lambda _: {"description": "some"}, ".identifier_fields")
    field(_name, f"{_name}_has_an_id_that_is_a_number", f"The id of {_name} is a number.",
          lambda thing: {**thing, "id": int(thing["id"], 16)}, ".identifier_fields")

for _name, _text in (("error_code", "NONE"), ("error_description", "No error.")):
    for _methods in ((), ("list",), ("show",)):
        row(6, "_".join(("successful_ones_have", _name, *_methods)),
            f"response.{_name}.only_rejected",
            f"A SUCCESSFUL webhook request has the {_name} {_text}",
            shows(_name, lambda view, record, name=_name, text=_text:
                text if record.life_cycle_state == SUCCESSFUL else view[name], *_methods))

@mutant(6, "response.id.names_one", step("set_up"))
def two_have_the_same_id(server):
    """Two webhook requests have the same id."""
    one, other, *_ = server.records.values()
    other.id = one.id

@mutant(6, "response.number.names_one", step("set_up"))
def two_have_the_same_number(server):
    """Two webhook requests have the same number."""
    one, other, *_ = server.records.values()
    other.number = one.number

row(6, "list_shortens_fields_set", "list.agrees_with_show",
    "list cuts the end of fields_set off.",
    shows("fields_set", lambda view:
        view["fields_set"] and view["fields_set"].partition(",")[0], "list"))

@mutant(6, "list.agrees_with_show", changes_view("list"))
def list_has_its_own_names(view):
    """list writes the name of the webhook definition in capitals."""
    shown = view["webhook_definition"]
    view["webhook_definition"] = {**shown, "name": shown["name"].upper()}

# log_information.

def log(part, name, about, value, release="R9"):
    """Add a row for another value of log_information."""
    row(6, name, f"response.log_information{part}", about,
        shows("log_information", lambda view: value(view["log_information"])), release=release)

def each(names, value):
    """Return what changes some members of a log that are not null."""
    return lambda log: {
        name: value(shown) if name in names and shown is not None else shown
        for name, shown in log.items()
    }

def renamed(**names):
    """Return what gives members of a log other names."""
    return lambda log: {names.get(name, name): shown for name, shown in log.items()}

def in_wrong_order(log):
    """Return a log whose update is long before its creation."""
    return {**log, "updated_date": log["updated_date"] and "2001-01-01T00:00:00"}

log("", "log_information_is_text", "log_information is a text.",
    lambda log: f"created {log.get('created_date')}")
log("", "log_information_is_an_array", "log_information is an array of what happened.",
    lambda log: [log])
log(".dates", "dates_have_other_names",
    "The dates of log_information are called createdDate and updatedDate.",
    renamed(created_date="createdDate", updated_date="updatedDate"))
log(".dates", "updates_have_another_name",
    "The later date of log_information is called update_date.",
    renamed(updated_date="update_date"))
log(".date_form", "dates_are_numbers", "The dates of log_information are seconds since 1970.",
    each(DATES, lambda _: 1454900761))
log(".date_form", "dates_have_fractions", "A date in log_information has milliseconds.",
    each(DATES, lambda date: f"{date}.000"))
log(".date_form", "dates_have_a_space",
    "A date in log_information has a space between day and time.",
    each(DATES, lambda date: date.replace("T", " ")))
log(".dates_in_order", "updated_before_created",
    "updated_date is in 2001, long before created_date.", in_wrong_order)
log(".users", "users_are_names", "The users of log_information are texts.",
    each(USERS, lambda user: user["username"]))
log(".users", "users_have_other_names",
    "The users of log_information are called createdByUser and updatedByUser.",
    renamed(created_by_user="createdByUser", updated_by_user="updatedByUser"))
log(".user_members", "user_ids_are_numbers", "The id of a user is a number.",
    each(USERS, lambda user: {**user, "id": 1}))
log(".user_members", "person_names_are_objects", "The person_name of a user is an object.",
    each(USERS, lambda user: {**user, "person_name": {"first": user["person_name"]}}))
log(".units", "units_are_names", "The units of log_information are texts.",
    each(UNITS, lambda unit: unit["name"]))
log(".units", "business_units_too_early",
    "The units of log_information have the names that they have from R18 on.",
    renamed(**dict(zip(UNITS[:2], UNITS[2:], strict=True))))
log(".unit_members", "unit_descriptions_are_arrays", "The description of a unit is an array.",
    each(UNITS, lambda unit: {**unit, "description": []}))
log(".unit_members", "group_names_are_objects", "The group_name of a unit is an object.",
    each(UNITS, lambda unit: {**unit, "group_name": {"name": unit.get("group_name")}}))
log(".business_units", "units_have_their_old_names",
    "The units of log_information have the names that they had before R18.",
    renamed(**dict(zip(UNITS[2:], UNITS[:2], strict=True))), release="R18")
log(".business_units", "business_units_are_names", "The units of log_information are texts.",
    each(UNITS, lambda unit: unit["name"]), release="R18")

# fields_set.

def wants_semicolons(base, call):
    """Refuse a comma in fields_set."""
    base(call)
    if "," in str(call.parameters.get("fields_set")):
        raise Refusal("bad_field", "fields_set has semicolons between its names.")

def knows_no_error_code(base, call):
    """Refuse error_code in fields_set."""
    base(call)
    if "error_code" in (call.fields or ()):
        raise Refusal("bad_field", "error_code is not a field.")

def some_by_default(*names):
    """Return what shows only some fields without fields_set."""
    def trimmed(base, record, call):
        view = base(record, call)
        return view if call.fields is not None else {name: view[name] for name in names}
    return trimmed

ALL_BUT_RULE = tuple(name for name in FIELDS if name != "workflow_rule")

for _method, _release in (("show", "R9"), ("list", "R9"), ("resend", "R10"), ("delete", "R10")):
    for _part, _name, _about, _step, _function in (
        ("selects", "is_ignored", "returns every field whatever fields_set says.",
         "trimmed", lambda server, record, call: server.view(record, call)),
        ("selects", "loses_the_last", "leaves the last field of fields_set out.",
         "wanted_fields", lambda names: names[:-1] or names),
        ("names", "wants_semicolons", "refuses commas in fields_set, and wants semicolons.",
         "read_arguments", wants_semicolons),
        ("names", "knows_no_error_code", "refuses error_code in fields_set.",
         "read_arguments", knows_no_error_code),
        ("default_all", "leaves_out_the_rule", "leaves workflow_rule out without fields_set.",
         "trimmed", some_by_default(*ALL_BUT_RULE)),
        ("default_all", "is_short_by_default", "returns six fields without fields_set.",
         "trimmed", some_by_default(*FIELDS[:6])),
    ):
        row(6, f"{_method}_fields_set_{_name}", f"fields_set.{_part}",
            f"{_method} {_about}", only(_method, _step, _function), release=_release)
