"""Mutants that are wrong about which records list returns."""

# Each row stays together, as in a table.
# fmt: off

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import groupby

from sound_server.reading import SEMI_OPTIONAL
from sound_server.world import SUCCESSFUL

from mutants.combinators import (
    asked,
    filters_by,
    is_enough,
    lists,
    lists_all,
    omits,
    reads_as,
    refuses,
    with_data,
)
from mutants.steps import counted, first, instead, mutant, rescues, row, step, then

DEFINITIONS, RULES = SEMI_OPTIONAL[:2]

def semi_optional(call):
    """Return which of the four filters are given that can stand alone."""
    return {*SEMI_OPTIONAL} & {*call.filters}

def is_within(moment, span):
    """Return whether a moment is in a span."""
    return span[0] <= moment and (span[1] is None or moment < span[1])

for _name, _ignored, _beside in (
    ("state_ignored_beside_fields", "life_cycle_state", "fields_set"),
    ("url_ignored_beside_definition", "url", DEFINITIONS),
    ("rule_ignored_beside_definition", RULES, DEFINITIONS),
):
    row(_name, f"list.{_ignored}.filter", f"{_ignored} counts for nothing beside {_beside}.",
        filters_by(_ignored, lambda base, call, beside=_beside:
            beside in call.parameters or base()))

row("state_inverted_beside_rule", "list.life_cycle_state.filter",
    "The query for a rule has the wrong sign before the state.",
    filters_by("life_cycle_state", lambda base, call: base() != (RULES in call.filters)))

@mutant("list.life_cycle_state.filter", first("select"))
def every_fifth_list_without_state(call, kept):
    """One of the servers behind the balancer does not know the state."""
    if "life_cycle_state" in call.filters and counted(kept) % 5 == 0:
        del call.filters["life_cycle_state"]

@mutant("list.life_cycle_state.filter", lists,
    then("send_again", lambda record, kept: kept.update(late=record.id, lists=0)))
def successes_are_listed_late(records, call, kept):
    """The next two lists of SUCCESSFUL webhook requests lack the one that was sent again last."""
    if SUCCESSFUL not in call.filters.get("life_cycle_state", ()) or counted(kept, "lists") > 2:
        return records
    return [record for record in records if record.id != kept.get("late")]

@mutant("list.life_cycle_state.filter", step("selected"))
def state_and_or_entity_id(server, base, record, call):
    """Beside a state the condition is: everything else, or the entity_id."""
    if not {"entity_id", "life_cycle_state"} <= set(call.filters):
        return base(record, call)
    others = replace(call, filters={**call.filters})
    del others.filters["entity_id"]
    return base(record, others) or server.matches(record, "entity_id", call)

# created_date.

row("last_second_of_day_missing", "list.created_date.filter",
    "The day ends at 23:59:59, exclusive.",
    filters_by("created_date", lambda base, record:
        base() and record.created.strftime("%H%M%S") != "235959"))
row("midnight_belongs_to_both_days", "list.created_date.filter",
    "The day ends at 24:00:00, inclusive.",
    filters_by("created_date", lambda base, record, value: record.created == value[1] or base()),
    created_date_meaning="day")
row("day_of_rounded_minute", "list.created_date.filter",
    "The column of the filter is rounded to minutes, and 23:59:59 to the next day.",
    filters_by("created_date", lambda record, value:
        is_within((record.created + timedelta(seconds=30)).replace(second=0), value)),
    created_date_meaning="day")
row("sunday_in_no_partition", "list.created_date.filter list.several_results",
    "A date selects a partition, one for each day from Monday to Saturday.",
    filters_by("created_date", lambda base, record: record.created.isoweekday() != 7 and base()),
    created_date_meaning="day")
row("afternoon_read_as_morning", "list.created_date.filter",
    "The hour of created_date is read as one of twelve.",
    filters_by("created_date", lambda record, value: record.created
        == value[0] - timedelta(hours=12 * (value[0].hour > 12))),
    created_date_meaning="exact")
row("created_date_is_updated_date", "list.created_date.filter",
    "created_date is compared with the date of the last change.",
    filters_by("created_date", lambda record, value: is_within(record.updated, value)))
row("delete_drops_day_from_index",
    "list.created_date.filter list.several_results delete.single_result",
    "A deletion drops its day from the index by date, and nobody makes that anew.",
    filters_by("created_date", lambda server, base, record: base() and record.created.date()
        not in [gone.created.date() for gone in server.deleted.values()]),
    created_date_meaning="day")
row("entity_is_ignored_beside_others", "list.entity.filter",
    "entity makes no difference if another semi-optional parameter is given.",
    filters_by("entity", lambda base, call: len(semi_optional(call)) > 1 or base()))
row("entity_id_or_number", "list.entity_id.filter",
    "entity_id selects the record with that number, too.",
    filters_by("entity_id", lambda base, record, value: record.number in value or base()),
    number_form="digits")
row("entity_id_of_first_entity", "list.entity_id.filter list.several_results",
    "An entity_id without entity finds the thing of one kind, and only its records.",
    lists(lambda records, call: [
        record for record in records if "entity_id" not in call.filters
        or "entity" in call.filters or record.entity == records[0].entity]))
row("url_is_ignored_beside_three", "list.url.filter",
    "url makes no difference beside two semi-optional parameters or more.",
    filters_by("url", lambda base, call: len(semi_optional(call)) > 1 or base()))
row("url_of_definition_filtered", "list.url.filter",
    "url is compared with the URL that the definition has now.",
    filters_by("url", lambda record, value: record.definition.url == value))
row("delete_removes_name_of_definition",
    "list.webhook_definition_identifier.filter list.identifier.fields list.several_results",
    "A deletion cascades to the name of the definition, which list does not know any more.",
    refuses("unknown_definition", lambda server, call:
        str(call.parameters.get(DEFINITIONS)).startswith("name=") and any(
            gone.definition in call.filters[DEFINITIONS] for gone in server.deleted.values()),
        "list"))
row("rule_name_lowered_once", "list.workflow_rule_identifier.filter list.identifier.fields",
    "The name of a rule is put into lower case, and the column is not.",
    reads_as(RULES, lambda text: text.lower() if text.startswith("name=") else text))

def serves(kind):
    """Go on where a parameter of list must be refused."""
    return rescues("read_arguments", lambda refusal: refusal.kind == kind)

# Which filters list needs, and takes together.

row("entity_is_mandatory", "list.parameters.mandatory",
    "list without entity is refused.",
    refuses("missing_parameter", lambda call: "entity" not in call.filters, "list"))
row("rule_needs_a_definition", "list.parameters.mandatory",
    "list by workflow rule is refused without webhook definition.",
    refuses("missing_parameter", lambda call: semi_optional(call) == {RULES}))
row("state_and_date_are_enough", "list.semi_optional.at_least_one",
    "list accepts a state together with a date, though neither alone.",
    is_enough("life_cycle_state", "created_date"))
row("paging_alone_is_enough", "list.semi_optional.at_least_one",
    "list needs no filter where number_of_results is given.",
    is_enough("number_of_results"), release="R13")
row("empty_entity_lists_all",
    "list.semi_optional.at_least_one list.entity.supported_values parameters.values",
    "An empty entity counts as given, and is no condition.",
    lists_all(lambda call: call.parameters.get("entity") == ""))
row("one_filter_at_a_time", "list.semi_optional.several_allowed",
    "list with several of its semi-optional parameters is refused.",
    refuses("bad_parameter", lambda call: len(semi_optional(call)) > 1))
row("entity_id_needs_state", "list.optional_parameters",
    "list by entity_id is refused without life_cycle_state.",
    refuses("missing_parameter", lambda call:
        semi_optional(call) == {"entity_id"} and "life_cycle_state" not in call.filters))
row("fields_set_is_mandatory", "list.optional_parameters",
    "list without fields_set is refused.",
    refuses("missing_parameter", lambda call: call.fields is None, "list"))

@mutant("list.optional_parameters", first("select"))
def state_kept_for_next_list(call, kept):
    """A state holds for the list after it as well."""
    before, kept["state"] = kept.get("state"), call.filters.get("life_cycle_state")
    if before and not kept["state"]:
        call.filters["life_cycle_state"] = before

# Which values list takes.

row("knows_no_subscriptions", "entities.r9",
    "list of the entity SUBSCRIPTIONS is refused.",
    refuses("bad_entity", lambda call: "SUBSCRIPTIONS" in call.filters.get("entity", ())))
row("leads_not_supported", "entities.r14",
    "list refuses the entity LEADS.",
    refuses("bad_entity", lambda call: "LEADS" in call.filters.get("entity", ())), release="R14")
row("write_offs_not_supported", "entities.r15",
    "list refuses the last entity of R15 in company of another filter.",
    refuses("bad_entity", lambda call:
        "WRITEOFFS" in call.filters.get("entity", ()) and len(call.filters) > 1), release="R15")
row("unknown_entity_selects_all", "list.entity.supported_values",
    "An entity that is not supported is no filter.",
    serves("bad_entity"))
row("unknown_state_selects_all", "list.life_cycle_state.supported_values",
    "A state that does not exist is no filter.",
    serves("bad_state"))
row("rule_code_not_supported", "list.identifier.fields",
    "A rule's alternative_code is refused.",
    refuses("bad_parameter", lambda call:
        str(call.parameters.get(RULES)).startswith("alternative_code=")))
row("alternative_code_is_no_field", "list.identifier.fields",
    "An identifier of list is refused with alternative_code.",
    refuses("bad_parameter", lambda call:
        any(text.startswith("alternative_code=") for text in call.written.values())))
row("rules_have_no_name", "list.identifier.fields",
    "workflow_rule_identifier is refused with name.",
    refuses("bad_parameter", lambda call: call.written.get(RULES, "").startswith("name=")))

# Which records list omits.

row("list_needs_rule", "list.several_results",
    "Records without a rule are in no list.",
    omits(lambda record: record.rule is None), some_rules_null=True)
row("list_needs_effective_definition", "list.several_results",
    "A list by entity omits records whose definition is not effective.",
    omits(lambda record, call:
        [*call.filters] == ["entity"] and not record.definition.effective))
row("eleventh_row_lost", "list.several_results",
    "Between two blocks of ten rows the cursor moves once too often.",
    instead("page", lambda made:
        [record for position, record in enumerate(made, 1) if position % 11]))
row("empty_list_remembered", "list.several_results list.life_cycle_state.filter",
    "A list that was empty once is kept as empty, whatever is changed.",
    step("do_list", lambda base, call, kept: kept[asked(call)] if asked(call) in kept
        else base(call) or kept.setdefault(asked(call), [])))

@mutant("list.several_results", lists)
def same_second_only_once(records, call):
    """Of the records of one second a list by rule has the first only."""
    if RULES not in call.filters:
        return records
    return list({record.created: record for record in reversed(records)}.values())[::-1]

@mutant("list.several_results", lists)
def only_newest_per_thing(records, call):
    """A list by definition has the newest record of each thing only."""
    by_age = sorted(records, key=lambda record: record.created)
    newest = {record.entity_id: record for record in by_age}
    return [record for record in records
            if DEFINITIONS not in call.filters or newest[record.entity_id] is record]

row("list_doubles_the_first", "list.no_duplicates",
    "list returns its first webhook request twice.",
    lists(lambda records: records[:1] + records))

paging_row, paging_mutant = partial(row, release="R13"), partial(mutant, release="R13")

paging_row("page_padded_with_null", "list.paging.number_of_results",
    "A page that is not full is filled up with null.",
    with_data(lambda call, data: data and data + [None] * (min(call.limit or 0, 100) - len(data)),
        "list"))

# offset.

paging_row("offset_at_end_repeats_last", "list.paging.offset",
    "An offset that skips exactly all returns the last record.",
    instead("page", lambda made, records, call:
        records[-1:] if call.skip == len(records) else made))
paging_row("past_the_end_comes_the_last_page", "list.paging.offset",
    "list returns its last webhook request again if offset is past the end.",
    instead("page", lambda made, records: made or records[-1:]))
paging_row("last_page_only_if_full", "list.several_results",
    "A last page that is not full is empty.",
    instead("page", lambda made, call:
        [] if call.skip and call.limit and len(made) < call.limit else made))

@paging_mutant("list.paging.offset", lists, order="number")
def ties_in_other_order(records, call):
    """Records of one second change places on every other page."""
    if not call.limit or call.skip // call.limit % 2 == 0:
        return records
    groups = groupby(records, key=lambda record: record.created)
    return [record for _, group in groups for record in [*group][::-1]]

@paging_mutant("list.paging.offset list.no_duplicates delete.gone", step("page"))
def offset_counts_deleted(server, base, records, call):
    """offset skips rows of the table, deleted ones among them."""
    gone = [record for record in server.deleted.values() if server.selected(record, call)]
    rows = sorted([*records, *gone], key=lambda record: record.created)
    if not call.skip or not gone:
        return base(records, call)
    return [record for record in rows[call.skip :] if record not in gone][: call.limit]

@paging_mutant("list.paging.offset list.several_results", step("page"))
def offset_from_last_page(base, records, call, kept):
    """offset moves on from where the last page of the same token ended."""
    token = call.parameters.get("token")
    start = call.skip + kept.get(token, 0) if call.skip else 0
    page = base(records, replace(call, skip=start))
    kept[token] = start + len(page) if call.limit is not None else 0
    return page
