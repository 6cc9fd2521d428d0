"""Mutants that show the wrong record or the wrong choice of fields, or list and show otherwise."""

# Each row stays together, as in a table.
# fmt: off

from bisect import bisect_left
from datetime import timedelta
from typing import Any

from stand_in.reading import FIELDS, IDENTIFIER, Call, Refusal
from stand_in.server import StandIn
from stand_in.world import FIRST_DAY, REJECTED, SUCCESSFUL, Record

from mutants.combinators import changes_view, keeps_list, loses, mutant, row, shows, step


@mutant(1, "delete.returns_record", step("do_delete"))
def delete_returns_nothing(server, base, call):
    """data of delete is an empty object if the record was rejected."""
    rejected = server.find(call).life_cycle_state == REJECTED
    answer = base(call)
    return {} if rejected else answer

@mutant(1, "identifier.selects", step("names"))
def number_read_as_sql(base, record, name, value, call):
    """show reads the digits at the start of a number, so that 7x is 7."""
    if name == "number":
        value = value[: len(value) - len(value.lstrip("0123456789"))] or value
    return base(record, name, value, call)

row(1, "id_cut_to32", "identifier.selects",
    "Of an id only the first 32 letters are compared.",
    step("names", lambda base, record, name, value, call:
        base(record, name, value[:32] if name == "id" else value, call)))

row(1, "number_finds_id", "identifier.selects",
    "show looks for ids first, whichever field is named.",
    step("find", lambda server, base, call:
        server.records.get(call.identifier[1]) or base(call)), ids_equal_numbers=True)

@mutant(1, "identifier.selects", step("names"))
def show_of_wildcard(base, record, name, value, call):
    """show by id compares as LIKE of SQL does, and returns the first record that fits."""
    if name == "id" and value.endswith("%"):
        return record.id.startswith(value[:-1])
    return base(record, name, value, call)

@mutant(1, "identifier.selects")
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

row(1, "fourth_field_lost", "fields_set.selects",
    "fields_set is cut after three names.",
    step("wanted_fields", lambda base, call, names: base(call, names[:3])))

row(1, "list_adds_url", "fields_set.selects",
    "list returns url, too, where number is asked for.",
    step("wanted_fields", lambda call, names:
        [*names, "url"] if call.method == "list" and "number" in names else names))

@mutant(1, "fields_set.selects", step("do_list"), release="R13")
def fields_ignored_on_later_pages(base, call):
    """fields_set counts on the first page only."""
    if call.skip:
        call.fields = None
    return base(call)

@mutant(1, "fields_set.default_all", changes_view("list"))
def list_omits_description(view, call):
    """list leaves error_description out, for it is long."""
    if call.fields is None:
        del view["error_description"]

@mutant(1, "fields_set.default_all", changes_view())
def jobs_have_no_rule(view, record, call):
    """Records of JOBS have no workflow_rule."""
    if record.entity == "JOBS" and call.fields is None:
        del view["workflow_rule"]

@mutant(1, "fields_set.default_all")
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

@mutant(2, "identifier.selects", step("send_again"), resend_succeeds="some")
def failed_resend_loses_record(server, base, record):
    """A resend deletes the row, and stores it anew only if it went well."""
    base(record)
    if record.life_cycle_state == REJECTED and record.id in server.records:
        server.remove(record)

row(2, "list_key_lacks_fields", "fields_set.selects",
    "fields_set is not in the key of the cache.",
    keeps_list(lambda call: repr((call.filters, call.skip, call.limit))))

@mutant(2, "identifier.selects")
class NotFoundKeptByValue(StandIn):
    """A value that show did not find as number is not looked for as id any more."""

    def set_up(self) -> None:
        self.missing: set[str] = set()

    def find(self, call: Call) -> Record:
        if call.method == "show" and call.identifier[1] in self.missing:
            raise Refusal("unknown_record", "No webhook request has this value.")
        try:
            return super().find(call)
        except Refusal:
            self.missing.add(call.identifier[1])
            raise

row(2, "show_only_recent", "identifier.selects",
    "show does not look in the archive of the first days; list does.",
    loses(lambda record, call:
        call.method == "show" and record.created < FIRST_DAY + timedelta(days=3)))

@mutant(2, "parameters.mandatory")
class ShowWithoutIdentifierShowsLast(StandIn):
    """Without an identifier show returns what it returned last."""

    def set_up(self) -> None:
        self.last: Record | None = None

    def read_arguments(self, call: Call) -> None:
        if call.method == "show" and self.last and IDENTIFIER not in call.parameters:
            call.parameters[IDENTIFIER] = f"id={self.last.id}"
        super().read_arguments(call)

    def do_show(self, call: Call) -> Any:
        self.last = self.find(call)
        return super().do_show(call)

@mutant(2, "identifier.mandatory", step("read_arguments"))
def empty_number_shows_first(server, base, call):
    """An empty number is no condition, and the first record is shown."""
    if call.method == "show" and call.parameters.get(IDENTIFIER) == "number=":
        call.parameters[IDENTIFIER] = f"id={next(iter(server.records))}"
    base(call)

@mutant(2, "identifier.selects", step("find"), number_form="large")
def number_beyond_integer(base, call):
    """show reads a number into 32 bits, and refuses what has more."""
    name, value = call.identifier
    if call.method == "show" and name == "number" and value.isdigit() and len(value) > 9:
        raise Refusal("bad_parameter", f"For input string: {value}")
    return base(call)

@mutant(2, "identifier.selects", step("find"), number_form="digits")
def search_in_other_order(server, base, call):
    """show by number searches by halves as in a list of texts, in one sorted by number."""
    name, value = call.identifier
    if call.method == "show" and name == "number":
        numbers = [record.number for record in server.records.values()]
        position = bisect_left(numbers, value)
        if numbers[position : position + 1] != [value]:
            raise Refusal("unknown_record", f"No webhook request has number {value}.")
    return base(call)

@mutant(2, "fields_set.selects", step("wanted_fields"))
def fields_found_in_text(call, names):
    """show returns each field whose name is somewhere in the text of fields_set."""
    if call.method != "show":
        return names
    return [name for name in FIELDS if name in ",".join(names)]

@mutant(2, "fields_set.selects", step("do_list"))
def one_field_unwrapped(base, call):
    """With one name in fields_set a list has bare values in place of records."""
    rows = base(call)
    one = call.fields is not None and len(call.fields) == 1
    return [next(iter(view.values()), None) for view in rows] if one else rows

@mutant(2, "resend.returns_record", step("trimmed"))
def resend_in_camel_case(base, record, call):
    """resend writes names such as errorCode."""
    view = base(record, call)
    if call.method != "resend":
        return view
    words = {name: name.split("_") for name in view}
    return {
        first + "".join(word.title() for word in rest): view[name]
        for name, (first, *rest) in words.items()
    }

row(2, "delete_shows_entity_id_as_id", "delete.returns_record",
    "id in the answer of delete is the id of the thing.",
    shows("id", lambda record: record.entity_id, "delete"))

@mutant(3, "fields_set.selects", step("do_list"))
def last_row_has_all_fields(server, call):
    """The loop that drops the other fields ends one row early."""
    found = server.page(server.select(call), call)
    rows = [server.trimmed(record, call) for record in found]
    return [*rows[:-1], server.view(found[-1], call)] if rows else rows

@mutant(3, "fields_set.selects list.agrees_with_show", step("trimmed"))
def fields_named_in_asked_order(base, record, call):
    """list selects columns in their own order, and names them in that of fields_set."""
    view = base(record, call)
    if call.method != "list" or call.fields is None:
        return view
    columns = sorted(view, key=lambda name: name in FIELDS and FIELDS.index(name))
    return dict(zip(view, [view[name] for name in columns], strict=True))

@mutant(3, "resend.returns_record resend.failure_stays_rejected response.life_cycle_state",
    changes_view("resend"), resend_succeeds="some")
def failed_resend_answered_as_successful(view):
    """The answer of resend is made before the receiver has refused what was sent."""
    view |= {"life_cycle_state": SUCCESSFUL, "error_code": None, "error_description": None}

@mutant(3, "delete.returns_record response.webhook_definition response.workflow_rule",
    changes_view("delete"))
def delete_answers_without_referred(view):
    """delete reads definition and rule when the record is no longer joined to them."""
    view |= {"webhook_definition": None, "workflow_rule": None}

row(3, "log_brings_all_fields", "fields_set.selects",
    "log_information in fields_set makes show fetch the whole record, and return it.",
    step("wanted_fields", lambda call, names:
        [*FIELDS] if call.method == "show" and "log_information" in names else names))

@mutant(3, "show.single_result envelope.data_object", step("do_show"))
def show_by_number_is_array(base, call):
    """show by number returns an array of one."""
    answer = base(call)
    return [answer] if call.identifier[0] == "number" else answer

@mutant(3, "fields_set.selects", step("read_arguments"), release="R15")
def delete_ignores_fields_set(base, call):
    """delete returns all fields whatever fields_set names."""
    base(call)
    if call.method == "delete":
        call.fields = None

@mutant(4, "fields_set.selects list.agrees_with_show response.error_fields.null",
    step("do_list"))
def columns_of_first_row(base, call):
    """With fields_set the columns are those that have a value in the first row."""
    rows = base(call)
    if call.fields is None or not rows:
        return rows
    columns = [name for name, value in rows[0].items() if value is not None]
    return [{name: view[name] for name in columns if name in view} for view in rows]

@mutant(4,
    "fields_set.selects list.agrees_with_show response.webhook_definition "
    "response.webhook_definition.identifier_fields response.workflow_rule "
    "response.workflow_rule.identifier_fields response.log_information.dates",
    step("trimmed"))
def fields_prune_nested(base, record, call):
    """fields_set drops members of the objects inside a row as well, unless they have its names."""
    view = base(record, call)
    if call.method != "list" or call.fields is None:
        return view
    wanted = set(call.fields)
    return {
        name: {member: value[member] for member in value if member in wanted}
        if isinstance(value, dict)
        else value
        for name, value in view.items()
    }

@mutant(4, "fields_set.default_all response.unset_fields.null list.agrees_with_show",
    changes_view("show"))
def show_ends_at_first_null(view):
    """show writes the fields of a record until one of them is null."""
    names = [*view]
    unset = next((names.index(name) for name in names if view[name] is None), len(names))
    for name in names[unset + 1 :]:
        del view[name]

row(4, "delete_wraps_record", "delete.returns_record envelope.data_object",
    "data of delete has the record as its only member.",
    step("do_delete", lambda base, call: {"webhook_request": base(call)}))

@mutant(5, "fields_set.selects", step("wanted_fields"))
def fields_out_of_order_lost(base, call, names):
    """The names are merged with the columns, and one that comes before the last is lost."""
    kept, last = [], -1
    for name in base(call, names):
        position = FIELDS.index(name) if name in FIELDS else len(FIELDS)
        if position > last:
            kept.append(name)
            last = position
    return kept

@mutant(5, "fields_set.selects response.log_information",
    step("trimmed"))
def log_flattened_with_fields(base, record, call):
    """The members of log_information are members of the record where fields_set names it."""
    view = base(record, call)
    if call.fields is None or "log_information" not in view:
        return view
    log = view.pop("log_information")
    return {**view, **log}

@mutant(5, "fields_set.selects", step("wanted_fields"))
def prefix_field_swallowed(base, call, names):
    """A name that another name begins with is dropped as contained: entity beside entity_id."""
    names = base(call, names)
    return [n for n in names if not any(o != n and o.startswith(n) for o in names)]

@mutant(5, "list.agrees_with_show list.life_cycle_state.filter resend.success_is_successful")
class FieldsListShowsOldState(StandIn):
    """A list with fields_set is read from an index that keeps the state before a resend."""

    def set_up(self) -> None:
        self.index = {record.id: record.life_cycle_state for record in self.records.values()}

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list" and call.fields is not None:
            view["life_cycle_state"] = self.index.get(record.id, record.life_cycle_state)
        return view

@mutant(5, "fields_set.default_all response.unset_fields.null list.agrees_with_show",
    step("do_show"))
def show_omits_identifier_field(base, call):
    """show leaves out the field by which the record was named, as the caller knows it."""
    view = base(call)
    if call.fields is None:
        del view[call.identifier[0]]
    return view

@mutant(5,
    "fields_set.selects fields_set.names",
    step("trimmed"))
def lazy_rule_with_fields(base, record, call):
    """A rule is read together with the definition; without that in fields_set reading it fails."""
    wanted = call.fields or ()
    if "workflow_rule" in wanted and "webhook_definition" not in wanted:
        raise Refusal("bad_field", "could not initialize proxy - no session")
    return base(record, call)
