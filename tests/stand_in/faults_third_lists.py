"""The third set of faults, of what list selects and of its pages.

Its author knew the pages, this server and the names of the first two sets, and not the kit.
"""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from stand_in.fault import fault
from stand_in.reading import FIELDS, SEMI_OPTIONAL, Call, Refusal
from stand_in.server import StandIn
from stand_in.world import REJECTED, Record

SEVERAL = "list returns all webhook requests that have the given attributes."
DEFINITION = "webhook_definition_identifier selects the records of that definition."
RULE = "workflow_rule_identifier selects the records that this rule triggered."
ENTITY = "entity selects the records of that entity."
ENTITY_ID = "entity_id selects the records of the thing with that id."
URL = "url selects records by the URL that they were sent to."
CREATED = "created_date selects records by when they were created."
STATE = "life_cycle_state selects the records in that state."
OFFSET = "offset is the number of records that are skipped."
RESULTS = "number_of_results is how many records are returned at most."
CHOSEN = "With fields_set exactly the named fields are returned, for each record."
DEFINITIONS, RULES = SEMI_OPTIONAL[:2]

# Filters.


@fault(
    301,
    "list.webhook_definition_identifier.filter",
    DEFINITION,
    doubt="That all filters together must select a record is only assumed.",
    also=("list.workflow_rule_identifier.filter",),
)
class DefinitionOrRule(StandIn):
    """A definition and a rule together select the records of either."""

    def selected(self, record: Record, call: Call) -> bool:
        either = [name for name in (DEFINITIONS, RULES) if name in call.filters]
        others = [name for name in call.filters if name not in either]
        return all(self.matches(record, name, call) for name in others) and (
            not either or any(self.matches(record, name, call) for name in either)
        )


@fault(302, "list.created_date.filter", CREATED, created_date_meaning="exact")
class EarlyHoursNotFound(StandIn):
    """A moment is compared as text, in a column that writes 9 for the hour 09."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        early = name == "created_date" and record.created.hour < 10
        return not early and super().matches(record, name, call)


@fault(303, "list.created_date.filter", CREATED)
class DateComparedByMonth(StandIn):
    """Of created_date and of the column only year and month are compared."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "created_date":
            start = call.filters[name][0]
            return (record.created.year, record.created.month) == (start.year, start.month)
        return super().matches(record, name, call)


@fault(304, "list.created_date.filter", CREATED, also=("list.several_results",))
class DayEndsAtNoon(StandIn):
    """The end of a day is formatted with an hour of one to twelve, and so is noon."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if "created_date" in call.filters:
            start, end = call.filters["created_date"]
            call.filters["created_date"] = start, end and min(end, start + timedelta(hours=12))


@fault(305, "list.created_date.filter", CREATED, also=("list.several_results",))
class MidnightBelongsToNoDay(StandIn):
    """A day begins after its first second."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        first = name == "created_date" and record.created == call.filters[name][0]
        return not first and super().matches(record, name, call)


@fault(306, "list.created_date.filter", CREATED)
class CreatedOrUpdatedOnDay(StandIn):
    """created_date selects the records that were changed then as well."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "created_date" and record.updated:
            start, end = call.filters[name]
            if start <= record.updated and (end is None or record.updated < end):
                return True
        return super().matches(record, name, call)


@fault(307, "list.entity.filter", ENTITY)
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


@fault(308, "list.entity_id.filter", ENTITY_ID, also=("list.several_results",))
class EntityIdOfFirstEntity(StandIn):
    """An entity_id without entity finds the thing of one kind, and only its records."""

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        if "entity_id" in call.filters and "entity" not in call.filters:
            return [record for record in found if record.entity == found[0].entity]
        return found


@fault(
    309,
    "list.workflow_rule_identifier.filter",
    RULE,
    also=("list.identifier.fields",),
)
class RuleNameLoweredOnce(StandIn):
    """The name of a rule is put into lower case, and the column is not."""

    def read_arguments(self, call: Call) -> None:
        given = call.parameters.get(RULES)
        if isinstance(given, str) and given.startswith("name="):
            call.parameters[RULES] = given.lower()
        super().read_arguments(call)


@fault(
    310,
    "list.webhook_definition_identifier.filter",
    DEFINITION,
    also=("list.identifier.fields",),
)
class NameBeyondAsciiNotFound(StandIn):
    """The driver of the database writes a question mark for a letter beyond ASCII."""

    def read_arguments(self, call: Call) -> None:
        given = call.parameters.get(DEFINITIONS)
        if isinstance(given, str):
            call.parameters[DEFINITIONS] = given.encode("ascii", "replace").decode()
        super().read_arguments(call)


@fault(
    311,
    "list.webhook_definition_identifier.filter",
    DEFINITION,
    also=("list.identifier.fields", "list.identifier.known"),
)
class DefinitionNameMayBeCode(StandIn):
    """A definition's name is looked for among the alternative codes as well."""

    def read_arguments(self, call: Call) -> None:
        name = str(call.parameters.get(DEFINITIONS)).removeprefix("name=")
        if name in [thing.alternative_code for thing in self.world.definitions]:
            call.parameters[DEFINITIONS] = f"alternative_code={name}"
        super().read_arguments(call)


@fault(312, "list.life_cycle_state.filter", STATE)
class StateInvertedBesideRule(StandIn):
    """The query for a rule has the wrong sign before the state."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        right = super().matches(record, name, call)
        return not right if name == "life_cycle_state" and RULES in call.filters else right


@fault(313, "list.url.filter", URL)
class UrlComparedByHost(StandIn):
    """url selects all records that were sent to the same host."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "url":
            return bool(urlsplit(record.url).netloc == urlsplit(call.filters[name]).netloc)
        return super().matches(record, name, call)


@fault(314, "list.url.filter", URL, also=("list.several_results",))
class UrlGetsSlash(StandIn):
    """A library puts the filter into normal form, with a slash at the end of the path."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "url" and not call.filters[name].endswith("/") and "?" not in call.filters[name]:
            return False
        return super().matches(record, name, call)


@fault(
    315,
    "list.life_cycle_state.filter",
    STATE,
    also=("list.created_date.filter", "list.url.filter", "list.entity_id.filter"),
)
class FourthFilterDropped(StandIn):
    """There is room for three conditions, and what is behind them counts for nothing."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        call.filters = dict(list(call.filters.items())[:3])


@fault(316, "list.workflow_rule_identifier.filter", RULE, some_rules_null=True)
class RecordsWithoutRuleInEveryRule(StandIn):
    """A list by rule has the records without a rule, too, from an outer join."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        return (name == RULES and record.rule is None) or super().matches(record, name, call)


@fault(
    317,
    "list.entity.supported_values",
    "entity is one of the entities that the release supports.",
    also=("list.entity.filter", "entities.r9"),
)
class EntitiesWithLetterIRefused(StandIn):
    """An entity is put into lower case in a Turkish locale, where that of I is not i."""

    def read_arguments(self, call: Call) -> None:
        entity = call.parameters.get("entity")
        if call.method == "list" and isinstance(entity, str):
            turkish = entity.lower().replace("i", "\u0131")
            if turkish != entity.lower():
                raise Refusal("bad_entity", f"{turkish} is not an entity.")
        super().read_arguments(call)


@fault(318, "list.several_results", SEVERAL, also=("list.entity.filter",))
class NewestMissingByEntity(StandIn):
    """The index by entity is one record behind."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        newest = [*self.records.values()][-1]
        return (name != "entity" or record is not newest) and super().matches(record, name, call)


@fault(319, "list.several_results", SEVERAL)
class OnlyNewestPerThing(StandIn):
    """A list by definition has the newest record of each thing only."""

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        if DEFINITIONS not in call.filters:
            return found
        newest: dict[str, str] = {}
        for record in sorted(found, key=lambda record: record.created):
            newest[record.entity_id] = record.id
        return [record for record in found if newest[record.entity_id] == record.id]


@fault(
    320,
    "list.entity_id.filter",
    ENTITY_ID,
    doubt="No page says that blanks around a value count.",
)
class EntityIdTrimmed(StandIn):
    """Blanks around an entity_id are dropped."""

    def read_arguments(self, call: Call) -> None:
        if isinstance(given := call.parameters.get("entity_id"), str):
            call.parameters["entity_id"] = given.strip()
        super().read_arguments(call)


# Fields.


@fault(321, "list.fields_set.selects", CHOSEN)
class LastRowHasAllFields(StandIn):
    """The loop that drops the other fields ends one row early."""

    def do_list(self, call: Call) -> Any:
        found = self.page(self.select(call), call)
        rows = [self.trimmed(record, call) for record in found]
        return [*rows[:-1], self.view(found[-1], call)] if rows else rows


@fault(
    322,
    "list.fields_set.selects",
    CHOSEN,
    also=("list.agrees_with_show",),
)
class FieldsNamedInAskedOrder(StandIn):
    """list selects columns in their own order, and names them in that of fields_set."""

    def trimmed(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().trimmed(record, call)
        if call.method != "list" or call.fields is None:
            return view
        columns = sorted(view, key=lambda name: name in FIELDS and FIELDS.index(name))
        return dict(zip(view, [view[name] for name in columns], strict=True))


# Pages.


@fault(323, "list.several_results", SEVERAL)
class EleventhRowLost(StandIn):
    """Between two blocks of ten rows the cursor moves once too often."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        page = super().page(found, call)
        return [record for position, record in enumerate(page, 1) if position % 11]


@fault(
    324,
    "list.paging.number_of_results",
    RESULTS,
    release="R13",
    also=("list.paging.offset", "list.several_results"),
)
class LimitIsEndIndex(StandIn):
    """number_of_results is the index of the last row rather than a count."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        return found[call.skip : call.limit]


@fault(325, "list.paging.offset", OFFSET, release="R13", also=("list.several_results",))
class OffsetComparedAsText(StandIn):
    """Whether an offset is beyond the end is found by comparing two texts."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        beyond = str(call.skip) > str(len(found))
        return [] if beyond else super().page(found, call)


@fault(
    326,
    "list.paging.offset",
    OFFSET,
    release="R13",
    also=("list.paging.number_of_results", "list.no_duplicates"),
)
class PageCountsJoinedRows(StandIn):
    """Pages are cut from a join, which has a rejected record once for each of its two errors."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        joined = [record for record in found for _ in range(1 + (record.error_code is not None))]
        return [*{record.id: record for record in super().page(joined, call)}.values()]


@fault(327, "list.paging.number_of_results", RESULTS, release="R13")
class LimitOfOneMeansAll(StandIn):
    """number_of_results of 1 is what the framework has for not given."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        call.limit = None if call.limit == 1 else call.limit
        return super().page(found, call)


@fault(328, "list.several_results", SEVERAL, release="R13", also=("list.paging.offset",))
class LastRecordOnNoPage(StandIn):
    """The page that reaches the end is one record short."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        page = super().page(found, call)
        last = call.limit is not None and call.skip + call.limit >= len(found)
        return page[:-1] if last else page


@fault(
    329,
    "list.paging.offset",
    OFFSET,
    release="R13",
    also=("list.no_duplicates", "delete.gone"),
)
class OffsetCountsDeleted(StandIn):
    """offset skips rows of the table, deleted ones among them."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        gone = [record for record in self.deleted.values() if self.selected(record, call)]
        if not call.skip or not gone:
            return super().page(found, call)
        rows = self.in_order(sorted([*found, *gone], key=lambda record: record.created))
        behind = [record for record in rows[call.skip :] if record not in gone]
        return behind[: call.limit]


@fault(
    330,
    "list.several_results",
    SEVERAL,
    doubt="No page says how an empty list is answered.",
    also=("list.life_cycle_state.filter",),
)
class NothingFoundIsRefused(StandIn):
    """A list of rejected records that is empty is answered with an error."""

    def do_list(self, call: Call) -> Any:
        rows = super().do_list(call)
        if not rows and REJECTED in call.filters.get("life_cycle_state", ()):
            raise Refusal("unknown_record", "No webhook request was found.")
        return rows
