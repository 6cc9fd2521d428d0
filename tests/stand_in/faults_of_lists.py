"""Faults in what list selects, and in its pages."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

from typing import Any

from stand_in.fault import fault
from stand_in.reading import SEMI_OPTIONAL, Call, Refusal
from stand_in.server import StandIn
from stand_in.world import SUCCESSFUL, Record

SEVERAL = "list returns all records that have the given attributes."
ONE_OF = "list needs one of the four parameters that are marked semi-optional."
MANY = "Several of the four parameters that are marked semi-optional are allowed together."
DEFINITION = "webhook_definition_identifier selects the records of that definition."
ENTITY = "entity selects the records of that entity."
ENTITY_ID = "entity_id selects the records of the thing with that id."
URL = "url selects records by their URL, whichever way it is compared."
CREATED = "created_date selects records by when they were created."
STATE = "life_cycle_state selects the records in that state."
OFFSET = "offset is the number of records that are skipped."
RESULTS = "number_of_results is how many records are returned at most."
DEFINITIONS, RULES = SEMI_OPTIONAL[:2]


class Ignoring(StandIn):
    """Ignores one filter in the presence of others."""

    ignored = ""
    beside = ""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == self.ignored and (self.beside in call.filters or self.beside in call.parameters):
            return True
        return super().matches(record, name, call)


@fault(39, "list.entity.filter", ENTITY)
class EntityIgnoredBesideEntityId(Ignoring):
    """entity counts for nothing where entity_id is given."""

    ignored, beside = "entity", "entity_id"


@fault(40, "list.workflow_rule_identifier.filter", "The rule's identifier selects its records.")
class RuleIgnoredBesideDefinition(Ignoring):
    """The rule counts for nothing where a definition is given."""

    ignored, beside = RULES, DEFINITIONS


@fault(41, "list.created_date.filter", CREATED)
class CreatedDateIgnoredBesideState(Ignoring):
    """created_date counts for nothing where a state is given."""

    ignored, beside = "created_date", "life_cycle_state"


@fault(42, "list.url.filter", URL)
class UrlIgnoredBesideDefinition(Ignoring):
    """url counts for nothing where a definition is given, which has a URL of its own."""

    ignored, beside = "url", DEFINITIONS


@fault(43, "list.life_cycle_state.filter", STATE)
class StateIgnoredBesideFields(Ignoring):
    """life_cycle_state counts for nothing where fields_set is given."""

    ignored, beside = "life_cycle_state", "fields_set"


@fault(44, "list.life_cycle_state.filter", STATE, release="R13")
class StateIgnoredBesideOffset(Ignoring):
    """life_cycle_state counts for nothing where an offset is given."""

    ignored, beside = "life_cycle_state", "offset"


@fault(45, "list.webhook_definition_identifier.filter", DEFINITION)
class DefinitionNameIsPrefix(StandIn):
    """A definition's name selects all definitions whose names begin so."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == DEFINITIONS and call.filters[name]:
            return record.definition.name.startswith(str(call.filters[name][0].name))
        return super().matches(record, name, call)


@fault(46, "list.webhook_definition_identifier.filter", DEFINITION, unknown_definition="empty")
class UnknownDefinitionSelectsAll(StandIn):
    """An identifier of no definition is no filter."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == DEFINITIONS and not call.filters[name]:
            return True
        return super().matches(record, name, call)


@fault(47, "list.workflow_rule_identifier.filter", "The rule's identifier selects its records.")
class RuleNameCutAtComma(StandIn):
    """A rule's name is taken for a list of names with commas between them."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == RULES and call.filters[name] and record.rule:
            return record.rule.name == str(call.filters[name][0].name).split(",")[0]
        return super().matches(record, name, call)


@fault(48, "list.entity_id.filter", ENTITY_ID)
class EntityIdIsPrefix(StandIn):
    """entity_id selects all ids that begin so."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "entity_id":
            return record.entity_id.startswith(call.filters[name][0])
        return super().matches(record, name, call)


@fault(49, "list.entity_id.filter", ENTITY_ID)
class EntityIdUnderscoreIsWildcard(StandIn):
    """entity_id is compared as LIKE of SQL does, with any letter for an underscore."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "entity_id":
            wanted, seen = call.filters[name][0], record.entity_id
            pairs = zip(wanted, seen, strict=False)
            return len(wanted) == len(seen) and all(a in ("_", b) for a, b in pairs)
        return super().matches(record, name, call)


@fault(50, "list.entity.filter", ENTITY, release="R15")
class EntityCutToSixLetters(StandIn):
    """WALLETS finds WALLETTRANSACTIONS, for the column has six letters."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "entity":
            return record.entity[:6] in [value[:6] for value in call.filters[name]]
        return super().matches(record, name, call)


@fault(51, "entities.r14", "LEADS is supported from R14.0 on.", release="R14")
class LeadsNotSupported(StandIn):
    """list refuses the entity LEADS."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if "LEADS" in call.filters.get("entity", ()):
            raise Refusal("bad_entity", "LEADS is not supported.")


@fault(52, "entities.r15", "WRITEOFFS is supported from R15.0 on.", release="R15")
class WriteOffsNotSupported(StandIn):
    """list refuses the last entity of R15 in company of another filter."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if "WRITEOFFS" in call.filters.get("entity", ()) and len(call.filters) > 1:
            raise Refusal("bad_entity", "WRITEOFFS is not supported.")


@fault(53, "list.entity.supported_values", "entity is one of the supported entities.")
class UnknownEntitySelectsAll(StandIn):
    """An entity that is not supported is no filter."""

    def read_arguments(self, call: Call) -> None:
        try:
            super().read_arguments(call)
        except Refusal as refusal:
            if refusal.kind != "bad_entity":
                raise
            call.filters.pop("entity", None)


@fault(54, "list.life_cycle_state.supported_values", "The state is SUCCESSFUL or REJECTED.")
class UnknownStateSelectsAll(StandIn):
    """A state that does not exist is no filter."""

    def read_arguments(self, call: Call) -> None:
        try:
            super().read_arguments(call)
        except Refusal as refusal:
            if refusal.kind != "bad_state":
                raise


@fault(55, "list.life_cycle_state.filter", STATE, error_texts="some_null")
class StateReadFromErrorText(StandIn):
    """A record without an error_description counts as SUCCESSFUL for the filter."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "life_cycle_state":
            return (record.error_description is None) == (SUCCESSFUL in call.filters[name])
        return super().matches(record, name, call)


@fault(56, "list.created_date.filter", CREATED)
class LastSecondOfDayMissing(StandIn):
    """The day ends at 23:59:59, exclusive."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        late = record.created.strftime("%H%M%S") == "235959"
        return super().matches(record, name, call) and not (name == "created_date" and late)


@fault(57, "list.created_date.filter", CREATED, created_date_meaning="day")
class MidnightBelongsToBothDays(StandIn):
    """The day ends at 24:00:00, inclusive."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "created_date" and record.created == call.filters[name][1]:
            return True
        return super().matches(record, name, call)


@fault(58, "list.created_date.filter", CREATED)
class CreatedDateIsUpdatedDate(StandIn):
    """created_date is compared with the date of the last change."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "created_date" and record.updated:
            start, end = call.filters[name]
            return start <= record.updated and (end is None or record.updated < end)
        return super().matches(record, name, call)


@fault(59, "list.url.filter", URL)
class UrlCutAtQuery(StandIn):
    """What follows a question mark in a URL is dropped from the filter."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "url":
            return record.url == str(call.filters[name]).split("?")[0]
        return super().matches(record, name, call)


@fault(60, "list.url.filter", URL)
class UrlSchemeIgnored(StandIn):
    """http and https are the same to the filter."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "url":
            return record.url.split("://")[-1] == str(call.filters[name]).split("://")[-1]
        return super().matches(record, name, call)


class Enough(StandIn):
    """Takes some optional parameters for a filter that is enough by itself."""

    enough: tuple[str, ...] = ()

    def read_arguments(self, call: Call) -> None:
        given = set(call.parameters)
        alone = call.method == "list" and given >= set(self.enough) and not given & {*SEMI_OPTIONAL}
        if alone:
            call.parameters["entity"] = "JOBS"
        super().read_arguments(call)
        if alone:
            del call.filters["entity"]


@fault(61, "list.semi_optional.at_least_one", ONE_OF)
class UrlAloneIsEnough(Enough):
    """list accepts a url without any of the four."""

    enough = ("url",)


@fault(62, "list.semi_optional.at_least_one", ONE_OF)
class StateAndDateAreEnough(Enough):
    """list accepts a state together with a date, though neither alone."""

    enough = ("life_cycle_state", "created_date")


@fault(63, "list.semi_optional.at_least_one", ONE_OF)
class NoFilterGivesEmptyList(StandIn):
    """list without any filter answers OK with nothing."""

    def do_list(self, call: Call) -> Any:
        return super().do_list(call) if call.filters else []

    def read_arguments(self, call: Call) -> None:
        if call.method != "list" or set(call.parameters) - {"token", "fields_set"}:
            super().read_arguments(call)


@fault(64, "list.semi_optional.several_allowed", MANY)
class DefinitionAndRuleRefused(StandIn):
    """list refuses a definition and a rule together."""

    def read_arguments(self, call: Call) -> None:
        if {DEFINITIONS, RULES} <= set(call.parameters):
            raise Refusal("two_identifier_fields", "Only one of these is allowed.")
        super().read_arguments(call)


@fault(65, "list.semi_optional.several_allowed", MANY)
class ThreeFiltersRefused(StandIn):
    """list refuses more than two of the four."""

    def read_arguments(self, call: Call) -> None:
        if len(set(SEMI_OPTIONAL) & set(call.parameters)) > 2:
            raise Refusal("bad_parameter", "There are too many filters.")
        super().read_arguments(call)


@fault(66, "list.several_results", SEVERAL)
class SameSecondOnlyOnce(StandIn):
    """Of the records of one second a list by rule has the first only."""

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        if RULES not in call.filters:
            return found
        return list({record.created: record for record in reversed(found)}.values())[::-1]


@fault(67, "list.several_results", SEVERAL, some_rules_null=True)
class ListNeedsRule(StandIn):
    """Records without a rule are in no list."""

    def selected(self, record: Record, call: Call) -> bool:
        return record.rule is not None and super().selected(record, call)


@fault(68, "list.several_results", SEVERAL)
class ListNeedsEffectiveDefinition(StandIn):
    """A list by entity omits records whose definition is not effective."""

    def selected(self, record: Record, call: Call) -> bool:
        hidden = list(call.filters) == ["entity"] and not record.definition.effective
        return not hidden and super().selected(record, call)


@fault(69, "list.several_results", SEVERAL)
class ListNeedsUpdater(StandIn):
    """Records that no user has changed are in no list."""

    def selected(self, record: Record, call: Call) -> bool:
        return record.updated_by is not None and super().selected(record, call)


@fault(70, "list.life_cycle_state.filter", STATE)
class EmptyListWithoutState(StandIn):
    """Where nothing has the state, list returns what has the other."""

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        if not found and "life_cycle_state" in call.filters:
            del call.filters["life_cycle_state"]
            found = super().select(call)
        return found


@fault(71, "list.life_cycle_state.filter", STATE)
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


@fault(72, "list.paging.offset", OFFSET, release="R13")
class OffsetOneTooFew(StandIn):
    """From the second page on one record too few is skipped."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        call.skip = max(0, call.skip - 1)
        return super().page(found, call)


@fault(73, "list.paging.number_of_results", RESULTS, release="R13")
class OneTooManyOnLaterPages(StandIn):
    """Pages after the first have one record too many."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        if call.skip and call.limit:
            call.limit += 1
        return super().page(found, call)


@fault(74, "list.paging.offset", OFFSET, release="R13")
class OffsetAtEndRepeatsLast(StandIn):
    """An offset that skips exactly all returns the last record."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        return found[-1:] if call.skip == len(found) else super().page(found, call)


@fault(75, "list.paging.offset", OFFSET, release="R13")
class OffsetBeyondEndStartsOver(StandIn):
    """An offset beyond the end returns the first page."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        if call.skip > len(found):
            call.skip = 0
        return super().page(found, call)


@fault(76, "list.paging.number_of_results", RESULTS, release="R13")
class LimitIgnoredBesideState(StandIn):
    """number_of_results counts for nothing where a state is given."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        return found if "life_cycle_state" in call.filters else super().page(found, call)


@fault(77, "list.paging.offset", OFFSET, release="R13")
class PagedBeforeStateFilter(StandIn):
    """The page is cut from all states, and then the state is filtered."""

    def do_list(self, call: Call) -> Any:
        state = call.filters.pop("life_cycle_state", None)
        found = self.page(self.select(call), call)
        kept = [record for record in found if not state or record.life_cycle_state in state]
        return [self.trimmed(record, call) for record in kept]


@fault(78, "list.paging.offset", OFFSET, release="R13")
class OffsetNeedsLimit(StandIn):
    """offset counts for nothing without number_of_results."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        return found if call.limit is None else super().page(found, call)


@fault(79, "list.paging.offset", OFFSET, release="R13")
class OffsetCountsPages(StandIn):
    """offset is taken for a number of pages."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        call.skip *= call.limit or 1
        return super().page(found, call)


@fault(80, "list.several_results", SEVERAL, release="R13")
class LastPageOnlyIfFull(StandIn):
    """A last page that is not full is empty."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        page = super().page(found, call)
        return [] if call.skip and call.limit and len(page) < call.limit else page


@fault(81, "list.paging.offset", OFFSET, release="R13")
class LaterPagesInOtherOrder(StandIn):
    """Pages after the first are cut from the records in reverse order."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        return super().page(found[::-1] if call.skip else found, call)


@fault(
    82,
    "list.no_duplicates",
    SEVERAL,
    doubt="No page says that a record is returned only once.",
)
class TwiceBesideDefinitionAndRule(StandIn):
    """A list by definition and rule has each record twice."""

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        both = {DEFINITIONS, RULES} <= set(call.filters)
        return [record for record in found for _ in range(1 + both)]
