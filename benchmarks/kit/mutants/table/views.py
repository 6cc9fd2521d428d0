"""Mutants that show wrong fields of a record."""

# Each row stays together, as in a table.
# fmt: off

import hashlib
import json
import re
from urllib.parse import quote

from sound_server.world import REJECTED, SUCCESSFUL

from mutants.responses import alters, changes_view, shows, with_data
from mutants.steps import mutant, row, step, then

FINANCIAL = ("INVOICES", "PAYMENTS", "REFUNDS", "CREDITNOTES", "WRITEOFFS")
ERROR_FIELDS = ("error_code", "error_description")

def plain(name, row_name, about, value, statement="", *methods):
    """Add a row for another value of a field, where that is not null."""
    def change(shown):
        return value(shown)
    row(6, row_name, f"response.{name}{statement}", about, alters(name, change, *methods))

# id and number.

plain("id", "id_is_an_object", "id is an object with a value.", lambda text: {"value": text})
plain("id", "id_is_null_once_changed",
      "resend and delete return the webhook request with the id null.",
      lambda _: None, "", "resend", "delete")
row(1, "ids_of_digits_are_numbers", "response.id",
    "An id that consists of digits becomes a JSON number.",
    shows("id", lambda shown: int(shown) if shown.isdigit() else shown), ids_equal_numbers=True)
row(3, "list_ids_lower_case", "response.id identifier.selects",
    "list shows ids in lower case, which show does not find.",
    shows("id", lambda shown: shown.lower(), "list"))
row(2, "delete_shows_entity_id_as_id", "delete.returns_record",
    "id in the response of delete is the id of the thing.",
    shows("id", lambda record: record.entity_id, "delete"))
plain("number", "number_is_null_once_changed",
      "resend and delete return the webhook request with the number null.",
      lambda _: None, "", "resend", "delete")
row(1, "list_numbers_are_integers", "response.number",
    "number is a JSON number in list.",
    shows("number", lambda shown: int(shown) if shown.isdigit() else shown, "list"))
row(2, "list_numbers_overflow", "response.number",
    "list keeps 32 bits of a number.",
    shows("number", lambda shown: str(int(shown) & 0xFFFFFFFF), "list"), number_form="large")
row(4, "list_numbers_grouped", "response.number identifier.selects list.agrees_with_show",
    "list formats numbers for people, such as 9,000,000,001, and show does not find those.",
    shows("number", lambda shown: f"{int(shown):,}", "list"), number_form="large")
row(3, "show_numbers_without_prefix", "response.number list.agrees_with_show",
    "show has what is left of a number when letters and zeros in front are dropped.",
    shows("number", lambda shown: shown.removeprefix("WHR").lstrip("0"), "show"),
    number_form="prefixed")
row(5, "resend_number_is_decimal", "response.number resend.identity_kept resend.returns_record",
    "resend formats the number as one with a fraction, such as 7.0.",
    shows("number", lambda shown: f"{shown}.0", "resend"), number_form="digits")

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

# life_cycle_state.

plain("life_cycle_state", "state_is_a_number", "life_cycle_state is a number.",
      lambda state: 1 if state == SUCCESSFUL else 0)
plain("life_cycle_state", "failed_instead_of_rejected",
      "life_cycle_state is FAILED where it should be REJECTED.",
      lambda state: "FAILED" if state == REJECTED else state, ".values")
row(1, "list_states_lower_case", "response.life_cycle_state.values",
    "list shows states in lower case.",
    shows("life_cycle_state", lambda shown: shown.lower(), "list"))
row(2, "delete_shows_deleted_state", "response.life_cycle_state.values",
    "A record that is deleted shows the state DELETED.",
    shows("life_cycle_state", lambda: "DELETED", "delete"))
row(5, "delete_state_is_object",
    "response.life_cycle_state response.life_cycle_state.values delete.returns_record",
    "delete writes the state as an object with its name and its label.",
    shows("life_cycle_state", lambda shown:
        {"name": shown, "label": shown.capitalize()}, "delete"))
row(5, "fields_show_state_of_definition", "response.life_cycle_state.values list.agrees_with_show",
    "show with fields_set selects a column that record and definition both have, of the latter.",
    shows("life_cycle_state", lambda server, shown, record, call: shown if call.fields is None
        else "EFFECTIVE" if record.definition.effective else server.choices.not_effective, "show"))

@mutant(3, "resend.returns_record resend.failure_stays_rejected response.life_cycle_state",
    changes_view("resend"), resend_succeeds="some")
def failed_resend_answered_as_successful(view):
    """The response of resend is made before the receiver has refused what was sent."""
    view |= {"life_cycle_state": SUCCESSFUL, "error_code": None, "error_description": None}

# entity and entity_id.

plain("entity", "entity_is_an_array", "entity is an array.", lambda name: [name])
plain("entity", "entity_in_singular", "entity is JOB where it should be JOBS.",
      lambda name: "JOB" if name == "JOBS" else name, ".supported_values")
plain("entity", "entity_with_a_space",
      "entity is SERVICE REQUESTS where it should be SERVICEREQUESTS.",
      lambda name: name.replace("SERVICEREQ", "SERVICE REQ"), ".supported_values")
row(1, "delete_shows_singular_entity", "response.entity.supported_values",
    "delete returns the entity in the singular.",
    shows("entity", lambda shown: shown.removesuffix("S"), "delete"))
row(2, "list_shows_collective_entity", "response.entity.supported_values",
    "list shows FINANCIALTRANSACTIONS for five entities, as a draft had it.",
    shows("entity", lambda shown:
        "FINANCIALTRANSACTIONS" if shown in FINANCIAL else shown, "list"), release="R15")
row(3, "leads_shown_as_contacts",
    "response.entity.supported_values response.entity entities.r14 list.agrees_with_show",
    "show has the entity of R15 in which leads are kept.",
    shows("entity", lambda shown: "CONTACTINFORMATION" if shown == "LEADS" else shown, "show"),
    release="R14")
plain("entity_id", "entity_id_is_an_object", "entity_id is an object with the id.",
      lambda text: {"id": text})

# url.

plain("url", "url_is_an_object", "url is an object.", lambda url: {"href": url})
row(2, "show_cuts_url", "response.url",
    "show reads url into fifty letters.",
    shows("url", lambda shown: shown[:50], "show"))
row(3, "show_encodes_url", "response.url list.agrees_with_show",
    "show encodes a URL as if it were one part of a path.",
    shows("url", lambda shown: quote(shown, safe=":/"), "show"))

@mutant(5, "response.url list.agrees_with_show", changes_view("list"))
def list_url_has_port(view):
    """list puts the port of the scheme into a URL that has none."""
    port = ":443" if view["url"].startswith("https:") else ":80"
    view["url"] = re.sub(r"^(https?://[^/:]+)/", rf"\1{port}/", view["url"])

# authentication_code.

plain("authentication_code", "authentication_code_is_a_number", "authentication_code is a number.",
      lambda code: int(code[:8], 16))
plain("authentication_code", "authentication_code_is_the_secret",
      "authentication_code is a fixed text, the same everywhere.", lambda _: "s3cr3t-key", ".hmac")
plain("authentication_code", "authentication_code_is_a_checksum",
      "authentication_code is a checksum of 32 bits.", lambda code: code[:8], ".hmac")
row(3, "resend_shows_token_as_code", "response.authentication_code.hmac resend.returns_record",
    "resend shows the token of its caller as authentication_code.",
    shows("authentication_code", lambda call: call.parameters["token"], "resend"))
row(4, "list_cuts_code_to40",
    "response.authentication_code.hmac response.authentication_code list.agrees_with_show",
    "list has room for a code of SHA-1, and cuts longer ones.",
    alters("authentication_code", lambda shown: shown[:40], "list"), authentication_code="hex")
row(5, "show_code_has_time", "response.authentication_code.hmac list.agrees_with_show",
    "show computes the code anew, of data that has the time of the call.",
    alters("authentication_code", lambda server, shown:
        hashlib.sha256(f"{shown}{server.now}".encode()).hexdigest()[: len(shown)], "show"))

@mutant(2, "response.authentication_code.hmac", then("do_list"))
def list_shares_code(made):
    """All records of a list have the code of the first."""
    for view in made:
        if "authentication_code" in view:
            view["authentication_code"] = made[0]["authentication_code"]

# fields_set, request and response.

row(1, "fields_set_is_array", "response.fields_set",
    "fields_set of a record is an array where it has two names.",
    alters("fields_set", lambda shown: shown.split(",") if "," in shown else shown))
row(2, "fields_set_echoed", "response.fields_set",
    "The field fields_set holds the parameter fields_set, where that is given.",
    shows("fields_set", lambda shown, call:
        shown if call.fields is None else ",".join(call.fields)))
row(6, "list_shortens_fields_set", "list.agrees_with_show",
    "list cuts the end of fields_set off.",
    alters("fields_set", lambda shown: shown.partition(",")[0], "list"))
plain("request", "request_is_a_number", "request is a number.", lambda _: 17)
plain("response", "response_is_a_boolean", "response is true.", lambda _: True)

# error_code and error_description.

plain("error_code", "error_code_is_a_number", "error_code is a number.", lambda _: 500)
for _name, _text in (("error_code", "NONE"), ("error_description", "No error.")):
    for _methods in ((), ("list",), ("show",)):
        row(6, "_".join(("successful_ones_have", _name, *_methods)),
            f"response.{_name}.only_rejected",
            f"A SUCCESSFUL webhook request has the {_name} {_text}",
            shows(_name, lambda shown, record, text=_text:
                text if record.life_cycle_state == SUCCESSFUL else shown, *_methods))
row(1, "success_has_code_zero", "response.error_code.only_rejected",
    "error_code of a SUCCESSFUL record of SUBSCRIPTIONS is 0.",
    shows("error_code", lambda shown, record: "0" if record.entity == "SUBSCRIPTIONS"
        and record.life_cycle_state == SUCCESSFUL else shown))
row(1, "description_is_array_of_lines", "response.error_description",
    "error_description of a rejected record is an array in show.",
    alters("error_description", lambda shown: shown.splitlines(), "show"))
row(3, "list_has_code_for_description", "response.error_description list.agrees_with_show",
    "list has error_code in place of error_description, too.",
    shows("error_description", lambda view: view["error_code"], "list"))
row(4, "list_escapes_twice", "response.error_description list.agrees_with_show",
    "list escapes the line breaks of an error_description twice.",
    alters("error_description", lambda shown: json.dumps(shown)[1:-1], "list"))
row(5, "list_drops_tabs", "response.error_description list.agrees_with_show",
    "list drops control characters except line breaks from an error_description.",
    alters("error_description", lambda shown: shown.replace("\t", ""), "list"))

@mutant(2, "response.error_description.only_rejected", changes_view("delete"))
def delete_shows_null_as_text(view):
    """delete turns each field that is null into the text null."""
    view |= {name: view[name] or "null" for name in (*ERROR_FIELDS, "fields_set")}

@mutant(4,
    "response.error_code.only_rejected response.error_description.only_rejected "
    "list.agrees_with_show",
    changes_view("show"))
def show_error_of_last_failure(server, view, record):
    """show of a successful record has the error of the last failure of the same definition."""
    for other in server.records.values() if record.life_cycle_state == SUCCESSFUL else ():
        if other.definition is record.definition and other.life_cycle_state == REJECTED:
            view |= {name: getattr(other, name) for name in ERROR_FIELDS}

# Names of fields, and fields that are missing.

row(2, "resend_in_camel_case", "resend.returns_record",
    "resend writes names such as errorCode.",
    with_data(lambda data: {re.sub("_(.)", lambda found: found[1].upper(), name): value
        for name, value in data.items()}, "resend"))

@mutant(4, "fields_set.default_all response.unset_fields.null list.agrees_with_show",
    changes_view("show"))
def show_ends_at_first_null(view):
    """show writes the fields of a record until one of them is null."""
    names = [*view]
    unset = next((names.index(name) for name in names if view[name] is None), len(names))
    for name in names[unset + 1 :]:
        del view[name]

@mutant(5, "fields_set.default_all response.unset_fields.null list.agrees_with_show",
    then("do_show"))
def show_omits_identifier_field(call, made):
    """show leaves out the field by which the record was named, as the caller knows it."""
    if call.fields is None:
        del made[call.identifier[0]]
