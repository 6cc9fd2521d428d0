"""Mutants that show wrong fields of a record."""

# Each row stays together, as in a table.
# fmt: off

import hashlib
import json
import re
from copy import copy
from typing import Any
from urllib.parse import quote

from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import REJECTED, SUCCESSFUL, Record

from mutants.combinators import changes_view, mutant, row, shows, step, then_sets

FINANCIAL = ("INVOICES", "PAYMENTS", "REFUNDS", "CREDITNOTES", "WRITEOFFS")

@mutant(1, "response.life_cycle_state")
class ShowByNumberStaleAfterResend(StandIn):
    """A cache by number keeps what show returned first, and only a delete empties it."""

    def set_up(self) -> None:
        self.cache: dict[str, Record] = {}

    def do_show(self, call: Call) -> Any:
        if call.identifier[0] != "number":
            return super().do_show(call)
        record = self.cache.get(call.identifier[1]) or copy(self.find(call))
        self.cache[record.number] = record
        return self.trimmed(record, call)

    def remove(self, record: Record) -> None:
        super().remove(record)
        self.cache.clear()

@mutant(1, "response.error_description.only_rejected", step("succeed"))
def resend_keeps_description(base, record):
    """A record that was sent again with success keeps its error_description."""
    kept = record.error_description
    base(record)
    record.error_description = kept

@mutant(1, "response.error_code.only_rejected")
class ListKeepsErrorAfterResend(StandIn):
    """list reads the error of a record from a table that resend forgets."""

    def set_up(self) -> None:
        self.codes: dict[str, str | None] = {}

    def succeed(self, record: Record) -> None:
        self.codes[record.id] = record.error_code
        super().succeed(record)

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list" and record.id in self.codes:
            view["error_code"] = self.codes[record.id]
        return view

row(1, "resend_fails_in_third_state", "response.life_cycle_state.values",
    "A resend that fails leaves the record FAILED.",
    then_sets("send_again", life_cycle_state=lambda record:
        "FAILED" if record.life_cycle_state == REJECTED else record.life_cycle_state),
    resend_succeeds="some")

row(1, "list_numbers_are_integers", "response.number",
    "number is a JSON number in list.",
    shows("number", lambda view, record:
        int(record.number) if record.number.isdigit() else view["number"], "list"))

@mutant(1, "response.fields_set", changes_view())
def fields_set_is_array(view):
    """fields_set of a record is an array where it has two names."""
    if "," in (view["fields_set"] or ""):
        view["fields_set"] = view["fields_set"].split(",")

@mutant(1, "response.error_description", changes_view("show"))
def description_is_array_of_lines(view, record):
    """error_description of a rejected record is an array in show."""
    if record.error_description:
        view["error_description"] = record.error_description.splitlines()

row(1, "ids_of_digits_are_numbers", "response.id",
    "An id that consists of digits becomes a JSON number.",
    shows("id", lambda view, record: int(record.id) if record.id.isdigit() else view["id"]),
    ids_equal_numbers=True)

row(1, "list_states_lower_case", "response.life_cycle_state.values",
    "list shows states in lower case.",
    shows("life_cycle_state", lambda record: record.life_cycle_state.lower(), "list"))

row(1, "delete_shows_singular_entity", "response.entity.supported_values",
    "delete returns the entity in the singular.",
    shows("entity", lambda record: record.entity.removesuffix("S"), "delete"))

@mutant(1, "response.error_code.only_rejected", changes_view())
def success_has_code_zero(view, record):
    """error_code of a SUCCESSFUL record of SUBSCRIPTIONS is 0."""
    if record.life_cycle_state == SUCCESSFUL and record.entity == "SUBSCRIPTIONS":
        view["error_code"] = "0"

row(1, "entity_id_empty_after_resend", "response.entity_id",
    "The id of the thing is lost when a record is sent again.",
    then_sets("succeed", entity_id=lambda: ""))

row(2, "failed_resend_half_written", "response.error_code.only_rejected",
    "The state is written before the sending and never put right.",
    then_sets("send_again", life_cycle_state=lambda: SUCCESSFUL), resend_succeeds="some")

@mutant(2, "response.fields_set", release="R10")
class ResendBindsFieldsSet(StandIn):
    """The members of a resend's body are bound to the record, fields_set among them."""

    def set_up(self) -> None:
        self.bound: dict[str, str] = {}

    def do_resend(self, call: Call) -> Any:
        answer = super().do_resend(call)
        if call.fields is not None:
            self.bound[self.find(call).id] = ",".join(call.fields)
        return answer

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        return {**view, "fields_set": self.bound.get(record.id, view["fields_set"])}

row(2, "show_cuts_url", "response.url",
    "show reads url into fifty letters.",
    shows("url", lambda view: view["url"][:50], "show"))

@mutant(2, "response.number", changes_view("list"), number_form="large")
def list_numbers_overflow(view, record):
    """list keeps 32 bits of a number."""
    if record.number.isdigit():
        view["number"] = str(int(record.number) & 0xFFFFFFFF)

@mutant(2, "response.error_description.only_rejected", changes_view("delete"))
def delete_shows_null_as_text(view):
    """delete turns each field that is null into the text null."""
    for name in ("error_code", "error_description", "fields_set"):
        view[name] = str(view[name] or "null")

@mutant(2, "response.authentication_code.hmac", step("do_list"))
def list_shares_code(base, call):
    """All records of a list have the code of the first."""
    rows = base(call)
    for view in rows:
        if "authentication_code" in view:
            view["authentication_code"] = rows[0]["authentication_code"]
    return rows

@mutant(2, "response.fields_set", step("trimmed"))
def fields_set_echoed(base, record, call):
    """The field fields_set holds the parameter fields_set, where that is given."""
    view = base(record, call)
    if call.fields is not None and "fields_set" in view:
        view["fields_set"] = ",".join(call.fields)
    return view

row(2, "delete_shows_deleted_state", "response.life_cycle_state.values",
    "A record that is deleted shows the state DELETED.",
    shows("life_cycle_state", lambda: "DELETED", "delete"))

row(2, "list_shows_collective_entity", "response.entity.supported_values",
    "list shows FINANCIALTRANSACTIONS for five entities, as a draft had it.",
    shows("entity", lambda view, record:
        "FINANCIALTRANSACTIONS" if record.entity in FINANCIAL else view["entity"], "list"),
    release="R15")

@mutant(3, "response.url", step("succeed"))
def resend_takes_next_url(server, base, record):
    """The URL of a record that was sent again is that of the definition behind its own."""
    base(record)
    definitions = server.world.definitions
    behind = (definitions.index(record.definition) + 1) % len(definitions)
    record.url = definitions[behind].url

row(3, "list_ids_lower_case", "response.id identifier.selects",
    "list shows ids in lower case, which show does not find.",
    shows("id", lambda view: view["id"].lower(), "list"))

row(3, "show_encodes_url", "response.url list.agrees_with_show",
    "show encodes a URL as if it were one part of a path.",
    shows("url", lambda view: quote(view["url"], safe=":/"), "show"))

row(3, "resend_shows_token_as_code", "response.authentication_code.hmac resend.returns_record",
    "resend shows the token of its caller as authentication_code.",
    shows("authentication_code", lambda call: call.parameters["token"], "resend"))

row(3, "list_has_code_for_description", "response.error_description list.agrees_with_show",
    "list has error_code in place of error_description, too.",
    shows("error_description", lambda view: view["error_code"], "list"))

row(3, "leads_shown_as_contacts",
    "response.entity.supported_values response.entity entities.r14 list.agrees_with_show",
    "show has the entity of R15 in which leads are kept.",
    shows("entity", lambda view, record:
        "CONTACTINFORMATION" if record.entity == "LEADS" else view["entity"], "show"),
    release="R14")

row(3, "show_numbers_without_prefix", "response.number list.agrees_with_show",
    "show has what is left of a number when letters and zeros in front are dropped.",
    shows("number", lambda record: record.number.removeprefix("WHR").lstrip("0"), "show"),
    number_form="prefixed")

row(4, "second_failure_is_success",
    "response.error_code.only_rejected response.error_description.only_rejected "
    "resend.failure_stays_rejected",
    "A second resend without success makes the record SUCCESSFUL, and leaves its error.",
    then_sets("send_again", life_cycle_state=lambda record:
        SUCCESSFUL if record.sends > 2 else record.life_cycle_state), resend_succeeds="some")

@mutant(4,
    "response.error_code.only_rejected response.error_description.only_rejected "
    "list.agrees_with_show",
    changes_view("show"))
def show_error_of_last_failure(server, view, record):
    """show of a successful record has the error of the last failure of the same definition."""
    if record.life_cycle_state == SUCCESSFUL:
        for other in server.records.values():
            if other.definition is record.definition and other.life_cycle_state == REJECTED:
                view["error_code"] = other.error_code
                view["error_description"] = other.error_description

@mutant(4, "response.error_description list.agrees_with_show", changes_view("list"))
def list_escapes_twice(view):
    """list escapes the line breaks of an error_description twice."""
    if view["error_description"]:
        view["error_description"] = json.dumps(view["error_description"])[1:-1]

@mutant(4, "response.authentication_code.hmac response.authentication_code list.agrees_with_show",
    changes_view("list"), authentication_code="hex")
def list_cuts_code_to40(view):
    """list has room for a code of SHA-1, and cuts longer ones."""
    if code := view["authentication_code"]:
        view["authentication_code"] = code[:40]

row(4, "list_numbers_grouped", "response.number identifier.selects list.agrees_with_show",
    "list formats numbers for people, such as 9,000,000,001, and show does not find those.",
    shows("number", lambda view: f"{int(view['number']):,}", "list"), number_form="large")

@mutant(5, "response.life_cycle_state response.life_cycle_state.values delete.returns_record",
    changes_view("delete"))
def delete_state_is_object(view):
    """delete writes the state as an object with its name and its label."""
    state = view["life_cycle_state"]
    view["life_cycle_state"] = {"name": state, "label": state.capitalize()}

@mutant(5, "response.url list.agrees_with_show", changes_view("list"))
def list_url_has_port(view):
    """list puts the port of the scheme into a URL that has none."""
    port = ":443" if view["url"].startswith("https:") else ":80"
    view["url"] = re.sub(r"^(https?://[^/:]+)/", rf"\1{port}/", view["url"])

@mutant(5, "response.number resend.identity_kept resend.returns_record",
    changes_view("resend"), number_form="digits")
def resend_number_is_decimal(view):
    """resend formats the number as one with a fraction, such as 7.0."""
    view["number"] += ".0"

@mutant(5, "response.error_description list.agrees_with_show", changes_view("list"))
def list_drops_tabs(view):
    """list drops control characters except line breaks from an error_description."""
    if text := view["error_description"]:
        view["error_description"] = text.replace("\t", "")

@mutant(5, "response.authentication_code.hmac list.agrees_with_show", changes_view("show"))
def show_code_has_time(server, view):
    """show computes the code anew, of data that has the time of the call."""
    if code := view["authentication_code"]:
        text = hashlib.sha256(f"{code}{server.now}".encode()).hexdigest()
        view["authentication_code"] = text[: len(code)]

@mutant(5, "response.life_cycle_state.values list.agrees_with_show", step("trimmed"))
def fields_show_state_of_definition(server, base, record, call):
    """show with fields_set selects a column that record and definition both have, of the latter."""
    view = base(record, call)
    if call.method == "show" and call.fields is not None and "life_cycle_state" in view:
        effective = record.definition.effective
        view["life_cycle_state"] = "EFFECTIVE" if effective else server.choices.not_effective
    return view
