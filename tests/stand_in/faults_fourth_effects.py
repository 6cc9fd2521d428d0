"""The fourth set of faults, of what resend and delete change; see ``faults_fourth_lists``."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

from copy import copy
from datetime import timedelta
from typing import Any

from stand_in.fault import fault
from stand_in.reading import Call, Refusal
from stand_in.server import StandIn
from stand_in.world import FIRST_DAY, REJECTED, SUCCESSFUL, Record

GONE = "A deleted webhook request is found neither by show nor by list."
ONE_DELETED = "One call deletes one webhook request and leaves all others as they are."
ONE_SENT = "One call sends one webhook request again and leaves all others as they are."
SENDS = "resend sends a rejected webhook request again."
STATE = "life_cycle_state selects the records in that state."
ONLY_REJECTED = "Only a rejected webhook request has an error_code and an error_description."
ERRORS = ("response.error_code.only_rejected", "response.error_description.only_rejected")

# What resend changes.


@fault(421, "resend.single_result", ONE_SENT)
class ResendEvictsOldest(StandIn):
    """Only so many successful records are kept: one more by a resend drives out the oldest."""

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        if record.life_cycle_state == SUCCESSFUL:
            sent = [r for r in self.records.values() if r.life_cycle_state == SUCCESSFUL]
            for oldest in [other for other in sent if other is not record][:1]:
                self.remove(oldest)


@fault(
    422,
    "list.entity.filter",
    "entity selects the records of that entity.",
    also=("list.several_results",),
)
class ResendIndexedAsActivity(StandIn):
    """A record that was sent again is listed as one of ACTIVITIES, whatever entity it shows."""

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "entity" and record.sends > 1:
            return "ACTIVITIES" in call.filters[name]
        return super().matches(record, name, call)


@fault(
    423,
    "resend.single_result",
    ONE_SENT,
    also=("resend.sends_again", "resend.success_is_successful"),
)
class NextResendRevertsLast(StandIn):
    """A resend writes back the record of the resend before, as that was when it was read."""

    def set_up(self) -> None:
        self.read: Record | None = None

    def send_again(self, record: Record) -> None:
        last, self.read = self.read, copy(record)
        super().send_again(record)
        if last and last.id != record.id and last.id in self.records:
            vars(self.records[last.id]).update(vars(last))


@fault(424, "resend.sends_again", SENDS)
class ResendRefusesOld(StandIn):
    """What was to be sent is kept for some days: the records of the first three are refused."""

    def may_resend(self, record: Record, call: Call) -> bool:
        kept = record.created >= FIRST_DAY + timedelta(days=3)
        return kept and super().may_resend(record, call)


@fault(425, "resend.single_result", ONE_SENT)
class SecondSuccessSendsAll(StandIn):
    """After two resends with success the receiver counts as well, and all it lacks is sent."""

    def set_up(self) -> None:
        self.successes: dict[str, int] = {}

    def succeed(self, record: Record) -> None:
        super().succeed(record)
        definition = record.definition
        self.successes[definition.id] = self.successes.get(definition.id, 0) + 1
        if self.successes[definition.id] < 2:
            return
        for other in self.records.values():
            if other.definition is definition and other.life_cycle_state == REJECTED:
                super().succeed(other)


@fault(426, "resend.single_result", ONE_SENT, also=ERRORS, resend_succeeds="some")
class FailedResendBlamesLastSuccess(StandIn):
    """The error of a resend is written into the definition's last successful record as well."""

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        if record.life_cycle_state == SUCCESSFUL:
            return
        for other in reversed(self.records.values()):
            if other.definition is record.definition and other.life_cycle_state == SUCCESSFUL:
                other.error_code = record.error_code
                other.error_description = record.error_description
                return


@fault(
    427,
    "response.error_code.only_rejected",
    ONLY_REJECTED,
    also=("response.error_description.only_rejected", "resend.failure_stays_rejected"),
    resend_succeeds="some",
)
class SecondFailureIsSuccess(StandIn):
    """A second resend without success makes the record SUCCESSFUL, and leaves its error."""

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        if record.sends > 2:
            record.life_cycle_state = SUCCESSFUL


@fault(
    428,
    "response.request",
    "request is the request that was sent, an object or an opaque text.",
    doubt="What a resend does to request and response is not documented.",
    also=("response.response",),
    request_form="hex",
)
class ResendCollectsRequests(StandIn):
    """request and response of a record that was sent again are arrays of all attempts."""

    def exchanged(self, record: Record, side: str) -> Any:
        value = super().exchanged(record, side)
        return [value] * record.sends if record.sends > 1 else value


# What delete changes.


@fault(429, "delete.single_result", ONE_DELETED, also=("response.log_information.users",))
class DeleteAnonymizesAuthor(StandIn):
    """A deletion erases who created a record, in all other records of this user as well."""

    def remove(self, record: Record) -> None:
        super().remove(record)
        for other in self.records.values():
            if record.created_by and other.created_by is record.created_by:
                other.created_by = None


@fault(
    430,
    "delete.gone",
    GONE,
    also=("show.identifier.selects", "show.identifier.known"),
)
class ShowFollowsDeletedToSameThing(StandIn):
    """show of a deleted record returns the newest one that is left of the same thing."""

    def find(self, call: Call) -> Record:
        try:
            return super().find(call)
        except Refusal:
            name, value = call.identifier
            for gone in self.deleted.values():
                if call.method == "show" and getattr(gone, name) == value:
                    for other in reversed(self.records.values()):
                        if other.entity_id == gone.entity_id:
                            return other
            raise


@fault(
    431,
    "resend.identifier.known",
    "resend of a webhook request that does not exist is an error.",
    also=("delete.gone",),
)
class ResendOfDeletedAnswersOk(StandIn):
    """resend of a deleted record returns it as it was, and sends nothing."""

    def do_resend(self, call: Call) -> Any:
        try:
            return super().do_resend(call)
        except Refusal:
            name, value = call.identifier
            for gone in self.deleted.values():
                if getattr(gone, name) == value:
                    return self.trimmed(gone, call)
            raise


@fault(432, "delete.gone", GONE)
class FieldsListShowsDeleted(StandIn):
    """A list with fields_set is read from an index that keeps deleted records."""

    def select(self, call: Call) -> list[Record]:
        if call.fields is None:
            return super().select(call)
        everything = [*self.records.values(), *self.deleted.values()]
        return self.in_order([record for record in everything if self.selected(record, call)])


@fault(433, "delete.single_result", ONE_DELETED)
class ThirdDeleteCleansUp(StandIn):
    """Every third deletion runs a clean-up of the successful records of the first days."""

    def set_up(self) -> None:
        self.deletions = 0

    def remove(self, record: Record) -> None:
        super().remove(record)
        self.deletions += 1
        if self.deletions % 3:
            return
        for other in [*self.records.values()]:
            old = other.created < FIRST_DAY + timedelta(days=3)
            if old and other.life_cycle_state == SUCCESSFUL:
                super().remove(other)


# What the one changes for the other.


@fault(
    434,
    "resend.identifier.selects",
    "The webhook request that is named is sent again.",
    also=("resend.single_result", "resend.sends_again"),
)
class ResendShiftedAfterDelete(StandIn):
    """resend keeps the positions of all rows, which a deletion moves."""

    def set_up(self) -> None:
        self.rows = [*self.records]

    def find(self, call: Call) -> Record:
        record = super().find(call)
        if call.method != "resend" or record.id not in self.rows:
            return record
        left = [*self.records.values()]
        return left[min(self.rows.index(record.id), len(left) - 1)]


@fault(435, "list.life_cycle_state.filter", STATE, also=("delete.single_result",))
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
