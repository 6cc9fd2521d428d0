"""The second set of faults, of what list selects and of its pages; see ``faults_second``."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from stand_in.fault import fault
from stand_in.reading import OPTIONAL, PAGING, SEMI_OPTIONAL, Call, Refusal, Request
from stand_in.server import StandIn
from stand_in.world import R15_ENTITIES, Record, entities_of

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
DEFINITIONS, RULES = SEMI_OPTIONAL[:2]

# Filters.


@fault(224, "list.url.filter", URL)
class UrlOfDefinitionFiltered(StandIn):
    """url is compared with the URL that the definition has now."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "url":
            record = replace(record, url=record.definition.url)
        return super().matches(record, name, call)


@fault(225, "list.url.filter", URL)
class UrlComparedBackwards(StandIn):
    """url selects the records whose URLs it begins with."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "url":
            return str(call.filters[name]).startswith(record.url)
        return super().matches(record, name, call)


@fault(
    226,
    "list.created_date.filter",
    CREATED,
    doubt="How a date is written in a request is not documented.",
)
class DayAndMonthSwapped(StandIn):
    """created_date is read with the day before the month where that makes a date."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if "created_date" in call.filters:
            start, end = call.filters["created_date"]
            if start.day <= 12:
                swapped = start.replace(day=start.month, month=start.day)
                call.filters["created_date"] = swapped, end and swapped + (end - start)


@fault(227, "list.created_date.filter", CREATED, created_date_meaning="exact")
class AfternoonReadAsMorning(StandIn):
    """The hour of created_date is read as one of twelve."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if "created_date" in call.filters:
            start, end = call.filters["created_date"]
            shift = timedelta(hours=12 if start.hour > 12 else 0)
            call.filters["created_date"] = start - shift, end and end - shift


@fault(228, "list.life_cycle_state.filter", STATE)
class StateAndOrEntityId(StandIn):
    """Beside a state the condition is: everything else, or the entity_id."""

    def selected(self, record: Record, call: Call) -> bool:
        if not {"entity_id", "life_cycle_state"} <= set(call.filters):
            return super().selected(record, call)
        others = [name for name in call.filters if name != "entity_id"]
        return self.matches(record, "entity_id", call) or all(
            self.matches(record, name, call) for name in others
        )


@fault(229, "list.entity_id.filter", ENTITY_ID, number_form="digits")
class EntityIdOrNumber(StandIn):
    """entity_id selects the record with that number, too."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "entity_id" and record.number in call.filters[name]:
            return True
        return super().matches(record, name, call)


@fault(230, "list.workflow_rule_identifier.filter", RULE)
class RuleNameFromDefinition(StandIn):
    """A rule's name is compared with the name of the definition."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == RULES and str(call.parameters[RULES]).startswith("name="):
            return record.definition.name in [rule.name for rule in call.filters[name]]
        return super().matches(record, name, call)


@fault(
    231,
    "list.identifier.fields",
    "The fields of workflow_rule_identifier are id, name and alternative_code.",
)
class RuleCodeNotSupported(StandIn):
    """A rule's alternative_code is refused."""

    def read_arguments(self, call: Call) -> None:
        if str(call.parameters.get(RULES)).startswith("alternative_code="):
            raise Refusal("bad_parameter", "alternative_code is no field of the identifier.")
        super().read_arguments(call)


@fault(232, "list.webhook_definition_identifier.filter", DEFINITION)
class DefinitionIdMayBeRule(StandIn):
    """The id of a definition is looked for among the rules as well."""

    def read_arguments(self, call: Call) -> None:
        given = str(call.parameters.get(DEFINITIONS))
        if given in [f"id={rule.id}" for rule in self.world.rules]:
            call.parameters.setdefault(RULES, call.parameters.pop(DEFINITIONS))
        super().read_arguments(call)


@fault(233, "list.several_results", SEVERAL)
class DistinctOverFields(StandIn):
    """With fields_set equal rows are returned once."""

    def do_list(self, call: Call) -> Any:
        rows = super().do_list(call)
        return rows if call.fields is None else list({repr(row): row for row in rows}.values())


@fault(234, "list.entity.filter", ENTITY, release="R15")
class EntitiesShifted(StandIn):
    """An entity was put in the middle: from REFUNDS on the filter takes the next one."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        names = entities_of(self.release, self.choices)
        if name == "entity" and "REFUNDS" in names:
            later = names[names.index("REFUNDS") :]
            taken = dict(zip(later, (*later[1:], ""), strict=True))
            return record.entity in [taken.get(value, value) for value in call.filters[name]]
        return super().matches(record, name, call)


@fault(
    235,
    "list.entity.supported_values",
    "entity is one of the entities that the release supports.",
    release="R13",
    doubt="No page says that another entity is refused rather than found nowhere.",
)
class EntitiesOfLaterRelease(StandIn):
    """list takes the entities of R15 in R13, and finds nothing."""

    def read_arguments(self, call: Call) -> None:
        entity = call.parameters.get("entity")
        if call.method != "list" or entity not in ("LEADS", *R15_ENTITIES):
            super().read_arguments(call)
            return
        call.parameters["entity"] = "JOBS"
        super().read_arguments(call)
        call.filters["entity"] = [entity]


@fault(236, "list.life_cycle_state.filter", STATE)
class SlashDropsOptionalFilters(StandIn):
    """With a slash behind the path url, life_cycle_state and created_date are not read."""

    def route(self, request: Request) -> Call:
        self.slash = request.path.endswith("/")
        return super().route(request)

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if self.slash:
            call.filters = {k: value for k, value in call.filters.items() if k not in OPTIONAL}


@fault(237, "list.webhook_definition_identifier.filter", DEFINITION)
class QueryDecodedBeforeSplit(StandIn):
    """A query is decoded as a whole, then split and decoded again."""

    def route(self, request: Request) -> Call:
        return super().route(replace(request, query=unquote(request.query)))


@fault(
    238,
    "list.entity_id.filter",
    ENTITY_ID,
    doubt="No page says that letters of ids differ by case.",
)
class EntityIdInAnyCase(StandIn):
    """entity_id is compared without regard to case."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "entity_id":
            return record.entity_id.lower() == str(call.filters[name][0]).lower()
        return super().matches(record, name, call)


# Pages.


@fault(239, "list.paging.number_of_results", RESULTS, release="R13")
class LimitAboveTenIgnored(StandIn):
    """number_of_results counts for nothing above 10."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        if call.limit is not None and call.limit > 10:
            call.limit = None
        return super().page(found, call)


@fault(240, "list.paging.offset", OFFSET, release="R13", order="number")
class TiesInOtherOrder(StandIn):
    """Records of one second change places on every other page."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        if call.limit and call.skip // call.limit % 2:
            groups = groupby(found, key=lambda record: record.created)
            found = [record for _, group in groups for record in [*group][::-1]]
        return super().page(found, call)


@fault(241, "list.paging.number_of_results", RESULTS, release="R13")
class PagingIgnoredWithFields(StandIn):
    """Paging counts for nothing where fields_set is given."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        return super().page(found, call) if call.fields is None else found


@fault(242, "list.paging.offset", OFFSET, release="R13")
class LastPageFilledUp(StandIn):
    """The last page begins earlier, so that it is full."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        if call.limit is not None and call.skip < len(found):
            call.skip = max(0, min(call.skip, len(found) - call.limit))
        return super().page(found, call)


@fault(243, "list.paging.offset", OFFSET, release="R13")
class PagingBoundInOrder(StandIn):
    """The two numbers of paging are bound in the order in which they are written."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        order = [name for name in call.written if name in PAGING]
        if order == [*PAGING] and call.limit is not None:
            call.limit, call.skip = call.skip, call.limit
        return super().page(found, call)


@fault(244, "list.paging.number_of_results", RESULTS, release="R13")
class LimitForEachState(StandIn):
    """number_of_results counts for each state by itself."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        page, counts = list[Record](), dict[str, int]()
        for record in found[call.skip :]:
            counts[record.life_cycle_state] = counts.get(record.life_cycle_state, 0) + 1
            if call.limit is None or counts[record.life_cycle_state] <= call.limit:
                page.append(record)
        return page


@fault(245, "list.paging.number_of_results", RESULTS, release="R13")
class PagePaddedWithNull(StandIn):
    """A page that is not full is filled up with null."""

    def do_list(self, call: Call) -> Any:
        rows = super().do_list(call)
        missing = min(call.limit or 0, 100) - len(rows)
        return rows + [None] * missing if rows else rows


@fault(246, "list.paging.number_of_results", RESULTS, release="R13")
class PagingOnlyAfterR13(StandIn):
    """The release is compared with a sign that excludes R13 itself."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        return super().page(found, call) if self.key > (13, 0) else found


@fault(
    247,
    "list.several_results",
    SEVERAL,
    doubt="No page says how many records a list has at most.",
)
class ListCappedBeforePaging(StandIn):
    """A list has twelve records at most, before there is any paging."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        return super().page(found[:12] if self.key < (13, 0) else found, call)
