"""The fourth set of faults, of what list selects and of its pages.

Its author knew the pages, this server and the faults of the first three sets, and not the kit.
"""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from stand_in.fault import fault
from stand_in.reading import OPTIONAL, SEMI_OPTIONAL, Call, Refusal
from stand_in.server import StandIn
from stand_in.world import FIRST_DAY, Record

SEVERAL = "list returns all webhook requests that have the given attributes."
DEFINITION = "webhook_definition_identifier selects the records of that definition."
RULE = "workflow_rule_identifier selects the records that this rule triggered."
URL = "url selects records by the URL that they were sent to."
CREATED = "created_date selects records by when they were created."
STATE = "life_cycle_state selects the records in that state."
OFFSET = "offset is the number of records that are skipped; 0 skips none."
CHOSEN = "With fields_set exactly the named fields are returned, for each record."
DEFINITIONS, RULES = SEMI_OPTIONAL[:2]

# Filters.


@fault(401, "list.life_cycle_state.filter", STATE, also=("list.url.filter", "list.several_results"))
class FieldsTrimmedBeforeFilter(StandIn):
    """Rows are filtered after fields_set: a state or URL that it does not name fits no row."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        dropped = call.fields is not None and name in OPTIONAL[:2] and name not in call.fields
        return not dropped and super().matches(record, name, call)


@fault(402, "list.life_cycle_state.filter", STATE, also=("list.several_results",))
class StateOfDefinitionFiltered(StandIn):
    """Beside a definition the state is compared with that of the definition, its namesake."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        other = name == "life_cycle_state" and DEFINITIONS in call.filters
        return not other and super().matches(record, name, call)


@fault(
    403,
    "list.created_date.filter",
    CREATED,
    also=("list.several_results",),
    created_date_meaning="day",
)
class DateBesideRuleIsMoment(StandIn):
    """Beside a rule a day selects only what was created in its first second."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "created_date" and RULES in call.filters:
            return bool(record.created == call.filters[name][0])
        return super().matches(record, name, call)


@fault(404, "list.created_date.filter", CREATED, created_date_meaning="day")
class DayHasTwoHoursMore(StandIn):
    """A day begins in the zone of the database, and ends in one two hours west of it."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if "created_date" in call.filters:
            start, end = call.filters["created_date"]
            call.filters["created_date"] = start, end + timedelta(hours=2)


@fault(405, "list.created_date.filter", CREATED, created_date_meaning="day")
class EmptyDayTakesDayBefore(StandIn):
    """A day without a result yields the last day before it, as a sorted index does."""

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        span = call.filters.get("created_date")
        if found or span is None:
            return found
        others = {name: value for name, value in call.filters.items() if name != "created_date"}
        everything = super().select(replace(call, filters=others))
        earlier = [record for record in everything if record.created < span[0]]
        last = max((record.created.date() for record in earlier), default=None)
        return [record for record in earlier if record.created.date() == last]


@fault(406, "list.entity_id.filter", "entity_id selects the records of the thing with that id.")
class EntityIdOrUser(StandIn):
    """entity_id selects the records, too, that the user with this id created."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        author = record.created_by
        if name == "entity_id" and author and author.user["id"] in call.filters[name]:
            return True
        return super().matches(record, name, call)


@fault(407, "list.url.filter", URL, also=("list.several_results",))
class UrlLosesPort(StandIn):
    """A URL is put together again from its host and path, without its port."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if "url" in call.filters:
            call.filters["url"] = re.sub(r":[0-9]+(?=/)", "", call.filters["url"])


@fault(408, "list.workflow_rule_identifier.filter", RULE, also=("list.several_results",))
class RuleForgetsBeforeAmendment(StandIn):
    """A rule was amended on the fourth day, and the records of its older version are not listed."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        older = name == RULES and record.created < FIRST_DAY + timedelta(days=3)
        return not older and super().matches(record, name, call)


@fault(
    409,
    "list.webhook_definition_identifier.filter",
    DEFINITION,
    also=("list.several_results",),
)
class OldDefinitionUnknown(StandIn):
    """A definition that is not effective any more is refused as unknown."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        for definition in call.filters.get(DEFINITIONS, ()):
            if not definition.effective:
                raise Refusal("unknown_definition", f"{DEFINITIONS} names nothing that exists.")


@fault(
    410,
    "list.several_results",
    SEVERAL,
    also=("list.life_cycle_state.filter", "list.workflow_rule_identifier.filter"),
)
class RuleAndStateAskOneShard(StandIn):
    """Only one of two databases is asked for a rule together with a state."""

    def selected(self, record: Record, call: Call) -> bool:
        elsewhere = ord(record.id[-1]) % 2 and {RULES, "life_cycle_state"} <= set(call.filters)
        return not elsewhere and super().selected(record, call)


@fault(
    411,
    "list.created_date.filter",
    CREATED,
    also=("list.several_results",),
    created_date_meaning="exact",
)
class SecondsDroppedFromMoment(StandIn):
    """The moment in created_date loses its seconds, and the column does not."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if "created_date" in call.filters:
            start = call.filters["created_date"][0].replace(second=0)
            call.filters["created_date"] = start, start + timedelta(seconds=1)


@fault(
    412,
    "list.semi_optional.several_allowed",
    "Several of the four parameters that are marked semi-optional are allowed together.",
    also=("list.webhook_definition_identifier.filter", "list.several_results"),
)
class IdentifiersShareVariable(StandIn):
    """A definition and a rule that are named by the same field get the value of the rule both."""

    def read_arguments(self, call: Call) -> None:
        texts = [str(call.parameters.get(name, "")).partition("=")[0] for name in SEMI_OPTIONAL[:2]]
        if texts[0] and texts[0] == texts[1]:
            call.parameters[DEFINITIONS] = call.parameters[RULES]
        super().read_arguments(call)


# Fields.


@fault(
    413,
    "list.fields_set.selects",
    CHOSEN,
    also=("list.agrees_with_show", "response.error_fields.null"),
)
class ColumnsOfFirstRow(StandIn):
    """With fields_set the columns are those that have a value in the first row."""

    def do_list(self, call: Call) -> Any:
        rows = super().do_list(call)
        if call.fields is None or not rows:
            return rows
        columns = [name for name, value in rows[0].items() if value is not None]
        return [{name: row[name] for name in columns if name in row} for row in rows]


@fault(
    414,
    "list.fields_set.selects",
    CHOSEN,
    also=(
        "list.agrees_with_show",
        "response.webhook_definition",
        "response.webhook_definition.identifier_fields",
        "response.workflow_rule",
        "response.workflow_rule.identifier_fields",
        "response.log_information.dates",
    ),
)
class FieldsPruneNested(StandIn):
    """fields_set drops members of the objects inside a row as well, unless they have its names."""

    def trimmed(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().trimmed(record, call)
        if call.method != "list" or call.fields is None:
            return view
        wanted = set(call.fields)
        return {
            name: {member: value[member] for member in value if member in wanted}
            if isinstance(value, dict)
            else value
            for name, value in view.items()
        }


@fault(415, "list.several_results", SEVERAL, also=("list.fields_set.selects",))
class ErrorFieldsDropSuccessful(StandIn):
    """A field of an error in fields_set joins the errors, and rows without one are not listed."""

    def selected(self, record: Record, call: Call) -> bool:
        joined = {"error_code", "error_description"} & set(call.fields or ())
        return (not joined or record.error_code is not None) and super().selected(record, call)


# Pages.


@fault(416, "list.paging.offset", OFFSET, release="R13", also=("list.several_results",))
class OffsetAppliedTwice(StandIn):
    """Beside an optional filter the database skips the first rows, and so does the code."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        twice = any(name in call.filters for name in OPTIONAL)
        return super().page(found[call.skip :] if twice else found, call)


@fault(417, "list.paging.offset", OFFSET, release="R13", also=("list.paging.numbers",))
class ZeroOffsetRefused(StandIn):
    """An offset must be greater than zero."""

    def read_arguments(self, call: Call) -> None:
        super().read_arguments(call)
        if call.method == "list" and call.parameters.get("offset") == "0":
            raise Refusal("bad_paging", "offset must be positive.")


@fault(
    418,
    "list.paging.number_of_results",
    "number_of_results is how many records are returned at most.",
    release="R13",
)
class PageWithTies(StandIn):
    """A page goes on with all records that were created on the day of its last one."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        page = super().page(found, call)
        if call.limit is None or not page:
            return page
        for record in found[call.skip + call.limit :]:
            if record.created.date() != page[-1].created.date():
                break
            page.append(record)
        return page


@fault(419, "list.paging.offset", OFFSET, release="R13", also=("list.several_results",))
class OffsetFromLastPage(StandIn):
    """offset moves on from where the last page of the same token ended."""

    def set_up(self) -> None:
        self.ends: dict[Any, int] = {}

    def page(self, found: list[Record], call: Call) -> list[Record]:
        token = call.parameters.get("token")
        start = call.skip + self.ends.get(token, 0) if call.skip else 0
        page = super().page(found, replace(call, skip=start))
        self.ends[token] = start + len(page) if call.limit is not None else 0
        return page


@fault(
    420,
    "list.paging.offset",
    OFFSET,
    release="R13",
    also=("list.several_results", "list.no_duplicates"),
)
class SkippedAndReturnedInTwoOrders(StandIn):
    """Skipped are the first rows, and of what is left those with the lowest ids are returned."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        rest = found[call.skip :]
        if call.limit is None:
            return rest
        return sorted(rest, key=lambda record: record.id)[: call.limit]
