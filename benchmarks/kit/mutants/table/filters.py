"""Mutants that are wrong about what one filter of list selects."""

# Each row stays together, as in a table.
# fmt: off

import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from urllib.parse import unquote, urlsplit

from sound_server.reading import OPTIONAL, SEMI_OPTIONAL
from sound_server.world import FIRST_DAY, REJECTED, SUCCESSFUL, entities_of

from mutants.records import filters_by, lists
from mutants.requests import reads_as, reads_filter, refuses
from mutants.steps import counted, first, instead, keeps_list, mutant, row, step, then

DEFINITIONS, RULES = SEMI_OPTIONAL[:2]

def semi_optional(call):
    """Return which of the four filters are given that can stand alone."""
    return {*SEMI_OPTIONAL} & {*call.filters}

def at_first(record):
    """Return the state that a record had before it was sent again."""
    return REJECTED if record.sends > 1 else record.life_cycle_state

def is_within(moment, span):
    """Return whether a moment is in a span."""
    return span[0] <= moment and (span[1] is None or moment < span[1])

for _name in (DEFINITIONS, RULES, "entity_id", *OPTIONAL):
    row(6, f"list_ignores_{_name}", f"list.{_name}.filter",
        f"list returns the same with {_name} as without.", filters_by(_name, lambda: True))

for _set, _name, _ignored, _beside, _release in (
    (6, "state_is_ignored_beside_a_date", "life_cycle_state", "created_date", "R9"),
    (1, "state_ignored_beside_fields", "life_cycle_state", "fields_set", "R9"),
    (1, "state_ignored_beside_offset", "life_cycle_state", "offset", "R13"),
    (1, "created_date_ignored_beside_state", "created_date", "life_cycle_state", "R9"),
    (1, "entity_ignored_beside_entity_id", "entity", "entity_id", "R9"),
    (1, "url_ignored_beside_definition", "url", DEFINITIONS, "R9"),
    (1, "rule_ignored_beside_definition", RULES, DEFINITIONS, "R9"),
):
    row(_set, _name, f"list.{_ignored}.filter",
        f"{_ignored} counts for nothing where {_beside} is given.",
        filters_by(_ignored, lambda base, call, beside=_beside:
            beside in call.parameters or base()), release=_release)

# life_cycle_state.

row(1, "state_index_stale_after_resend", "list.life_cycle_state.filter",
    "list filters by the state that a record had when it was created.",
    filters_by("life_cycle_state", lambda record, value: at_first(record) in value))
row(3, "resent_in_both_states", "list.life_cycle_state.filter",
    "A resend adds a record to the index of its new state, and leaves it in that of the old.",
    filters_by("life_cycle_state", lambda base, record: record.sends > 1 or base()))
row(5, "resent_in_neither_state", "list.life_cycle_state.filter list.several_results",
    "A resend takes a record out of the index of its state, and never puts it into another.",
    filters_by("life_cycle_state", lambda base, record: record.sends == 1 and base()))
row(6, "list_swaps_life_cycle_state", "list.life_cycle_state.filter",
    "list returns those in the other state than is asked for.",
    filters_by("life_cycle_state", lambda base: not base()))
row(3, "state_inverted_beside_rule", "list.life_cycle_state.filter",
    "The query for a rule has the wrong sign before the state.",
    filters_by("life_cycle_state", lambda base, call: base() != (RULES in call.filters)))
row(4, "state_of_definition_filtered", "list.life_cycle_state.filter list.several_results",
    "Beside a definition the state is compared with that of the definition, its namesake.",
    filters_by("life_cycle_state", lambda base, call: DEFINITIONS not in call.filters and base()))
row(5, "state_of_thing_filtered", "list.life_cycle_state.filter list.several_results",
    "Beside an entity_id the state is that of the newest record of the thing.",
    filters_by("life_cycle_state", lambda server, base, record, call: base(next(
        each for each in reversed(server.records.values())
        if each is record or each.entity_id == record.entity_id))
        if "entity_id" in call.filters else base()))
row(1, "state_read_from_error_text", "list.life_cycle_state.filter",
    "A record without an error_description counts as SUCCESSFUL for the filter.",
    filters_by("life_cycle_state", lambda record, value:
        (record.error_description is None) == (SUCCESSFUL in value)), error_texts="some_null")
row(4, "delete_restores_state_index", "list.life_cycle_state.filter delete.single_result",
    "A deletion makes the index by state anew, from a copy that knows of no resend.",
    filters_by("life_cycle_state", lambda server, base, record, value, kept:
        at_first(record) in value if server.deleted and record.id not in kept else base())
    | then("send_again", lambda record, kept: kept.update({record.id: "sent again"}))
    | then("remove", lambda kept: kept.clear()))

@mutant(1, "list.life_cycle_state.filter", instead("select"))
def empty_list_without_state(base, made, call):
    """Where nothing has the state, list returns what has the other."""
    call.filters.pop("life_cycle_state", None)
    return made or base(call)

@mutant(1, "list.life_cycle_state.filter", first("select"))
def every_fifth_list_without_state(call, kept):
    """One of the servers behind the balancer does not know the state."""
    if "life_cycle_state" in call.filters and counted(kept) % 5 == 0:
        del call.filters["life_cycle_state"]

@mutant(6, "list.life_cycle_state.filter", lists,
    then("send_again", lambda record, kept: kept.update(late=record.id, lists=0)))
def successes_are_listed_late(records, call, kept):
    """The next two lists of SUCCESSFUL webhook requests lack the one that was sent again last."""
    if SUCCESSFUL not in call.filters.get("life_cycle_state", ()) or counted(kept, "lists") > 2:
        return records
    return [record for record in records if record.id != kept.get("late")]

@mutant(5, "list.life_cycle_state.filter delete.single_result",
    partial(filters_by, "life_cycle_state"),
    step("set_up", lambda server, kept: kept.update(
        rows=[*server.records],
        states=[record.life_cycle_state for record in server.records.values()]))
    | then("remove", lambda record, kept: record.id in kept["rows"]
        and kept["rows"].remove(record.id))
    | then("send_again", lambda record, kept: record.id in kept["rows"]
        and kept["states"].__setitem__(kept["rows"].index(record.id), record.life_cycle_state)))
def states_shift_after_delete(base, record, value, kept):
    """States are kept by position; a deletion moves the rows up, and not their states."""
    if record.id not in kept["rows"]:
        return base()
    return kept["states"][kept["rows"].index(record.id)] in value

@mutant(2, "list.life_cycle_state.filter", step("selected"))
def state_and_or_entity_id(server, base, record, call):
    """Beside a state the condition is: everything else, or the entity_id."""
    if not {"entity_id", "life_cycle_state"} <= set(call.filters):
        return base(record, call)
    others = replace(call, filters={**call.filters})
    del others.filters["entity_id"]
    return base(record, others) or server.matches(record, "entity_id", call)

# created_date.

row(1, "last_second_of_day_missing", "list.created_date.filter",
    "The day ends at 23:59:59, exclusive.",
    filters_by("created_date", lambda base, record:
        base() and record.created.strftime("%H%M%S") != "235959"))
row(1, "midnight_belongs_to_both_days", "list.created_date.filter",
    "The day ends at 24:00:00, inclusive.",
    filters_by("created_date", lambda base, record, value: record.created == value[1] or base()),
    created_date_meaning="day")
row(3, "midnight_belongs_to_no_day", "list.created_date.filter list.several_results",
    "A day begins after its first second.",
    filters_by("created_date", lambda base, record, value: record.created != value[0] and base()))
row(3, "day_ends_at_noon", "list.created_date.filter list.several_results",
    "The end of a day is formatted with an hour of one to twelve, and so is noon.",
    reads_filter("created_date", lambda value:
        (value[0], value[1] and min(value[1], value[0] + timedelta(hours=12)))))
row(4, "day_has_two_hours_more", "list.created_date.filter",
    "A day begins in the zone of the database, and ends in one two hours west of it.",
    reads_filter("created_date", lambda value: (value[0], value[1] + timedelta(hours=2))),
    created_date_meaning="day")
row(5, "day_of_rounded_minute", "list.created_date.filter",
    "The column of the filter is rounded to minutes, and 23:59:59 to the next day.",
    filters_by("created_date", lambda record, value:
        is_within((record.created + timedelta(seconds=30)).replace(second=0), value)),
    created_date_meaning="day")
row(5, "sunday_in_no_partition", "list.created_date.filter list.several_results",
    "A date selects a partition, one for each day from Monday to Saturday.",
    filters_by("created_date", lambda base, record: record.created.isoweekday() != 7 and base()),
    created_date_meaning="day")
row(2, "afternoon_read_as_morning", "list.created_date.filter",
    "The hour of created_date is read as one of twelve.",
    reads_filter("created_date", lambda value:
        [each and each - timedelta(hours=12 * (value[0].hour > 12)) for each in value]),
    created_date_meaning="exact")
row(3, "early_hours_not_found", "list.created_date.filter",
    "A moment is compared as text, in a column that writes 9 for the hour 09.",
    filters_by("created_date", lambda base, record: record.created.hour >= 10 and base()),
    created_date_meaning="exact")
row(4, "seconds_dropped_from_moment", "list.created_date.filter list.several_results",
    "The moment in created_date loses its seconds, and the column does not.",
    reads_filter("created_date", lambda value:
        (value[0].replace(second=0), value[0].replace(second=0) + timedelta(seconds=1))),
    created_date_meaning="exact")
row(3, "date_compared_by_month", "list.created_date.filter",
    "Of created_date and of the column only year and month are compared.",
    filters_by("created_date", lambda record, value:
        f"{record.created:%Y-%m}" == f"{value[0]:%Y-%m}"))
row(4, "date_beside_rule_is_moment", "list.created_date.filter list.several_results",
    "Beside a rule a day selects only what was created in its first second.",
    filters_by("created_date", lambda base, record, value, call:
        record.created == value[0] if RULES in call.filters else base()),
    created_date_meaning="day")
row(1, "created_date_is_updated_date", "list.created_date.filter",
    "created_date is compared with the date of the last change.",
    filters_by("created_date", lambda record, value: is_within(record.updated, value)))
row(3, "created_or_updated_on_day", "list.created_date.filter",
    "created_date selects the records that were changed then as well.",
    filters_by("created_date", lambda base, record, value:
        is_within(record.updated, value) or base()))
row(5, "delete_drops_day_from_index",
    "list.created_date.filter list.several_results delete.single_result",
    "A deletion drops its day from the index by date, and nobody makes that anew.",
    filters_by("created_date", lambda server, base, record: base() and record.created.date()
        not in [gone.created.date() for gone in server.deleted.values()]),
    created_date_meaning="day")

@mutant(4, "list.created_date.filter", instead("select"), created_date_meaning="day")
def empty_day_takes_day_before(base, made, call):
    """A day without a result yields the last day before it, as a sorted index does."""
    span = call.filters.pop("created_date", None)
    if made or span is None:
        return made
    earlier = [record for record in base(call) if record.created < span[0]]
    last = max((record.created.date() for record in earlier), default=None)
    return [record for record in earlier if record.created.date() == last]

# entity.

row(6, "entity_is_ignored_beside_others", "list.entity.filter",
    "entity makes no difference if another semi-optional parameter is given.",
    filters_by("entity", lambda base, call: len(semi_optional(call)) > 1 or base()))
row(6, "jobs_come_with_activities", "list.entity.filter",
    "list of the entity JOBS returns those of ACTIVITIES as well.",
    filters_by("entity", lambda base, record, value:
        base() or (value == ["JOBS"] and record.entity == "ACTIVITIES")))
row(5, "service_requests_are_activities", "list.entity.filter",
    "A query for fields of ACTIVITIES selects SERVICEREQUESTS, too, for they inherit from it.",
    filters_by("entity", lambda base, record, value, call: base() or (call.fields is not None
        and record.entity == "SERVICEREQUESTS" and "ACTIVITIES" in value)))
row(1, "entity_cut_to_six_letters", "list.entity.filter",
    "WALLETS finds WALLETTRANSACTIONS, for the column has six letters.",
    filters_by("entity", lambda record, value:
        record.entity[:6] in [each[:6] for each in value]), release="R15")
row(4, "resend_indexed_as_activity", "list.entity.filter list.several_results",
    "A record that was sent again is listed as one of ACTIVITIES, whatever entity it shows.",
    filters_by("entity", lambda base, record, value:
        "ACTIVITIES" in value if record.sends > 1 else base()))
row(2, "list_key_lacks_entity", "list.entity.filter",
    "Beside a date the entity is not in the key of the cache.",
    keeps_list(lambda call: repr((
        [(name, value) for name, value in call.filters.items()
        if name != "entity" or "created_date" not in call.filters],
        call.fields, call.skip, call.limit))))
row(3, "entity_of_rule_filtered", "list.entity.filter",
    "entity is looked for in the rule, which keeps that of the first record it triggered.",
    filters_by("entity", lambda base, record, value, kept:
        kept[record.rule.id] in value if record.rule else base())
    | step("set_up", lambda server, kept: [
        kept.setdefault(each.rule.id, each.entity) for each in server.records.values()]))

@mutant(2, "list.entity.filter", partial(filters_by, "entity"), release="R15")
def entities_shifted(server, record, value):
    """An entity was put in the middle: from REFUNDS on the filter takes the next one."""
    names = entities_of(server.release, server.choices)
    later = names[names.index("REFUNDS") :]
    taken = dict(zip(later, (*later[1:], ""), strict=True))
    return record.entity in [taken.get(entity, entity) for entity in value]

# entity_id.

row(1, "entity_id_is_prefix", "list.entity_id.filter",
    "entity_id selects all ids that begin so.",
    filters_by("entity_id", lambda record, value: record.entity_id.startswith(value[0])))
row(1, "entity_id_underscore_is_wildcard", "list.entity_id.filter",
    "entity_id is compared as LIKE of SQL does, with any letter for an underscore.",
    filters_by("entity_id", lambda record, value:
        re.fullmatch(re.escape(value[0]).replace("_", "."), record.entity_id)))
row(2, "entity_id_or_number", "list.entity_id.filter",
    "entity_id selects the record with that number, too.",
    filters_by("entity_id", lambda base, record, value: record.number in value or base()),
    number_form="digits")
row(4, "entity_id_or_user", "list.entity_id.filter",
    "entity_id selects the records, too, that the user with this id created.",
    filters_by("entity_id", lambda base, record, value:
        base() or (record.created_by and record.created_by.user["id"] in value)))
row(5, "one_letter_is_noise_word", "list.entity_id.filter",
    "The search engine drops an entity_id of one letter, as it does with all short words.",
    filters_by("entity_id", lambda base, value: len(value[0]) == 1 or base()))
row(3, "entity_id_of_first_entity", "list.entity_id.filter list.several_results",
    "An entity_id without entity finds the thing of one kind, and only its records.",
    lists(lambda records, call: [
        record for record in records if "entity_id" not in call.filters
        or "entity" in call.filters or record.entity == records[0].entity]))

# url.

row(6, "url_is_ignored_beside_three", "list.url.filter",
    "url makes no difference beside two semi-optional parameters or more.",
    filters_by("url", lambda base, call: len(semi_optional(call)) > 1 or base()))
row(1, "url_cut_at_query", "list.url.filter",
    "What follows a question mark in a URL is dropped from the filter.",
    reads_filter("url", lambda value: value.split("?")[0]))
row(1, "url_scheme_ignored", "list.url.filter",
    "http and https are the same to the filter.",
    filters_by("url", lambda record, value:
        record.url.split("://")[-1] == value.split("://")[-1]))
row(2, "url_compared_backwards", "list.url.filter",
    "url selects the records whose URLs it begins with.",
    filters_by("url", lambda record, value: value.startswith(record.url)))
row(3, "url_compared_by_host", "list.url.filter",
    "url selects all records that were sent to the same host.",
    filters_by("url", lambda record, value:
        urlsplit(record.url).netloc == urlsplit(value).netloc))
row(3, "url_gets_slash", "list.url.filter list.several_results",
    "A library puts the filter into normal form, with a slash at the end of the path.",
    filters_by("url", lambda base, value: (value.endswith("/") or "?" in value) and base()))
row(4, "url_loses_port", "list.url.filter list.several_results",
    "A URL is put together again from its host and path, without its port.",
    reads_filter("url", lambda value: re.sub(r":[0-9]+(?=/)", "", value)))
row(2, "url_of_definition_filtered", "list.url.filter",
    "url is compared with the URL that the definition has now.",
    filters_by("url", lambda record, value: record.definition.url == value))
row(5, "url_selects_definitions_that_used_it", "list.url.filter",
    "url finds definitions in the history of their URLs, and all records of those.",
    filters_by("url", lambda server, base, record: any(
        base(each) for each in server.records.values()
        if each.definition is record.definition)))

# Webhook definitions.

row(1, "definition_name_is_prefix", "list.webhook_definition_identifier.filter",
    "A definition's name selects all definitions whose names begin so.",
    filters_by(DEFINITIONS, lambda base, record, value:
        record.definition.name.startswith(value[0].name) if value else base()))
row(1, "unknown_definition_selects_all", "list.webhook_definition_identifier.filter",
    "An identifier of no definition is no filter.",
    filters_by(DEFINITIONS, lambda base, value: not value or base()), unknown_definition="empty")
row(2, "query_decoded_before_split", "list.webhook_definition_identifier.filter",
    "A query is decoded as a whole, then split and decoded again.",
    step("route", lambda base, request: base(replace(request, query=unquote(request.query)))))
row(3, "name_beyond_ascii_not_found",
    "list.webhook_definition_identifier.filter list.identifier.fields",
    "The driver of the database writes a question mark for a letter beyond ASCII.",
    reads_as(DEFINITIONS, lambda text: text.encode("ascii", "replace").decode()))
row(4, "old_definition_unknown", "list.webhook_definition_identifier.filter list.several_results",
    "A definition that is not effective any more is refused as unknown.",
    refuses("unknown_definition", lambda call:
        not all(each.effective for each in call.filters.get(DEFINITIONS, ()))))
row(5, "old_definition_counts_as_first", "list.webhook_definition_identifier.filter",
    "The first definition took over the records of the one that is not effective any more.",
    filters_by(DEFINITIONS, lambda server, base, record, value: base()
        or (not record.definition.effective and server.world.definitions[0] in value)))
row(5, "delete_removes_name_of_definition",
    "list.webhook_definition_identifier.filter list.identifier.fields list.several_results",
    "A deletion cascades to the name of the definition, which list does not know any more.",
    refuses("unknown_definition", lambda server, call:
        str(call.parameters.get(DEFINITIONS)).startswith("name=") and any(
            gone.definition in call.filters[DEFINITIONS] for gone in server.deleted.values()),
        "list"))

@mutant(2, "list.webhook_definition_identifier.filter", first("read_arguments"))
def definition_id_may_be_rule(server, call):
    """The id of a definition is looked for among the rules as well."""
    if str(call.parameters.get(DEFINITIONS)) in [f"id={rule.id}" for rule in server.world.rules]:
        call.parameters.setdefault(RULES, call.parameters.pop(DEFINITIONS))

@mutant(3, "list.webhook_definition_identifier.filter list.identifier.fields list.identifier.known",
    partial(reads_as, DEFINITIONS))
def definition_name_may_be_code(server, text):
    """A definition's name is looked for among the alternative codes as well."""
    name = str(text).removeprefix("name=")
    codes = [thing.alternative_code for thing in server.world.definitions]
    return f"alternative_code={name}" if name in codes else text

# Workflow rules.

row(3, "records_without_rule_in_every_rule", "list.workflow_rule_identifier.filter",
    "A list by rule has the records without a rule, too, from an outer join.",
    filters_by(RULES, lambda base, record: record.rule is None or base()), some_rules_null=True)
row(4, "rule_forgets_before_amendment", "list.workflow_rule_identifier.filter list.several_results",
    "A rule was amended on the fourth day, and the records of its older version are not listed.",
    filters_by(RULES, lambda base, record:
        record.created >= FIRST_DAY + timedelta(days=3) and base()))
row(1, "rule_name_cut_at_comma", "list.workflow_rule_identifier.filter",
    "A rule's name is taken for a list of names with commas between them.",
    filters_by(RULES, lambda base, record, value:
        record.rule.name == value[0].name.split(",")[0] if value and record.rule else base()))
row(3, "rule_name_lowered_once", "list.workflow_rule_identifier.filter list.identifier.fields",
    "The name of a rule is put into lower case, and the column is not.",
    reads_as(RULES, lambda text: text.lower() if text.startswith("name=") else text))
row(2, "rule_name_from_definition", "list.workflow_rule_identifier.filter",
    "A rule's name is compared with the name of the definition.",
    filters_by(RULES, lambda base, record, value, call:
        record.definition.name in [rule.name for rule in value]
        if call.parameters[RULES].startswith("name=") else base()))
row(5, "rule_code_found_through_definitions", "list.workflow_rule_identifier.filter",
    "A rule that is named by its code selects all records of the definitions that it used.",
    filters_by(RULES, lambda server, base, record, call: base() or (
        call.parameters[RULES].startswith("alternative_code=") and any(
            base(each) for each in server.records.values()
            if each.definition is record.definition))))

# Several filters.

row(3, "fourth_filter_dropped",
    "list.life_cycle_state.filter list.created_date.filter list.url.filter list.entity_id.filter",
    "There is room for three conditions, and what is behind them counts for nothing.",
    step("matches", lambda sound, name, call: name in [*call.filters][3:] or sound()))
row(4, "fields_trimmed_before_filter",
    "list.life_cycle_state.filter list.url.filter list.several_results",
    "Rows are filtered after fields_set: a state or URL that it does not name fits no row.",
    step("matches", lambda sound, name, call: sound() and (
        call.fields is None or name not in OPTIONAL[:2] or name in call.fields)))
row(2, "slash_drops_optional_filters", "list.life_cycle_state.filter",
    "With a slash behind the path url, life_cycle_state and created_date are not read.",
    step("matches", lambda sound, name, kept:
        (name in OPTIONAL and kept["slash"]) or sound())
    | first("route", lambda request, kept: kept.update(slash=request.path.endswith("/"))))

@mutant(5, "list.life_cycle_state.filter list.url.filter list.created_date.filter",
    instead("select"))
def continuation_forgets_optional_filters(base, made, call):
    """Rows come in blocks of five; from the second block on the optional filters are missing."""
    filters = {name: value for name, value in call.filters.items() if name not in OPTIONAL}
    if len(made) <= 5 or len(filters) == len(call.filters):
        return made
    everything = base(replace(call, filters=filters))
    return made[:5] + everything[everything.index(made[4]) + 1 :]
