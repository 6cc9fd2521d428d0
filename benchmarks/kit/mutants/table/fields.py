"""Mutants that are wrong about which fields fields_set selects, and what is shown without it."""

# Each row stays together, as in a table.
# fmt: off

from sound_server.reading import FIELDS

from mutants.requests import refuses
from mutants.responses import changes_view, with_data
from mutants.steps import first, instead, keeps_list, mutant, row, step, then

# The plainest ways, for each method.

def some_by_default(*names):
    """Return what shows only some fields without fields_set."""
    return lambda made, call: (
        made if call.fields is not None else {name: made[name] for name in names})

ALL_BUT_RULE = tuple(name for name in FIELDS if name != "workflow_rule")

for _method, _release in (("show", "R9"), ("list", "R9"), ("resend", "R10"), ("delete", "R10")):
    for _part, _name, _about, _override in (
        ("selects", "is_ignored", "returns every field whatever fields_set says.",
         step("trimmed", lambda server, record, call: server.view(record, call), _method)),
        ("selects", "loses_the_last", "leaves the last field of fields_set out.",
         step("wanted_fields", lambda names: names[:-1] or names, _method)),
        ("names", "wants_semicolons", "refuses commas in fields_set, and wants semicolons.",
         refuses("bad_field", lambda call: "," in str(call.parameters.get("fields_set")), _method)),
        ("names", "knows_no_error_code", "refuses error_code in fields_set.",
         refuses("bad_field", lambda call: "error_code" in (call.fields or ()), _method)),
        ("default_all", "leaves_out_the_rule", "leaves workflow_rule out without fields_set.",
         instead("trimmed", some_by_default(*ALL_BUT_RULE), _method)),
        ("default_all", "is_short_by_default", "returns six fields without fields_set.",
         instead("trimmed", some_by_default(*FIELDS[:6]), _method)),
    ):
        row(6, f"{_method}_fields_set_{_name}", f"fields_set.{_part}",
            f"{_method} {_about}", _override, release=_release)

# With fields_set.

row(1, "fourth_field_lost", "fields_set.selects",
    "fields_set is cut after three names.",
    step("wanted_fields", lambda names: names[:3]))
row(1, "list_adds_url", "fields_set.selects",
    "list returns url, too, where number is asked for.",
    step("wanted_fields", lambda names: [*names, "url"] if "number" in names else names, "list"))
row(3, "log_brings_all_fields", "fields_set.selects",
    "log_information in fields_set makes show fetch the whole record, and return it.",
    step("wanted_fields", lambda names:
        [*FIELDS] if "log_information" in names else names, "show"))
row(2, "fields_found_in_text", "fields_set.selects",
    "show returns each field whose name is somewhere in the text of fields_set.",
    step("wanted_fields", lambda names: [n for n in FIELDS if n in ",".join(names)], "show"))
row(5, "prefix_field_swallowed", "fields_set.selects",
    "A name that another name begins with is dropped as contained: entity beside entity_id.",
    step("wanted_fields", lambda names:
        [n for n in names if not any(o != n and o.startswith(n) for o in names)]))
row(2, "list_key_lacks_fields", "fields_set.selects",
    "fields_set is not in the key of the cache.",
    keeps_list(lambda call: repr((call.filters, call.skip, call.limit))))
row(2, "one_field_unwrapped", "fields_set.selects",
    "With one name in fields_set a list has bare values in place of records.",
    with_data(lambda call, data: [next(iter(view.values()), None) for view in data]
        if len(call.fields or ()) == 1 else data, "list"))

row(5, "log_flattened_with_fields", "fields_set.selects response.log_information",
    "The members of log_information are members of the record where fields_set names it.",
    instead("trimmed", lambda made, call:
        made if call.fields is None else made | made.pop("log_information", {})))
row(5, "lazy_rule_with_fields", "fields_set.selects fields_set.names",
    "A rule is read together with the definition; without that in fields_set reading it fails.",
    refuses("bad_field", lambda call: "workflow_rule" in (call.fields or ())
        and "webhook_definition" not in call.fields, before="trimmed"))

@mutant(1, "fields_set.selects", first("do_list"), release="R13")
def fields_ignored_on_later_pages(call):
    """fields_set counts on the first page only."""
    if call.skip:
        call.fields = None

@mutant(3, "fields_set.selects", instead("do_list"))
def last_row_has_all_fields(server, made, call):
    """The loop that drops the other fields ends one row early."""
    found = server.page(server.select(call), call)
    return [*made[:-1], *(server.view(record, call) for record in found[-1:])]

@mutant(3, "fields_set.selects list.agrees_with_show", instead("trimmed", method="list"))
def fields_named_in_asked_order(made):
    """list selects columns in their own order, and names them in that of fields_set."""
    columns = sorted(made, key=FIELDS.index)
    return dict(zip(made, [made[name] for name in columns], strict=True))

@mutant(4, "fields_set.selects list.agrees_with_show response.error_fields.null",
    instead("do_list"))
def columns_of_first_row(made, call):
    """With fields_set the columns are those that have a value in the first row."""
    if call.fields is None or not made:
        return made
    columns = [name for name, value in made[0].items() if value is not None]
    return [{name: view[name] for name in columns if name in view} for view in made]

@mutant(4,
    "fields_set.selects list.agrees_with_show response.webhook_definition "
    "response.webhook_definition.identifier_fields response.workflow_rule "
    "response.workflow_rule.identifier_fields response.log_information.dates",
    then("trimmed", method="list"))
def fields_prune_nested(made, call):
    """fields_set drops members of the objects inside a row as well, unless they have its names."""
    for name, value in made.items():
        if call.fields is not None and isinstance(value, dict):
            made[name] = {member: value[member] for member in value if member in call.fields}

@mutant(5, "fields_set.selects", step("wanted_fields"))
def fields_out_of_order_lost(names):
    """The names are merged with the columns, and one that comes before the last is lost."""
    kept, last = [], -1
    for name in names:
        position = FIELDS.index(name) if name in FIELDS else len(FIELDS)
        if position > last:
            kept.append(name)
            last = position
    return kept

# Without fields_set.

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

@mutant(1, "fields_set.default_all", then("read_arguments"))
def fields_stay_in_session(call, kept):
    """The fields_set of a list holds for the next show as well."""
    if call.method == "list":
        kept["fields"] = call.fields
    elif call.method == "show" and call.fields is None:
        call.fields = kept.get("fields")
