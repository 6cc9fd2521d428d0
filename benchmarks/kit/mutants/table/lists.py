"""Mutants that are wrong about which filters list takes together, what it returns, and pages."""

# Each row stays together, as in a table.
# fmt: off

from dataclasses import replace
from functools import partial
from itertools import groupby

from sound_server.reading import OPTIONAL, PAGING, SEMI_OPTIONAL
from sound_server.world import REJECTED, Record

from mutants.records import lists, omits, pages
from mutants.requests import asked, is_enough, lists_all, refuses
from mutants.responses import with_data
from mutants.steps import first, instead, keeps_list, mutant, rescues, row, step, then
from mutants.table.filters import DEFINITIONS, RULES, semi_optional


def serves(kind):
    """Go on where a parameter of list must be refused."""
    return rescues("read_arguments", lambda refusal: refusal.kind == kind)

# Which filters list needs, and takes together.

row(6, "entity_is_mandatory", "list.parameters.mandatory",
    "list without entity is refused.",
    refuses("missing_parameter", lambda call: "entity" not in call.filters, "list"))
row(6, "rule_needs_a_definition", "list.parameters.mandatory",
    "list by workflow rule is refused without webhook definition.",
    refuses("missing_parameter", lambda call: semi_optional(call) == {RULES}))
row(6, "list_needs_no_filter", "list.semi_optional.at_least_one",
    "list without any of its semi-optional parameters returns everything.",
    lists_all(lambda call: not {*SEMI_OPTIONAL} & {*call.parameters}))
row(1, "no_filter_gives_empty_list", "list.semi_optional.at_least_one",
    "list without any filter answers OK with nothing.",
    rescues("read_arguments", lambda call: not {*call.parameters} - {"token", "fields_set"}, "list")
    | step("do_list", lambda base, call: base(call) if call.filters else []))
row(6, "state_is_filter_enough", "list.semi_optional.at_least_one",
    "list with life_cycle_state alone is served.",
    is_enough("life_cycle_state"))
row(1, "url_alone_is_enough", "list.semi_optional.at_least_one",
    "list accepts a url without any of the four.",
    is_enough("url"))
row(1, "state_and_date_are_enough", "list.semi_optional.at_least_one",
    "list accepts a state together with a date, though neither alone.",
    is_enough("life_cycle_state", "created_date"))
row(3, "paging_alone_is_enough", "list.semi_optional.at_least_one",
    "list needs no filter where number_of_results is given.",
    is_enough("number_of_results"), release="R13")
row(3, "empty_entity_lists_all",
    "list.semi_optional.at_least_one list.entity.supported_values parameters.values",
    "An empty entity counts as given, and is no condition.",
    lists_all(lambda call: call.parameters.get("entity") == ""))
row(6, "one_filter_at_a_time", "list.semi_optional.several_allowed",
    "list with several of its semi-optional parameters is refused.",
    refuses("bad_parameter", lambda call: len(semi_optional(call)) > 1))
row(1, "definition_and_rule_refused", "list.semi_optional.several_allowed",
    "list refuses a definition and a rule together.",
    refuses("two_identifier_fields", lambda call: {DEFINITIONS, RULES} <= {*call.parameters}))
row(1, "three_filters_refused", "list.semi_optional.several_allowed",
    "list refuses more than two of the four.",
    refuses("bad_parameter", lambda call: len({*SEMI_OPTIONAL} & {*call.parameters}) > 2))
row(6, "entity_id_needs_state", "list.optional_parameters",
    "list by entity_id is refused without life_cycle_state.",
    refuses("missing_parameter", lambda call:
        semi_optional(call) == {"entity_id"} and "life_cycle_state" not in call.filters))
row(6, "fields_set_is_mandatory", "list.optional_parameters",
    "list without fields_set is refused.",
    refuses("missing_parameter", lambda call: call.fields is None, "list"))

@mutant(2, "list.optional_parameters", first("select"))
def state_kept_for_next_list(call, kept):
    """A state holds for the list after it as well."""
    before, kept["state"] = kept.get("state"), call.filters.get("life_cycle_state")
    if before and not kept["state"]:
        call.filters["life_cycle_state"] = before

@mutant(4,
    "list.semi_optional.several_allowed list.webhook_definition_identifier.filter "
    "list.several_results",
    first("read_arguments"))
def identifiers_share_variable(call):
    """A definition and a rule that are named by the same field get the value of the rule both."""
    texts = [str(call.parameters.get(name, "")).partition("=")[0] for name in SEMI_OPTIONAL[:2]]
    if texts[0] and texts[0] == texts[1]:
        call.parameters[DEFINITIONS] = call.parameters[RULES]

# Which values list takes.

for _entity, _statement, _release in (
    ("SUBSCRIPTIONS", "entities.r9", "R9"), ("ACTIVITIES", "entities.r9", "R9"),
    ("WALLETS", "entities.r15", "R15"), ("WRITEOFFS", "entities.r15", "R15"),
):
    row(6, f"knows_no_{_entity.lower()}", _statement, f"list of the entity {_entity} is refused.",
        refuses("bad_entity", lambda call, entity=_entity:
            entity in call.filters.get("entity", ())), release=_release)

row(1, "leads_not_supported", "entities.r14",
    "list refuses the entity LEADS.",
    refuses("bad_entity", lambda call: "LEADS" in call.filters.get("entity", ())), release="R14")
row(1, "write_offs_not_supported", "entities.r15",
    "list refuses the last entity of R15 in company of another filter.",
    refuses("bad_entity", lambda call:
        "WRITEOFFS" in call.filters.get("entity", ()) and len(call.filters) > 1), release="R15")
row(1, "unknown_entity_selects_all", "list.entity.supported_values",
    "An entity that is not supported is no filter.",
    serves("bad_entity"))
row(1, "unknown_state_selects_all", "list.life_cycle_state.supported_values",
    "A state that does not exist is no filter.",
    serves("bad_state"))
row(2, "rule_code_not_supported", "list.identifier.fields",
    "A rule's alternative_code is refused.",
    refuses("bad_parameter", lambda call:
        str(call.parameters.get(RULES)).startswith("alternative_code=")))
row(6, "alternative_code_is_no_field", "list.identifier.fields",
    "An identifier of list is refused with alternative_code.",
    refuses("bad_parameter", lambda call:
        any(text.startswith("alternative_code=") for text in call.written.values())))
row(6, "rules_have_no_name", "list.identifier.fields",
    "workflow_rule_identifier is refused with name.",
    refuses("bad_parameter", lambda call: call.written.get(RULES, "").startswith("name=")))
row(3, "entities_with_letter_i_refused",
    "list.entity.supported_values list.entity.filter entities.r9",
    "An entity is put into lower case in a Turkish locale, where that of I is not i.",
    refuses("bad_entity", lambda call: "i" in str(call.parameters.get("entity")).lower(),
        "list", before="read_arguments"))

# Which records list omits.

row(6, "list_returns_one", "list.several_results",
    "list returns the first webhook request alone.",
    lists(lambda records: records[:1]))
row(6, "list_loses_the_last", "list.several_results",
    "list leaves the last webhook request out if there are several filters.",
    lists(lambda records, call: records[:-1] if len(call.filters) > 1 else records))
row(1, "list_needs_rule", "list.several_results",
    "Records without a rule are in no list.",
    omits(lambda record: record.rule is None), some_rules_null=True)
row(1, "list_needs_updater", "list.several_results",
    "Records that no user has changed are in no list.",
    omits(lambda record: record.updated_by is None))
row(1, "list_needs_effective_definition", "list.several_results",
    "A list by entity omits records whose definition is not effective.",
    omits(lambda record, call:
        [*call.filters] == ["entity"] and not record.definition.effective))
row(4, "error_fields_drop_successful", "list.several_results fields_set.selects",
    "A field of an error in fields_set joins the errors, and rows without one are not listed.",
    omits(lambda record, call: record.error_code is None
        and {"error_code", "error_description"} & {*(call.fields or ())}))
row(4, "rule_and_state_ask_one_shard",
    "list.several_results list.life_cycle_state.filter list.workflow_rule_identifier.filter",
    "Only one of two databases is asked for a rule together with a state.",
    omits(lambda record, call:
        ord(record.id[-1]) % 2 and {RULES, "life_cycle_state"} <= {*call.filters}))
row(3, "newest_missing_by_entity", "list.several_results list.entity.filter",
    "The index by entity is one record behind.",
    omits(lambda server, record, call:
        "entity" in call.filters and record is next(reversed(server.records.values()))))
row(3, "eleventh_row_lost", "list.several_results",
    "Between two blocks of ten rows the cursor moves once too often.",
    instead("page", lambda made:
        [record for position, record in enumerate(made, 1) if position % 11]))
row(5, "empty_list_remembered", "list.several_results list.life_cycle_state.filter",
    "A list that was empty once is kept as empty, whatever is changed.",
    step("do_list", lambda base, call, kept: kept[asked(call)] if asked(call) in kept
        else base(call) or kept.setdefault(asked(call), [])))
row(2, "distinct_over_fields", "list.several_results",
    "With fields_set equal rows are returned once.",
    with_data(lambda call, data: data if call.fields is None
        else [*{repr(view): view for view in data}.values()], "list"))

@mutant(1, "list.several_results", lists)
def same_second_only_once(records, call):
    """Of the records of one second a list by rule has the first only."""
    if RULES not in call.filters:
        return records
    return list({record.created: record for record in reversed(records)}.values())[::-1]

@mutant(3, "list.several_results", lists)
def only_newest_per_thing(records, call):
    """A list by definition has the newest record of each thing only."""
    by_age = sorted(records, key=lambda record: record.created)
    newest = {record.entity_id: record for record in by_age}
    return [record for record in records
            if DEFINITIONS not in call.filters or newest[record.entity_id] is record]

@mutant(2, "list.several_results", lists)
def rejected_listed_once(records, call, kept):
    """A list of rejected records has only those that no such list had before."""
    if REJECTED in call.filters.get("life_cycle_state", ()):
        records = [record for record in records if record.id not in kept]
        kept.update((record.id, "listed") for record in records)
    return records

@mutant(2, "list.several_results", step("do_list"),
    first("refusal", lambda request, kept: kept.update(broken="/list" in request.path)))
def empty_after_refused_list(base, call, kept):
    """After a list that was refused the connection returns no row for one more list."""
    return [] if kept.pop("broken", False) else base(call)

# Which records list has twice.

row(6, "list_doubles_the_first", "list.no_duplicates",
    "list returns its first webhook request twice.",
    lists(lambda records: records[:1] + records))
row(6, "list_doubles_beside_filters", "list.no_duplicates",
    "list returns each webhook request once for each semi-optional parameter.",
    lists(lambda records, call: records * len(semi_optional(call))))

# number_of_results, which R13 has first.

paging_row, paging_mutant = partial(row, release="R13"), partial(mutant, release="R13")

paging_row(6, "number_of_results_is_ignored", "list.paging.number_of_results",
    "list returns all whatever number_of_results says.",
    pages(limit=lambda: None))
paging_row(6, "one_result_too_many", "list.paging.number_of_results",
    "list returns one webhook request more than number_of_results says.",
    pages(limit=lambda call: call.limit and call.limit + 1))
paging_row(1, "one_too_many_on_later_pages", "list.paging.number_of_results",
    "Pages after the first have one record too many.",
    pages(limit=lambda call: call.limit + 1 if call.skip and call.limit else call.limit))
paging_row(6, "two_are_the_least", "list.paging.number_of_results",
    "list returns two webhook requests if number_of_results is 1.",
    pages(limit=lambda call: 2 if call.limit == 1 else call.limit))
paging_row(3, "limit_of_one_means_all", "list.paging.number_of_results",
    "number_of_results of 1 is what the framework has for not given.",
    pages(limit=lambda call: None if call.limit == 1 else call.limit))
paging_row(2, "limit_above_ten_ignored", "list.paging.number_of_results",
    "number_of_results counts for nothing above 10.",
    pages(limit=lambda call: None if call.limit is not None and call.limit > 10 else call.limit))
paging_row(1, "limit_ignored_beside_state", "list.paging.number_of_results",
    "number_of_results counts for nothing where a state is given.",
    instead("page", lambda made, records, call:
        records if "life_cycle_state" in call.filters else made))
paging_row(2, "paging_ignored_with_fields", "list.paging.number_of_results",
    "Paging counts for nothing where fields_set is given.",
    instead("page", lambda made, records, call: made if call.fields is None else records))
paging_row(2, "paging_only_after_r13", "list.paging.number_of_results",
    "The release is compared with a sign that excludes R13 itself.",
    instead("page", lambda server, made, records: made if server.key > (13, 0) else records))
paging_row(3, "limit_is_end_index",
    "list.paging.number_of_results list.paging.offset list.several_results",
    "number_of_results is the index of the last row rather than a count.",
    step("page", lambda records, call: records[call.skip:call.limit]))
paging_row(5, "limit_of_first_page_kept", "list.paging.number_of_results list.several_results",
    "The query of a session is prepared with the number_of_results that came first.",
    pages(limit=lambda call, kept: None if call.limit is None
        else kept.setdefault(call.parameters.get("token"), call.limit)))
paging_row(5, "page_ends_with_total",
    "list.paging.number_of_results list.several_results fields_set.default_all response.id",
    "The last element of a page is no record but an object with the number of all results.",
    with_data(lambda server, call, data: data if call.limit is None
        else [*data, {"total": str(len(server.select(call)))}], "list"))
paging_row(2, "page_padded_with_null", "list.paging.number_of_results",
    "A page that is not full is filled up with null.",
    with_data(lambda call, data: data and data + [None] * (min(call.limit or 0, 100) - len(data)),
        "list"))

@paging_mutant(2, "list.paging.number_of_results", step("page"))
def limit_for_each_state(records, call):
    """number_of_results counts for each state by itself."""
    page, counts = list[Record](), dict[str, int]()
    for record in records[call.skip :]:
        counts[record.life_cycle_state] = counts.get(record.life_cycle_state, 0) + 1
        if call.limit is None or counts[record.life_cycle_state] <= call.limit:
            page.append(record)
    return page

@paging_mutant(4, "list.paging.number_of_results", then("page"))
def page_with_ties(made, records, call):
    """A page goes on with all records that were created on the day of its last one."""
    for record in records[call.skip + call.limit :] if call.limit and made else ():
        if record.created.date() != made[-1].created.date():
            break
        made.append(record)

# offset.

paging_row(6, "offset_is_ignored", "list.paging.offset",
    "list skips none whatever offset says.",
    pages(skip=lambda: 0))
paging_row(1, "offset_one_too_few", "list.paging.offset",
    "From the second page on one record too few is skipped.",
    pages(skip=lambda call: max(0, call.skip - 1)))
paging_row(4, "zero_offset_refused", "list.paging.offset list.paging.numbers",
    "An offset must be greater than zero.",
    refuses("bad_paging", lambda call: call.parameters.get("offset") == "0", "list"))
paging_row(1, "offset_needs_limit", "list.paging.offset",
    "offset counts for nothing without number_of_results.",
    instead("page", lambda made, records, call: records if call.limit is None else made))
paging_row(1, "offset_counts_pages", "list.paging.offset",
    "offset is taken for a number of pages.",
    pages(skip=lambda call: call.skip * (call.limit or 1)))
paging_row(5, "offset_rounded_to_page", "list.paging.offset list.several_results",
    "The server counts pages: an offset is rounded down to the beginning of one.",
    pages(skip=lambda call: call.skip - (call.skip % call.limit if call.limit else 0)))
paging_row(5, "offset_taken_off_the_end", "list.paging.offset list.several_results",
    "offset drops its number of records at the end.",
    step("page", lambda base, records, call:
        base(records[:max(0, len(records) - call.skip)], replace(call, skip=0))))
paging_row(1, "offset_at_end_repeats_last", "list.paging.offset",
    "An offset that skips exactly all returns the last record.",
    instead("page", lambda made, records, call:
        records[-1:] if call.skip == len(records) else made))
paging_row(6, "past_the_end_comes_the_last_page", "list.paging.offset",
    "list returns its last webhook request again if offset is past the end.",
    instead("page", lambda made, records: made or records[-1:]))
paging_row(1, "offset_beyond_end_starts_over", "list.paging.offset",
    "An offset beyond the end returns the first page.",
    pages(skip=lambda records, call: 0 if call.skip > len(records) else call.skip))
paging_row(3, "offset_compared_as_text", "list.paging.offset list.several_results",
    "Whether an offset is beyond the end is found by comparing two texts.",
    instead("page", lambda made, records, call:
        [] if str(call.skip) > str(len(records)) else made))
paging_row(2, "last_page_filled_up", "list.paging.offset",
    "The last page begins earlier, so that it is full.",
    pages(skip=lambda records, call: call.skip if call.limit is None or call.skip >= len(records)
        else max(0, min(call.skip, len(records) - call.limit))))
paging_row(1, "later_pages_in_other_order", "list.paging.offset",
    "Pages after the first are cut from the records in reverse order.",
    lists(lambda records, call: records[::-1] if call.skip else records))
paging_row(4, "offset_applied_twice", "list.paging.offset list.several_results",
    "Beside an optional filter the database skips the first rows, and so does the code.",
    lists(lambda records, call: records[call.skip * bool({*OPTIONAL} & {*call.filters}) :]))
paging_row(2, "list_key_lacks_offset", "list.paging.offset",
    "offset is not in the key of the cache.",
    keeps_list(lambda call: repr((call.filters, call.fields, call.limit))))
paging_row(1, "last_page_only_if_full", "list.several_results",
    "A last page that is not full is empty.",
    instead("page", lambda made, call:
        [] if call.skip and call.limit and len(made) < call.limit else made))
paging_row(3, "last_record_on_no_page", "list.several_results list.paging.offset",
    "The page that reaches the end is one record short.",
    instead("page", lambda made, records, call: made[:-1]
        if call.limit is not None and call.skip + call.limit >= len(records) else made))

@paging_mutant(1, "list.paging.offset", first("select"), instead("page", lambda made, kept: [
    record for record in made
    if not kept["state"] or record.life_cycle_state in kept["state"]]))
def paged_before_state_filter(call, kept):
    """The page is cut from all states, and then the state is filtered."""
    kept["state"] = call.filters.pop("life_cycle_state", None)

@paging_mutant(2, "list.paging.offset", lists, order="number")
def ties_in_other_order(records, call):
    """Records of one second change places on every other page."""
    if not call.limit or call.skip // call.limit % 2 == 0:
        return records
    groups = groupby(records, key=lambda record: record.created)
    return [record for _, group in groups for record in [*group][::-1]]

@paging_mutant(2, "list.paging.offset", then("read_arguments", method="list"))
def paging_bound_in_order(call):
    """The two numbers of paging are bound in the order in which they are written."""
    order = [name for name in call.written if name in PAGING]
    if order == [*PAGING] and call.limit is not None:
        call.limit, call.skip = call.skip, call.limit

@paging_mutant(3, "list.paging.offset list.paging.number_of_results list.no_duplicates",
    step("page"))
def page_counts_joined_rows(base, records, call):
    """Pages are cut from a join, which has a rejected record once for each of its two errors."""
    joined = [record for record in records for _ in range(1 + (record.error_code is not None))]
    return [*{record.id: record for record in base(joined, call)}.values()]

@paging_mutant(3, "list.paging.offset list.no_duplicates delete.gone", step("page"))
def offset_counts_deleted(server, base, records, call):
    """offset skips rows of the table, deleted ones among them."""
    gone = [record for record in server.deleted.values() if server.selected(record, call)]
    rows = sorted([*records, *gone], key=lambda record: record.created)
    if not call.skip or not gone:
        return base(records, call)
    return [record for record in rows[call.skip :] if record not in gone][: call.limit]

@paging_mutant(4, "list.paging.offset list.several_results", step("page"))
def offset_from_last_page(base, records, call, kept):
    """offset moves on from where the last page of the same token ended."""
    token = call.parameters.get("token")
    start = call.skip + kept.get(token, 0) if call.skip else 0
    page = base(records, replace(call, skip=start))
    kept[token] = start + len(page) if call.limit is not None else 0
    return page

@paging_mutant(4, "list.paging.offset list.several_results list.no_duplicates",
    step("page"))
def skipped_and_returned_in_two_orders(records, call):
    """Skipped are the first rows, and of what is left those with the lowest ids are returned."""
    rest = records[call.skip :]
    if call.limit is None:
        return rest
    return sorted(rest, key=lambda record: record.id)[: call.limit]
