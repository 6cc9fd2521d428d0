"""Mutants that are wrong about what one filter of list selects."""

# Each row stays together, as in a table.
# fmt: off

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from stand_in.reading import OPTIONAL, SEMI_OPTIONAL, Call, Refusal, Request
from stand_in.server import StandIn
from stand_in.world import FIRST_DAY, SUCCESSFUL, Record, entities_of

from mutants.combinators import filters_by, ignores, keeps_list, mutant, row, step

DEFINITIONS, RULES = SEMI_OPTIONAL[:2]

@mutant(1, "list.life_cycle_state.filter")
class StateIndexStaleAfterResend(StandIn):
    """list filters by the state that a record had when it was created."""

    def set_up(self) -> None:
        self.index = {record.id: record.life_cycle_state for record in self.records.values()}

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "life_cycle_state":
            state = self.index.setdefault(record.id, record.life_cycle_state)
            return state in call.filters[name]
        return super().matches(record, name, call)

row(1, "entity_ignored_beside_entity_id", "list.entity.filter",
    "entity counts for nothing where entity_id is given.",
    ignores("entity", beside="entity_id"))

row(1, "rule_ignored_beside_definition", "list.workflow_rule_identifier.filter",
    "The rule counts for nothing where a definition is given.",
    ignores(RULES, beside=DEFINITIONS))

row(1, "created_date_ignored_beside_state", "list.created_date.filter",
    "created_date counts for nothing where a state is given.",
    ignores("created_date", beside="life_cycle_state"))

row(1, "url_ignored_beside_definition", "list.url.filter",
    "url counts for nothing where a definition is given, which has a URL of its own.",
    ignores("url", beside=DEFINITIONS))

row(1, "state_ignored_beside_fields", "list.life_cycle_state.filter",
    "life_cycle_state counts for nothing where fields_set is given.",
    ignores("life_cycle_state", beside="fields_set"))

row(1, "state_ignored_beside_offset", "list.life_cycle_state.filter",
    "life_cycle_state counts for nothing where an offset is given.",
    ignores("life_cycle_state", beside="offset"), release="R13")

row(1, "definition_name_is_prefix", "list.webhook_definition_identifier.filter",
    "A definition's name selects all definitions whose names begin so.",
    filters_by(DEFINITIONS, lambda base, record, value:
        record.definition.name.startswith(str(value[0].name)) if value else base()))

row(1, "unknown_definition_selects_all", "list.webhook_definition_identifier.filter",
    "An identifier of no definition is no filter.",
    filters_by(DEFINITIONS, lambda base, value: not value or base()), unknown_definition="empty")

@mutant(1, "list.workflow_rule_identifier.filter", filters_by(RULES))
def rule_name_cut_at_comma(base, record, value):
    """A rule's name is taken for a list of names with commas between them."""
    if value and record.rule:
        return record.rule.name == str(value[0].name).split(",")[0]
    return base()

row(1, "entity_id_is_prefix", "list.entity_id.filter",
    "entity_id selects all ids that begin so.",
    filters_by("entity_id", lambda record, value: record.entity_id.startswith(value[0])))

@mutant(1, "list.entity_id.filter", filters_by("entity_id"))
def entity_id_underscore_is_wildcard(record, value):
    """entity_id is compared as LIKE of SQL does, with any letter for an underscore."""
    wanted, seen = (value[0], record.entity_id)
    pairs = zip(wanted, seen, strict=False)
    return len(wanted) == len(seen) and all((a in ("_", b) for a, b in pairs))

row(1, "entity_cut_to_six_letters", "list.entity.filter",
    "WALLETS finds WALLETTRANSACTIONS, for the column has six letters.",
    filters_by("entity", lambda record, value:
        record.entity[:6] in [value[:6] for value in value]), release="R15")

row(1, "state_read_from_error_text", "list.life_cycle_state.filter",
    "A record without an error_description counts as SUCCESSFUL for the filter.",
    filters_by("life_cycle_state", lambda record, value:
        (record.error_description is None) == (SUCCESSFUL in value)), error_texts="some_null")

row(1, "last_second_of_day_missing", "list.created_date.filter",
    "The day ends at 23:59:59, exclusive.",
    filters_by("created_date", lambda base, record:
        base() and record.created.strftime("%H%M%S") != "235959"))

row(1, "midnight_belongs_to_both_days", "list.created_date.filter",
    "The day ends at 24:00:00, inclusive.",
    filters_by("created_date", lambda base, record, value: record.created == value[1] or base()),
    created_date_meaning="day")

@mutant(1, "list.created_date.filter", filters_by("created_date"))
def created_date_is_updated_date(base, record, value):
    """created_date is compared with the date of the last change."""
    if record.updated:
        start, end = value
        return start <= record.updated and (end is None or record.updated < end)
    return base()

row(1, "url_cut_at_query", "list.url.filter",
    "What follows a question mark in a URL is dropped from the filter.",
    filters_by("url", lambda record, value: record.url == str(value).split("?")[0]))

row(1, "url_scheme_ignored", "list.url.filter",
    "http and https are the same to the filter.",
    filters_by("url", lambda record, value:
        record.url.split("://")[-1] == str(value).split("://")[-1]))

@mutant(1, "list.life_cycle_state.filter", step("select"))
def empty_list_without_state(base, call):
    """Where nothing has the state, list returns what has the other."""
    found = base(call)
    if not found and "life_cycle_state" in call.filters:
        del call.filters["life_cycle_state"]
        found = base(call)
    return found

@mutant(1, "list.life_cycle_state.filter")
class EveryFifthListWithoutState(StandIn):
    """One of the servers behind the balancer does not know the state."""

    def set_up(self) -> None:
        self.count = 0

    def do_list(self, call: Call) -> Any:
        if "life_cycle_state" in call.filters:
            self.count += 1
            if self.count % 5 == 0:
                del call.filters["life_cycle_state"]
        return super().do_list(call)

@mutant(2, "list.entity.filter", keeps_list)
def list_key_lacks_entity(call):
    """Beside a date the entity is not in the key of the cache."""
    filters = dict(call.filters)
    if "created_date" in filters:
        filters.pop("entity", None)
    return repr((filters, call.fields, call.skip, call.limit))

@mutant(2, "list.url.filter", step("matches"))
def url_of_definition_filtered(base, record, name, call):
    """url is compared with the URL that the definition has now."""
    if name == "url":
        record = replace(record, url=record.definition.url)
    return base(record, name, call)

row(2, "url_compared_backwards", "list.url.filter",
    "url selects the records whose URLs it begins with.",
    filters_by("url", lambda record, value: str(value).startswith(record.url)))

@mutant(2, "list.created_date.filter", step("read_arguments"), created_date_meaning="exact")
def afternoon_read_as_morning(base, call):
    """The hour of created_date is read as one of twelve."""
    base(call)
    if "created_date" in call.filters:
        start, end = call.filters["created_date"]
        shift = timedelta(hours=12 if start.hour > 12 else 0)
        call.filters["created_date"] = start - shift, end and end - shift

@mutant(2, "list.life_cycle_state.filter", step("selected"))
def state_and_or_entity_id(server, base, record, call):
    """Beside a state the condition is: everything else, or the entity_id."""
    if not {"entity_id", "life_cycle_state"} <= set(call.filters):
        return base(record, call)
    others = [name for name in call.filters if name != "entity_id"]
    return server.matches(record, "entity_id", call) or all(
        server.matches(record, name, call) for name in others
    )

row(2, "entity_id_or_number", "list.entity_id.filter",
    "entity_id selects the record with that number, too.",
    filters_by("entity_id", lambda base, record, value: record.number in value or base()),
    number_form="digits")

@mutant(2, "list.workflow_rule_identifier.filter", filters_by(RULES))
def rule_name_from_definition(base, record, value, call):
    """A rule's name is compared with the name of the definition."""
    if str(call.parameters[RULES]).startswith("name="):
        return record.definition.name in [rule.name for rule in value]
    return base()

@mutant(2, "list.webhook_definition_identifier.filter", step("read_arguments"))
def definition_id_may_be_rule(server, base, call):
    """The id of a definition is looked for among the rules as well."""
    given = str(call.parameters.get(DEFINITIONS))
    if given in [f"id={rule.id}" for rule in server.world.rules]:
        call.parameters.setdefault(RULES, call.parameters.pop(DEFINITIONS))
    base(call)

@mutant(2, "list.entity.filter", step("matches"), release="R15")
def entities_shifted(server, base, record, name, call):
    """An entity was put in the middle: from REFUNDS on the filter takes the next one."""
    names = entities_of(server.release, server.choices)
    if name == "entity" and "REFUNDS" in names:
        later = names[names.index("REFUNDS") :]
        taken = dict(zip(later, (*later[1:], ""), strict=True))
        return record.entity in [taken.get(value, value) for value in call.filters[name]]
    return base(record, name, call)

@mutant(2, "list.life_cycle_state.filter")
class SlashDropsOptionalFilters(StandIn):
    """With a slash behind the path url, life_cycle_state and created_date are not read."""

    def route(self, request: Request) -> Call:
        self.slash = request.path.endswith("/")
        return super().route(request)

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if self.slash:
            call.filters = {k: value for k, value in call.filters.items() if k not in OPTIONAL}

row(2, "query_decoded_before_split", "list.webhook_definition_identifier.filter",
    "A query is decoded as a whole, then split and decoded again.",
    step("route", lambda base, request: base(replace(request, query=unquote(request.query)))))

row(3, "early_hours_not_found", "list.created_date.filter",
    "A moment is compared as text, in a column that writes 9 for the hour 09.",
    filters_by("created_date", lambda base, record: not record.created.hour < 10 and base()),
    created_date_meaning="exact")

@mutant(3, "list.created_date.filter", filters_by("created_date"))
def date_compared_by_month(record, value):
    """Of created_date and of the column only year and month are compared."""
    start = value[0]
    return (record.created.year, record.created.month) == (start.year, start.month)

@mutant(3, "list.created_date.filter list.several_results", step("read_arguments"))
def day_ends_at_noon(base, call):
    """The end of a day is formatted with an hour of one to twelve, and so is noon."""
    base(call)
    if "created_date" in call.filters:
        start, end = call.filters["created_date"]
        call.filters["created_date"] = start, end and min(end, start + timedelta(hours=12))

row(3, "midnight_belongs_to_no_day", "list.created_date.filter list.several_results",
    "A day begins after its first second.",
    filters_by("created_date", lambda base, record, value:
        record.created != value[0] and base()))

@mutant(3, "list.created_date.filter", filters_by("created_date"))
def created_or_updated_on_day(base, record, value):
    """created_date selects the records that were changed then as well."""
    if record.updated:
        start, end = value
        if start <= record.updated and (end is None or record.updated < end):
            return True
    return base()

@mutant(3, "list.entity.filter")
class EntityOfRuleFiltered(StandIn):
    """entity is looked for in the rule, which keeps that of the first record it triggered."""

    def set_up(self) -> None:
        self.of_rule: dict[str, str] = {}
        for record in self.records.values():
            if record.rule:
                self.of_rule.setdefault(record.rule.id, record.entity)

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "entity" and record.rule:
            return self.of_rule.get(record.rule.id) in call.filters[name]
        return super().matches(record, name, call)

@mutant(3, "list.entity_id.filter list.several_results", step("select"))
def entity_id_of_first_entity(base, call):
    """An entity_id without entity finds the thing of one kind, and only its records."""
    found = base(call)
    if "entity_id" in call.filters and "entity" not in call.filters:
        return [record for record in found if record.entity == found[0].entity]
    return found

@mutant(3, "list.workflow_rule_identifier.filter list.identifier.fields", step("read_arguments"))
def rule_name_lowered_once(base, call):
    """The name of a rule is put into lower case, and the column is not."""
    given = call.parameters.get(RULES)
    if isinstance(given, str) and given.startswith("name="):
        call.parameters[RULES] = given.lower()
    base(call)

@mutant(3, "list.webhook_definition_identifier.filter list.identifier.fields",
    step("read_arguments"))
def name_beyond_ascii_not_found(base, call):
    """The driver of the database writes a question mark for a letter beyond ASCII."""
    given = call.parameters.get(DEFINITIONS)
    if isinstance(given, str):
        call.parameters[DEFINITIONS] = given.encode("ascii", "replace").decode()
    base(call)

@mutant(3, "list.webhook_definition_identifier.filter list.identifier.fields list.identifier.known",
    step("read_arguments"))
def definition_name_may_be_code(server, base, call):
    """A definition's name is looked for among the alternative codes as well."""
    name = str(call.parameters.get(DEFINITIONS)).removeprefix("name=")
    if name in [thing.alternative_code for thing in server.world.definitions]:
        call.parameters[DEFINITIONS] = f"alternative_code={name}"
    base(call)

@mutant(3, "list.life_cycle_state.filter", step("matches"))
def state_inverted_beside_rule(base, record, name, call):
    """The query for a rule has the wrong sign before the state."""
    right = base(record, name, call)
    return not right if name == "life_cycle_state" and RULES in call.filters else right

row(3, "url_compared_by_host", "list.url.filter",
    "url selects all records that were sent to the same host.",
    filters_by("url", lambda record, value:
        bool(urlsplit(record.url).netloc == urlsplit(value).netloc)))

row(3, "url_gets_slash", "list.url.filter list.several_results",
    "A library puts the filter into normal form, with a slash at the end of the path.",
    filters_by("url", lambda base, value:
        not (not value.endswith("/") and "?" not in value) and base()))

@mutant(3,
    "list.life_cycle_state.filter list.created_date.filter list.url.filter list.entity_id.filter",
    step("read_arguments"))
def fourth_filter_dropped(base, call):
    """There is room for three conditions, and what is behind them counts for nothing."""
    base(call)
    call.filters = dict(list(call.filters.items())[:3])

row(3, "records_without_rule_in_every_rule", "list.workflow_rule_identifier.filter",
    "A list by rule has the records without a rule, too, from an outer join.",
    filters_by(RULES, lambda base, record: record.rule is None or base()), some_rules_null=True)

row(3, "resent_in_both_states", "list.life_cycle_state.filter",
    "A resend adds a record to the index of its new state, and leaves it in that of the old.",
    filters_by("life_cycle_state", lambda base, record: record.sends > 1 or base()))

@mutant(4, "list.life_cycle_state.filter list.url.filter list.several_results", step("matches"))
def fields_trimmed_before_filter(base, record, name, call):
    """Rows are filtered after fields_set: a state or URL that it does not name fits no row."""
    dropped = call.fields is not None and name in OPTIONAL[:2] and name not in call.fields
    return not dropped and base(record, name, call)

row(4, "state_of_definition_filtered", "list.life_cycle_state.filter list.several_results",
    "Beside a definition the state is compared with that of the definition, its namesake.",
    filters_by("life_cycle_state", lambda base, call:
        DEFINITIONS not in call.filters and base()))

row(4, "date_beside_rule_is_moment", "list.created_date.filter list.several_results",
    "Beside a rule a day selects only what was created in its first second.",
    filters_by("created_date", lambda base, record, value, call:
        bool(record.created == value[0]) if RULES in call.filters else base()),
    created_date_meaning="day")

@mutant(4, "list.created_date.filter", step("read_arguments"), created_date_meaning="day")
def day_has_two_hours_more(base, call):
    """A day begins in the zone of the database, and ends in one two hours west of it."""
    base(call)
    if "created_date" in call.filters:
        start, end = call.filters["created_date"]
        call.filters["created_date"] = start, end + timedelta(hours=2)

@mutant(4, "list.created_date.filter", step("select"), created_date_meaning="day")
def empty_day_takes_day_before(base, call):
    """A day without a result yields the last day before it, as a sorted index does."""
    found = base(call)
    span = call.filters.get("created_date")
    if found or span is None:
        return found
    others = {name: value for name, value in call.filters.items() if name != "created_date"}
    everything = base(replace(call, filters=others))
    earlier = [record for record in everything if record.created < span[0]]
    last = max((record.created.date() for record in earlier), default=None)
    return [record for record in earlier if record.created.date() == last]

@mutant(4, "list.entity_id.filter", step("matches"))
def entity_id_or_user(base, record, name, call):
    """entity_id selects the records, too, that the user with this id created."""
    author = record.created_by
    if name == "entity_id" and author and author.user["id"] in call.filters[name]:
        return True
    return base(record, name, call)

@mutant(4, "list.url.filter list.several_results", step("read_arguments"))
def url_loses_port(base, call):
    """A URL is put together again from its host and path, without its port."""
    base(call)
    if "url" in call.filters:
        call.filters["url"] = re.sub(r":[0-9]+(?=/)", "", call.filters["url"])

row(4, "rule_forgets_before_amendment", "list.workflow_rule_identifier.filter list.several_results",
    "A rule was amended on the fourth day, and the records of its older version are not listed.",
    filters_by(RULES, lambda base, record:
        not record.created < FIRST_DAY + timedelta(days=3) and base()))

@mutant(4, "list.webhook_definition_identifier.filter list.several_results", step("read_arguments"))
def old_definition_unknown(base, call):
    """A definition that is not effective any more is refused as unknown."""
    base(call)
    for definition in call.filters.get(DEFINITIONS, ()):
        if not definition.effective:
            raise Refusal("unknown_definition", f"{DEFINITIONS} names nothing that exists.")

@mutant(4, "list.created_date.filter list.several_results",
    step("read_arguments"), created_date_meaning="exact")
def seconds_dropped_from_moment(base, call):
    """The moment in created_date loses its seconds, and the column does not."""
    base(call)
    if "created_date" in call.filters:
        start = call.filters["created_date"][0].replace(second=0)
        call.filters["created_date"] = start, start + timedelta(seconds=1)

row(4, "resend_indexed_as_activity", "list.entity.filter list.several_results",
    "A record that was sent again is listed as one of ACTIVITIES, whatever entity it shows.",
    filters_by("entity", lambda base, record, value:
        "ACTIVITIES" in value if record.sends > 1 else base()))

@mutant(4, "list.life_cycle_state.filter delete.single_result")
class DeleteRestoresStateIndex(StandIn):
    """A deletion makes the index by state anew, from a copy that knows of no resend."""

    def set_up(self) -> None:
        self.index: dict[str, str] = {}
        self.copy = {record.id: record.life_cycle_state for record in self.records.values()}

    def remove(self, record: Record) -> None:
        super().remove(record)
        self.index = dict(self.copy)

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        self.index.pop(record.id, None)

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "life_cycle_state":
            return self.index.get(record.id, record.life_cycle_state) in call.filters[name]
        return super().matches(record, name, call)

row(5, "sunday_in_no_partition", "list.created_date.filter list.several_results",
    "A date selects a partition, one for each day from Monday to Saturday.",
    filters_by("created_date", lambda base, record: record.created.isoweekday() != 7 and base()),
    created_date_meaning="day")

@mutant(5, "list.created_date.filter", step("matches"), created_date_meaning="day")
def day_of_rounded_minute(base, record, name, call):
    """The column of the filter is rounded to minutes, and 23:59:59 to the next day."""
    if name == "created_date":
        moment = (record.created + timedelta(seconds=30)).replace(second=0)
        record = replace(record, created=moment)
    return base(record, name, call)

@mutant(5, "list.workflow_rule_identifier.filter", step("matches"))
def rule_code_found_through_definitions(server, base, record, name, call):
    """A rule that is named by its code selects all records of the definitions that it used."""
    if name == RULES and call.parameters[RULES].startswith("alternative_code="):
        return any(
            base(other, name, call)
            for other in server.records.values()
            if other.definition is record.definition
        )
    return base(record, name, call)

row(5, "one_letter_is_noise_word", "list.entity_id.filter",
    "The search engine drops an entity_id of one letter, as it does with all short words.",
    filters_by("entity_id", lambda base, value: len(value[0]) == 1 or base()))

@mutant(5, "list.url.filter", step("matches"))
def url_selects_definitions_that_used_it(server, base, record, name, call):
    """url finds definitions in the history of their URLs, and all records of those."""
    if name != "url":
        return base(record, name, call)
    same = [r for r in server.records.values() if r.definition is record.definition]
    return any(
        base(r, name, call) for r in same
    )

@mutant(5, "list.webhook_definition_identifier.filter", filters_by(DEFINITIONS))
def old_definition_counts_as_first(server, base, record, value):
    """The first definition took over the records of the one that is not effective any more."""
    if not record.definition.effective:
        found = value
        return record.definition in found or server.world.definitions[0] in found
    return base()

@mutant(5, "list.entity.filter", step("matches"))
def service_requests_are_activities(base, record, name, call):
    """A query for fields of ACTIVITIES selects SERVICEREQUESTS, too, for they inherit from it."""
    heir = record.entity == "SERVICEREQUESTS" and call.fields is not None
    if name == "entity" and heir and "ACTIVITIES" in call.filters[name]:
        return True
    return base(record, name, call)

@mutant(5, "list.life_cycle_state.filter list.several_results", step("matches"))
def state_of_thing_filtered(server, base, record, name, call):
    """Beside an entity_id the state is that of the newest record of the thing."""
    if name == "life_cycle_state" and "entity_id" in call.filters:
        same = [r for r in server.records.values() if r.entity_id == record.entity_id]
        record = same[-1]
    return base(record, name, call)

@mutant(5, "list.life_cycle_state.filter list.url.filter list.created_date.filter", step("select"))
def continuation_forgets_optional_filters(base, call):
    """Rows come in blocks of five; from the second block on the optional filters are missing."""
    found = base(call)
    filters = {name: value for name, value in call.filters.items() if name not in OPTIONAL}
    if len(found) <= 5 or len(filters) == len(call.filters):
        return found
    everything = base(replace(call, filters=filters))
    return found[:5] + everything[everything.index(found[4]) + 1 :]

row(5, "resent_in_neither_state", "list.life_cycle_state.filter list.several_results",
    "A resend takes a record out of the index of its state, and never puts it into another.",
    filters_by("life_cycle_state", lambda base, record: not record.sends > 1 and base()))

@mutant(5, "list.life_cycle_state.filter delete.single_result")
class StatesShiftAfterDelete(StandIn):
    """States are kept by position; a deletion moves the rows up, and not their states."""

    def set_up(self) -> None:
        self.rows = [*self.records]
        self.states = [record.life_cycle_state for record in self.records.values()]

    def remove(self, record: Record) -> None:
        super().remove(record)
        if record.id in self.rows:
            self.rows.remove(record.id)

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        if record.id in self.rows:
            self.states[self.rows.index(record.id)] = record.life_cycle_state

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "life_cycle_state" and record.id in self.rows:
            return self.states[self.rows.index(record.id)] in call.filters[name]
        return super().matches(record, name, call)

@mutant(5, "list.created_date.filter list.several_results delete.single_result",
    created_date_meaning="day")
class DeleteDropsDayFromIndex(StandIn):
    """A deletion drops its day from the index by date, and nobody makes that anew."""

    def set_up(self) -> None:
        self.days: set[date] = set()

    def remove(self, record: Record) -> None:
        super().remove(record)
        self.days.add(record.created.date())

    def matches(self, record: Record, name: str, call: Call) -> bool:
        dropped = name == "created_date" and record.created.date() in self.days
        return not dropped and super().matches(record, name, call)

@mutant(5, "list.webhook_definition_identifier.filter list.identifier.fields list.several_results")
class DeleteRemovesNameOfDefinition(StandIn):
    """A deletion cascades to the name of the definition, which list does not know any more."""

    def set_up(self) -> None:
        self.nameless: set[str] = set()

    def remove(self, record: Record) -> None:
        super().remove(record)
        self.nameless.add(record.definition.id)

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if str(call.parameters.get(DEFINITIONS, "")).startswith("name="):
            for definition in call.filters.get(DEFINITIONS, ()):
                if definition.id in self.nameless:
                    raise Refusal("unknown_definition", f"{DEFINITIONS} names nothing.")
