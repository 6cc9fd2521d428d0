"""Mutants that are wrong about which filters list takes together, and what it returns for them."""

# Each row stays together, as in a table.
# fmt: off

from typing import Any

from stand_in.reading import SEMI_OPTIONAL, Call, Refusal, Request
from stand_in.server import Reply, StandIn
from stand_in.world import REJECTED, Record

from mutants.combinators import is_enough, lists_all, mutant, refuses, row, step

DEFINITIONS, RULES = SEMI_OPTIONAL[:2]

row(1, "leads_not_supported", "entities.r14",
    "list refuses the entity LEADS.",
    refuses("bad_entity", lambda call: "LEADS" in call.filters.get("entity", ())), release="R14")

row(1, "write_offs_not_supported", "entities.r15",
    "list refuses the last entity of R15 in company of another filter.",
    refuses("bad_entity", lambda call:
        "WRITEOFFS" in call.filters.get("entity", ()) and len(call.filters) > 1), release="R15")

@mutant(1, "list.entity.supported_values", step("read_arguments"))
def unknown_entity_selects_all(base, call):
    """An entity that is not supported is no filter."""
    try:
        base(call)
    except Refusal as refusal:
        if refusal.kind != "bad_entity":
            raise
        call.filters.pop("entity", None)

@mutant(1, "list.life_cycle_state.supported_values", step("read_arguments"))
def unknown_state_selects_all(base, call):
    """A state that does not exist is no filter."""
    try:
        base(call)
    except Refusal as refusal:
        if refusal.kind != "bad_state":
            raise

row(1, "url_alone_is_enough", "list.semi_optional.at_least_one",
    "list accepts a url without any of the four.",
    is_enough("url"))

row(1, "state_and_date_are_enough", "list.semi_optional.at_least_one",
    "list accepts a state together with a date, though neither alone.",
    is_enough("life_cycle_state", "created_date"))

@mutant(1, "list.semi_optional.at_least_one")
class NoFilterGivesEmptyList(StandIn):
    """list without any filter answers OK with nothing."""

    def do_list(self, call: Call) -> Any:
        return super().do_list(call) if call.filters else []

    def read_arguments(self, call: Call) -> None:
        if call.method != "list" or set(call.parameters) - {"token", "fields_set"}:
            super().read_arguments(call)

row(1, "definition_and_rule_refused", "list.semi_optional.several_allowed",
    "list refuses a definition and a rule together.",
    refuses("two_identifier_fields", lambda call: {DEFINITIONS, RULES} <= set(call.parameters)))

row(1, "three_filters_refused", "list.semi_optional.several_allowed",
    "list refuses more than two of the four.",
    refuses("bad_parameter", lambda call: len(set(SEMI_OPTIONAL) & set(call.parameters)) > 2))

@mutant(1, "list.several_results", step("select"))
def same_second_only_once(base, call):
    """Of the records of one second a list by rule has the first only."""
    found = base(call)
    if RULES not in call.filters:
        return found
    return list({record.created: record for record in reversed(found)}.values())[::-1]

row(1, "list_needs_rule", "list.several_results",
    "Records without a rule are in no list.",
    step("selected", lambda base, record, call: record.rule is not None and base(record, call)),
    some_rules_null=True)

@mutant(1, "list.several_results", step("selected"))
def list_needs_effective_definition(base, record, call):
    """A list by entity omits records whose definition is not effective."""
    hidden = list(call.filters) == ["entity"] and not record.definition.effective
    return not hidden and base(record, call)

row(1, "list_needs_updater", "list.several_results",
    "Records that no user has changed are in no list.",
    step("selected", lambda base, record, call:
        record.updated_by is not None and base(record, call)))

@mutant(1, "list.several_results", step("page"), release="R13")
def last_page_only_if_full(base, found, call):
    """A last page that is not full is empty."""
    page = base(found, call)
    return [] if call.skip and call.limit and len(page) < call.limit else page

@mutant(2, "list.several_results")
class EmptyAfterRefusedList(StandIn):
    """After a list that was refused the connection returns no row for one more list."""

    def set_up(self) -> None:
        self.broken = False

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        self.broken = "/list" in request.path
        return super().refusal(request, refusal)

    def do_list(self, call: Call) -> Any:
        broken, self.broken = self.broken, False
        return [] if broken else super().do_list(call)

@mutant(2, "list.several_results")
class RejectedListedOnce(StandIn):
    """A list of rejected records has only those that no such list had before."""

    def set_up(self) -> None:
        self.seen: set[str] = set()

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        if REJECTED in call.filters.get("life_cycle_state", ()):
            found = [record for record in found if record.id not in self.seen]
            self.seen.update(record.id for record in found)
        return found

@mutant(2, "list.optional_parameters")
class StateKeptForNextList(StandIn):
    """A state holds for the list after it as well."""

    def set_up(self) -> None:
        self.kept: Any = None

    def select(self, call: Call) -> list[Record]:
        given = call.filters.get("life_cycle_state")
        if given is None and self.kept:
            call.filters["life_cycle_state"] = self.kept
        self.kept = given
        return super().select(call)

row(2, "rule_code_not_supported", "list.identifier.fields",
    "A rule's alternative_code is refused.",
    refuses("bad_parameter", lambda call:
        str(call.parameters.get(RULES)).startswith("alternative_code=")))

@mutant(2, "list.several_results", step("do_list"))
def distinct_over_fields(base, call):
    """With fields_set equal rows are returned once."""
    rows = base(call)
    return rows if call.fields is None else list({repr(view): view for view in rows}.values())

@mutant(3, "list.entity.supported_values list.entity.filter entities.r9", step("read_arguments"))
def entities_with_letter_i_refused(base, call):
    """An entity is put into lower case in a Turkish locale, where that of I is not i."""
    entity = call.parameters.get("entity")
    if call.method == "list" and isinstance(entity, str):
        turkish = entity.lower().replace("i", "\u0131")
        if turkish != entity.lower():
            raise Refusal("bad_entity", f"{turkish} is not an entity.")
    base(call)

@mutant(3, "list.several_results list.entity.filter", step("matches"))
def newest_missing_by_entity(server, base, record, name, call):
    """The index by entity is one record behind."""
    newest = [*server.records.values()][-1]
    return (name != "entity" or record is not newest) and base(record, name, call)

@mutant(3, "list.several_results", step("select"))
def only_newest_per_thing(base, call):
    """A list by definition has the newest record of each thing only."""
    found = base(call)
    if DEFINITIONS not in call.filters:
        return found
    newest: dict[str, str] = {}
    for record in sorted(found, key=lambda record: record.created):
        newest[record.entity_id] = record.id
    return [record for record in found if newest[record.entity_id] == record.id]

row(3, "eleventh_row_lost", "list.several_results",
    "Between two blocks of ten rows the cursor moves once too often.",
    step("page", lambda base, found, call:
        [record for position, record in enumerate(base(found, call), 1) if position % 11]))

@mutant(3, "list.several_results list.paging.offset", step("page"), release="R13")
def last_record_on_no_page(base, found, call):
    """The page that reaches the end is one record short."""
    page = base(found, call)
    last = call.limit is not None and call.skip + call.limit >= len(found)
    return page[:-1] if last else page

@mutant(3, "list.semi_optional.at_least_one", lists_all, release="R13")
def paging_alone_is_enough(call):
    """list needs no filter where number_of_results is given."""
    given = set(call.parameters)
    return "number_of_results" in given and not given & set(SEMI_OPTIONAL)

row(3, "empty_entity_lists_all",
    "list.semi_optional.at_least_one list.entity.supported_values parameters.values",
    "An empty entity counts as given, and is no condition.",
    lists_all(lambda call: call.parameters.get("entity") == ""))

@mutant(4, "list.several_results list.life_cycle_state.filter list.workflow_rule_identifier.filter",
    step("selected"))
def rule_and_state_ask_one_shard(base, record, call):
    """Only one of two databases is asked for a rule together with a state."""
    elsewhere = ord(record.id[-1]) % 2 and {RULES, "life_cycle_state"} <= set(call.filters)
    return not elsewhere and base(record, call)

@mutant(4,
    "list.semi_optional.several_allowed list.webhook_definition_identifier.filter "
    "list.several_results",
    step("read_arguments"))
def identifiers_share_variable(base, call):
    """A definition and a rule that are named by the same field get the value of the rule both."""
    texts = [str(call.parameters.get(name, "")).partition("=")[0] for name in SEMI_OPTIONAL[:2]]
    if texts[0] and texts[0] == texts[1]:
        call.parameters[DEFINITIONS] = call.parameters[RULES]
    base(call)

@mutant(4, "list.several_results fields_set.selects", step("selected"))
def error_fields_drop_successful(base, record, call):
    """A field of an error in fields_set joins the errors, and rows without one are not listed."""
    joined = {"error_code", "error_description"} & set(call.fields or ())
    return (not joined or record.error_code is not None) and base(record, call)

@mutant(5, "list.several_results list.life_cycle_state.filter")
class EmptyListRemembered(StandIn):
    """A list that was empty once is kept as empty, whatever is changed."""

    def set_up(self) -> None:
        self.empty: set[str] = set()

    def do_list(self, call: Call) -> Any:
        asked = {name: text for name, text in call.parameters.items() if name != "token"}
        key = repr(sorted(asked.items()))
        rows = [] if key in self.empty else super().do_list(call)
        if not rows:
            self.empty.add(key)
        return rows

row(5, "failed_resend_waits_outside_lists", "list.several_results list.life_cycle_state.filter",
    "A record that was sent again without success is in a queue, and in no list.",
    step("selected", lambda base, record, call:
        not (record.sends > 1 and record.life_cycle_state == REJECTED) and base(record, call)),
    resend_succeeds="some")

@mutant(5, "list.several_results delete.gone fields_set.default_all", step("do_list"))
def null_for_deleted_row(server, base, call):
    """A list by definition has null where a record was deleted, from an outer join."""
    rows = base(call)
    joined = DEFINITIONS in call.filters
    gone = [
        record for record in server.deleted.values() if joined and server.selected(record, call)
    ]
    return [*rows, *[None for _ in gone]]
