"""The fifth set of faults, of what list selects and of what resend and delete change.

Its author knew the pages, this server and the faults of the first four sets, and not the kit.
"""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

from copy import copy
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from stand_in.fault import fault
from stand_in.reading import FIELDS, OPTIONAL, SEMI_OPTIONAL, Call, Refusal
from stand_in.server import StandIn
from stand_in.world import REJECTED, Record

SEVERAL = "list returns all webhook requests that have the given attributes."
DEFINITION = "webhook_definition_identifier selects the records of that definition."
STATE = "life_cycle_state selects the records in that state."
CREATED = "created_date selects records by when they were created."
OFFSET = "offset is the number of records that are skipped; 0 skips none."
RESULTS = "number_of_results is how many records are returned at most."
CHOSEN = "With fields_set exactly the named fields are returned, for each record."
GONE = "A deleted webhook request is found neither by show nor by list."
ONE_SENT = "One call sends one webhook request again and leaves all others as they are."
DEFINITIONS, RULES = SEMI_OPTIONAL[:2]

# Filters.


@fault(
    501,
    "list.created_date.filter",
    CREATED,
    also=("list.several_results",),
    created_date_meaning="day",
)
class SundayInNoPartition(StandIn):
    """A date selects a partition, one for each day from Monday to Saturday."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        nowhere = name == "created_date" and record.created.isoweekday() == 7
        return not nowhere and super().matches(record, name, call)


@fault(502, "list.created_date.filter", CREATED, created_date_meaning="day")
class DayOfRoundedMinute(StandIn):
    """The column of the filter is rounded to minutes, and 23:59:59 to the next day."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "created_date":
            moment = (record.created + timedelta(seconds=30)).replace(second=0)
            record = replace(record, created=moment)
        return super().matches(record, name, call)


@fault(
    503,
    "list.workflow_rule_identifier.filter",
    "workflow_rule_identifier selects the records that this rule triggered.",
)
class RuleCodeFoundThroughDefinitions(StandIn):
    """A rule that is named by its code selects all records of the definitions that it used."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == RULES and call.parameters[RULES].startswith("alternative_code="):
            return any(
                super(RuleCodeFoundThroughDefinitions, self).matches(other, name, call)
                for other in self.records.values()
                if other.definition is record.definition
            )
        return super().matches(record, name, call)


@fault(504, "list.entity_id.filter", "entity_id selects the records of the thing with that id.")
class OneLetterIsNoiseWord(StandIn):
    """The search engine drops an entity_id of one letter, as it does with all short words."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        dropped = name == "entity_id" and len(call.filters[name][0]) == 1
        return dropped or super().matches(record, name, call)


@fault(505, "list.url.filter", "url selects records by the URL that they were sent to.")
class UrlSelectsDefinitionsThatUsedIt(StandIn):
    """url finds definitions in the history of their URLs, and all records of those."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name != "url":
            return super().matches(record, name, call)
        same = [r for r in self.records.values() if r.definition is record.definition]
        return any(
            super(UrlSelectsDefinitionsThatUsedIt, self).matches(r, name, call) for r in same
        )


@fault(506, "list.webhook_definition_identifier.filter", DEFINITION)
class OldDefinitionCountsAsFirst(StandIn):
    """The first definition took over the records of the one that is not effective any more."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == DEFINITIONS and not record.definition.effective:
            found = call.filters[name]
            return record.definition in found or self.world.definitions[0] in found
        return super().matches(record, name, call)


@fault(507, "list.entity.filter", "entity selects the records of that entity.")
class ServiceRequestsAreActivities(StandIn):
    """A query for fields of ACTIVITIES selects SERVICEREQUESTS, too, for they inherit from it."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        heir = record.entity == "SERVICEREQUESTS" and call.fields is not None
        if name == "entity" and heir and "ACTIVITIES" in call.filters[name]:
            return True
        return super().matches(record, name, call)


@fault(508, "list.life_cycle_state.filter", STATE, also=("list.several_results",))
class StateOfThingFiltered(StandIn):
    """Beside an entity_id the state is that of the newest record of the thing."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "life_cycle_state" and "entity_id" in call.filters:
            same = [r for r in self.records.values() if r.entity_id == record.entity_id]
            record = same[-1]
        return super().matches(record, name, call)


@fault(
    509,
    "list.life_cycle_state.filter",
    STATE,
    also=("list.url.filter", "list.created_date.filter"),
)
class ContinuationForgetsOptionalFilters(StandIn):
    """Rows come in blocks of five; from the second block on the optional filters are missing."""

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        filters = {name: value for name, value in call.filters.items() if name not in OPTIONAL}
        if len(found) <= 5 or len(filters) == len(call.filters):
            return found
        everything = super().select(replace(call, filters=filters))
        return found[:5] + everything[everything.index(found[4]) + 1 :]


@fault(
    510,
    "list.several_results",
    SEVERAL,
    also=("list.life_cycle_state.filter",),
)
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


# Fields.


@fault(511, "list.fields_set.selects", CHOSEN, also=("show.fields_set.selects",))
class FieldsOutOfOrderLost(StandIn):
    """The names are merged with the columns, and one that comes before the last is lost."""

    def wanted_fields(self, call: Call, names: list[str]) -> list[str]:
        kept, last = [], -1
        for name in super().wanted_fields(call, names):
            position = FIELDS.index(name) if name in FIELDS else len(FIELDS)
            if position > last:
                kept.append(name)
                last = position
        return kept


@fault(
    512,
    "list.fields_set.selects",
    CHOSEN,
    also=("show.fields_set.selects", "response.log_information"),
)
class LogFlattenedWithFields(StandIn):
    """The members of log_information are members of the record where fields_set names it."""

    def trimmed(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().trimmed(record, call)
        if call.fields is None or "log_information" not in view:
            return view
        log = view.pop("log_information")
        return {**view, **log}


@fault(513, "list.fields_set.selects", CHOSEN, also=("show.fields_set.selects",))
class PrefixFieldSwallowed(StandIn):
    """A name that another name begins with is dropped as contained: entity beside entity_id."""

    def wanted_fields(self, call: Call, names: list[str]) -> list[str]:
        names = super().wanted_fields(call, names)
        return [n for n in names if not any(o != n and o.startswith(n) for o in names)]


# Pages.


@fault(514, "list.paging.offset", OFFSET, release="R13", also=("list.several_results",))
class OffsetRoundedToPage(StandIn):
    """The server counts pages: an offset is rounded down to the beginning of one."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        beyond = call.skip % call.limit if call.limit else 0
        return super().page(found, replace(call, skip=call.skip - beyond))


@fault(515, "list.paging.offset", OFFSET, release="R13", also=("list.several_results",))
class OffsetTakenOffTheEnd(StandIn):
    """offset drops so many records at the end."""

    def page(self, found: list[Record], call: Call) -> list[Record]:
        left = found[: max(0, len(found) - call.skip)]
        return super().page(left, replace(call, skip=0))


@fault(
    516,
    "list.paging.number_of_results",
    RESULTS,
    release="R13",
    also=("list.several_results",),
)
class LimitOfFirstPageKept(StandIn):
    """The query of a session is prepared with the number_of_results that came first."""

    def set_up(self) -> None:
        self.limits: dict[Any, int] = {}

    def page(self, found: list[Record], call: Call) -> list[Record]:
        if call.limit is not None:
            limit = self.limits.setdefault(call.parameters.get("token"), call.limit)
            call = replace(call, limit=limit)
        return super().page(found, call)


@fault(
    517,
    "list.paging.number_of_results",
    RESULTS,
    release="R13",
    also=("list.several_results", "list.fields_set.default_all", "response.id"),
)
class PageEndsWithTotal(StandIn):
    """The last element of a page is no record but an object with the number of all results."""

    def do_list(self, call: Call) -> Any:
        rows = super().do_list(call)
        total = {"total": str(len(self.select(call)))}
        return rows if call.limit is None else [*rows, total]


# What resend changes.


@fault(
    518,
    "list.agrees_with_show",
    "list and show return the same values.",
    also=("list.life_cycle_state.filter", "resend.success_is_successful"),
)
class FieldsListShowsOldState(StandIn):
    """A list with fields_set is read from an index that keeps the state before a resend."""

    def set_up(self) -> None:
        self.index = {record.id: record.life_cycle_state for record in self.records.values()}

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list" and call.fields is not None:
            view["life_cycle_state"] = self.index.get(record.id, record.life_cycle_state)
        return view


@fault(519, "list.life_cycle_state.filter", STATE, also=("list.several_results",))
class ResentInNeitherState(StandIn):
    """A resend takes a record out of the index of its state, and never puts it into another."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        nowhere = name == "life_cycle_state" and record.sends > 1
        return not nowhere and super().matches(record, name, call)


@fault(520, "resend.single_result", ONE_SENT)
class ResendSupersedesOlder(StandIn):
    """A resend with success removes what was rejected before of the same thing as outdated."""

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        if record.life_cycle_state == REJECTED:
            return
        for other in [*self.records.values()]:
            same = other.entity_id == record.entity_id and other.created < record.created
            if same and other.life_cycle_state == REJECTED:
                self.remove(other)


@fault(
    521,
    "delete.either_state",
    "SUCCESSFUL and REJECTED webhook requests alike can be deleted.",
    also=("errors.change_nothing",),
)
class RefusedResendLocksRecord(StandIn):
    """A resend that is refused leaves its lock on the record, which delete then refuses."""

    def set_up(self) -> None:
        self.locked: set[str] = set()

    def may_resend(self, record: Record, call: Call) -> bool:
        may = super().may_resend(record, call)
        if not may:
            self.locked.add(record.id)
        return may

    def do_delete(self, call: Call) -> Any:
        if self.find(call).id in self.locked:
            raise Refusal("bad_parameter", "The webhook request is in use.")
        return super().do_delete(call)


@fault(
    522,
    "resend.identifier.selects",
    "The webhook request that is named is sent again.",
    also=("resend.single_result", "resend.sends_again"),
)
class ResendTakesHeadOfQueue(StandIn):
    """resend puts a record into a queue by definition, and sends the oldest one in that."""

    def send_again(self, record: Record) -> None:
        for head in self.records.values():
            if head.definition is record.definition and head.life_cycle_state == REJECTED:
                super().send_again(head)
                return


@fault(
    523,
    "list.several_results",
    SEVERAL,
    also=("list.life_cycle_state.filter",),
    resend_succeeds="some",
)
class FailedResendWaitsOutsideLists(StandIn):
    """A record that was sent again without success is in a queue, and in no list."""

    def selected(self, record: Record, call: Call) -> bool:
        waits = record.sends > 1 and record.life_cycle_state == REJECTED
        return not waits and super().selected(record, call)


# What delete changes.


@fault(524, "list.life_cycle_state.filter", STATE, also=("delete.single_result",))
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


@fault(
    525,
    "list.several_results",
    SEVERAL,
    also=("delete.gone", "list.fields_set.default_all"),
)
class NullForDeletedRow(StandIn):
    """A list by definition has null where a record was deleted, from an outer join."""

    def do_list(self, call: Call) -> Any:
        rows = super().do_list(call)
        joined = DEFINITIONS in call.filters
        gone = [
            record for record in self.deleted.values() if joined and self.selected(record, call)
        ]
        return [*rows, *[None for _ in gone]]


@fault(526, "delete.gone", GONE)
class DeleteUncoversOlderVersion(StandIn):
    """A resend makes a new version; a deletion takes that, and the rejected one is found again."""

    def set_up(self) -> None:
        self.versions: dict[str, Record] = {}

    def send_again(self, record: Record) -> None:
        self.versions[record.id] = copy(record)
        super().send_again(record)

    def remove(self, record: Record) -> None:
        super().remove(record)
        if older := self.versions.pop(record.id, None):
            self.records[record.id] = older


@fault(
    527,
    "list.created_date.filter",
    CREATED,
    also=("list.several_results", "delete.single_result"),
    created_date_meaning="day",
)
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


@fault(
    528,
    "list.webhook_definition_identifier.filter",
    DEFINITION,
    also=("list.identifier.fields", "list.several_results"),
)
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


@fault(529, "delete.gone", GONE, also=("resend.sends_again",))
class NextActionLostAfterRefusal(StandIn):
    """A refused action leaves its transaction to the next, which is answered and rolled back."""

    def set_up(self) -> None:
        self.spoiled = False

    def run(self, call: Call) -> Any:
        if call.method not in ("resend", "delete"):
            return super().run(call)
        spoiled, self.spoiled = self.spoiled, True
        before = {record.id: copy(record) for record in self.records.values()}
        gone = dict(self.deleted)
        data = super().run(call)
        self.spoiled = False
        if spoiled:
            self.records.clear()
            self.records.update(before)
            self.deleted = gone
        return data
