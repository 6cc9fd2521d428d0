"""The third set of faults, of what resend and delete change; see ``faults_third_lists``."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

import struct
from copy import copy
from datetime import datetime, timedelta
from typing import Any

from stand_in.fault import fault
from stand_in.faults_second_answers import Viewing
from stand_in.reading import Call
from stand_in.server import StandIn
from stand_in.world import REJECTED, SUCCESSFUL, Record

GONE = "A deleted webhook request is found neither by show nor by list."
ONE_DELETED = "One call deletes one webhook request and leaves all others as they are."
ONE_SENT = "One call sends one webhook request again, returns that one and leaves all others."
DELETED = "delete returns the deleted webhook request with its response fields."
STATE = "life_cycle_state selects the records in that state."

# What resend changes.


@fault(
    331,
    "resend.identity_kept",
    "resend updates a record in its place, with the number that it had.",
    doubt="That the number stays is seen in an example only.",
    also=("resend.same_record",),
)
class ResendGivesNewNumber(StandIn):
    """A record that was sent again has the next number of the sequence."""

    def succeed(self, record: Record) -> None:
        super().succeed(record)
        self.world.created_so_far += 1
        record.number = self.world.number(self.world.created_so_far)


@fault(332, "response.url", "url is the URL that the webhook request was sent to.")
class ResendTakesNextUrl(StandIn):
    """The URL of a record that was sent again is that of the definition behind its own."""

    def succeed(self, record: Record) -> None:
        super().succeed(record)
        definitions = self.world.definitions
        behind = (definitions.index(record.definition) + 1) % len(definitions)
        record.url = definitions[behind].url


@fault(
    333,
    "resend.single_result",
    ONE_SENT,
    also=("resend.returns_record", "resend.identifier.selects"),
)
class ResendAnswersWithFirst(StandIn):
    """The object that answers is kept: later resends return the record of the first."""

    def set_up(self) -> None:
        self.first: Record | None = None

    def do_resend(self, call: Call) -> Any:
        answer = super().do_resend(call)
        if self.first is None:
            self.first = self.find(call)
            return answer
        return self.trimmed(self.first, call)


@fault(334, "resend.single_result", ONE_SENT)
class ResendTouchesRecordBefore(StandIn):
    """Who changed a record last, and when, is written into the row before it."""

    def touch(self, record: Record) -> None:
        everything = [*self.records]
        if record.id in everything:
            record = self.records[everything[everything.index(record.id) - 1]]
        super().touch(record)


@fault(335, "list.life_cycle_state.filter", STATE)
class ResentInBothStates(StandIn):
    """A resend adds a record to the index of its new state, and leaves it in that of the old."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "life_cycle_state" and record.sends > 1:
            return True
        return super().matches(record, name, call)


@fault(
    336,
    "resend.clears_error",
    "error_code and error_description are null after a resend with success.",
    doubt="That they are null and not empty is seen in an example only.",
    also=(
        "response.error_fields.null",
        "response.error_code.only_rejected",
        "response.error_description.only_rejected",
    ),
)
class ResendClearsToEmptyText(StandIn):
    """A resend sets the two texts of an error to empty texts."""

    def succeed(self, record: Record) -> None:
        super().succeed(record)
        record.error_code = record.error_description = ""


@fault(
    337,
    "resend.sends_again",
    "resend sends a rejected webhook request again.",
    doubt="What follows an attempt without success is not documented.",
    resend_succeeds="some",
)
class ResendOnlyOnce(StandIn):
    """A record that was sent again without success cannot be sent a third time."""

    def may_resend(self, record: Record, call: Call) -> bool:
        return record.sends == 1 and super().may_resend(record, call)


@fault(
    338,
    "resend.returns_record",
    "resend returns the webhook request as it is.",
    also=("resend.failure_stays_rejected", "response.life_cycle_state"),
    resend_succeeds="some",
)
class FailedResendAnsweredAsSuccessful(Viewing):
    """The answer of resend is made before the receiver has refused what was sent."""

    in_methods = ("resend",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view |= {"life_cycle_state": SUCCESSFUL, "error_code": None, "error_description": None}


@fault(
    339,
    "response.log_information.users",
    "created_by_user is the user who created the webhook request.",
    doubt="What a resend does to log_information is not documented.",
    also=("response.log_information.units",),
)
class ResendChangesCreator(StandIn):
    """Who sent a record again is kept as its creator, too."""

    def succeed(self, record: Record) -> None:
        super().succeed(record)
        record.created_by = self.world.people[0]


@fault(
    340,
    "response.log_information.dates_in_order",
    "updated_date is when the record was changed last, and not before created_date.",
    also=("response.log_information.dates",),
)
class ResendDateIn1970(StandIn):
    """The seconds of a resend's time are taken for milliseconds."""

    def touch(self, record: Record) -> None:
        super().touch(record)
        passed = timedelta(seconds=int(self.now) // 1000)
        record.updated = datetime(1970, 1, 1) + passed  # noqa: DTZ001 - a wall clock


@fault(
    341,
    "errors.change_nothing",
    "A call that is refused changes no webhook request.",
    doubt="No page says that a refusal leaves no trace.",
    also=("resend.only_rejected",),
)
class RefusedResendTouchesLog(StandIn):
    """A resend notes its user and time before it looks at the state."""

    def may_resend(self, record: Record, call: Call) -> bool:
        self.touch(record)
        return super().may_resend(record, call)


@fault(
    342,
    "resend.identifier.selects",
    "The webhook request that is named is sent again.",
    also=("resend.single_result", "resend.sends_again"),
    number_form="large",
)
class ResendComparesFloats(StandIn):
    """resend compares numbers as floats of 32 bits, and takes the first that is equal."""

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        if call.method != "resend" or name != "number" or not value.isdigit():
            return super().names(record, name, value, call)
        one, other = (struct.pack("f", float(text[:30])) for text in (record.number, value))
        return one == other


# What delete changes.


@fault(343, "delete.single_result", ONE_DELETED)
class DeleteTouchesDefinition(StandIn):
    """A deletion sets updated_date of the other records of the same definition."""

    def remove(self, record: Record) -> None:
        super().remove(record)
        for other in self.records.values():
            if other.definition is record.definition:
                self.touch(other)


@fault(344, "delete.single_result", ONE_DELETED, also=("response.workflow_rule",))
class DeleteTakesRuleAlong(StandIn):
    """What joins rule and definition is deleted with a record: others of both lose their rule."""

    def remove(self, record: Record) -> None:
        super().remove(record)
        for other in self.records.values():
            if other.definition is record.definition and other.rule is record.rule:
                other.rule = None


@fault(
    345,
    "delete.single_result",
    ONE_DELETED,
    also=("list.entity_id.filter", "list.several_results"),
)
class DeleteDropsNextFromIndex(StandIn):
    """In the index by entity_id the entry behind the deleted one is skipped from then on."""

    def set_up(self) -> None:
        self.lost: set[str] = set()

    def remove(self, record: Record) -> None:
        same = [r.id for r in self.records.values() if r.entity_id == record.entity_id]
        behind = same.index(record.id) + 1
        self.lost.update(same[behind : behind + 1])
        super().remove(record)

    def matches(self, record: Record, name: str, call: Call) -> bool:
        lost = name == "entity_id" and record.id in self.lost
        return not lost and super().matches(record, name, call)


@fault(
    346,
    "delete.identifier.selects",
    "The webhook request that is named is deleted.",
    also=("delete.single_result", "delete.gone"),
)
class DeleteByNumberTakesLastShown(StandIn):
    """A session keeps the record that it showed last, and delete by number takes that."""

    def set_up(self) -> None:
        self.last: dict[Any, str] = {}

    def find(self, call: Call) -> Record:
        record = super().find(call)
        token = call.parameters.get("token")
        if call.method == "show":
            self.last[token] = record.id
        by_number = call.method == "delete" and call.identifier[0] == "number"
        return self.records.get(self.last.pop(token, ""), record) if by_number else record


@fault(347, "delete.gone", GONE)
class EmptyListShowsDeleted(StandIn):
    """An index whose last entry is deleted is not written: lists that are empty have it still."""

    def select(self, call: Call) -> list[Record]:
        gone = [record for record in self.deleted.values() if self.selected(record, call)]
        return super().select(call) or gone[-1:]


@fault(
    348,
    "delete.returns_record",
    DELETED,
    also=("response.webhook_definition", "response.workflow_rule"),
)
class DeleteAnswersWithoutReferred(Viewing):
    """delete reads definition and rule when the record is no longer joined to them."""

    in_methods = ("delete",)

    def change(self, view: dict[str, Any], _record: Record) -> None:
        view |= {"webhook_definition": None, "workflow_rule": None}


@fault(
    349,
    "delete.returns_record",
    DELETED,
    doubt="No page says that delete returns the last state of a record.",
    also=("response.life_cycle_state",),
)
class DeleteShowsStateBeforeResend(StandIn):
    """delete returns a record as it was before it was sent again."""

    def set_up(self) -> None:
        self.before: dict[str, Record] = {}

    def send_again(self, record: Record) -> None:
        self.before[record.id] = copy(record)
        super().send_again(record)

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        if call.method == "delete":
            record = self.before.get(record.id, record)
        return super().view(record, call)


# What reading changes.


@fault(
    350,
    "list.changes_nothing",
    "list changes no webhook request.",
    doubt="No page says that reading leaves no trace.",
)
class ListTouchesRejected(StandIn):
    """A list of rejected records notes its user and time in them."""

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        for record in found:
            if REJECTED in call.filters.get("life_cycle_state", ()):
                self.touch(record)
        return found


@fault(
    351,
    "show.changes_nothing",
    "show changes no webhook request.",
    also=("show.fields_set.default_all", "response.error_description"),
)
class ShowWithFieldsWritesBack(StandIn):
    """show with fields_set writes back what it read, without the description it did not read."""

    def do_show(self, call: Call) -> Any:
        answer = super().do_show(call)
        if call.fields is not None and "error_description" not in call.fields:
            self.find(call).error_description = None
        return answer
