"""Mutants that are wrong about what resend changes, and what it leaves as it is."""

# Each row stays together, as in a table.
# fmt: off

import struct
from copy import copy
from datetime import timedelta
from typing import Any

from stand_in.reading import IDENTIFIER, Call, Refusal, Request
from stand_in.server import Reply, StandIn
from stand_in.world import FIRST_DAY, REJECTED, SUCCESSFUL, Record

from mutants.combinators import mutant, row, step


@mutant(1, "identifier.exactly_one", step("read_arguments"))
def resend_takes_first_of_two_fields(base, call):
    """resend uses the id where id and number are given, whatever they name."""
    given = call.parameters.get("webhook_request_identifier")
    if call.method == "resend" and isinstance(given, dict) and "id" in given:
        call.parameters["webhook_request_identifier"] = {"id": given["id"]}
    base(call)

row(1, "resend_successful_by_number", "resend.only_rejected",
    "resend checks the state only for an identifier by id.",
    step("may_resend", lambda base, record, call:
        call.identifier[0] == "number" or base(record, call)))

row(1, "resend_again_after_resend", "resend.only_rejected",
    "A record that was rejected once can be sent again ever after.",
    step("may_resend", lambda base, record, call: record.sends > 1 or base(record, call)))

row(1, "resend_successful_of_old_definition", "resend.only_rejected",
    "The state is not checked where the definition is not effective.",
    step("may_resend", lambda base, record, call:
        not record.definition.effective or base(record, call)))

@mutant(1, "resend.single_result", step("do_resend"))
def resend_sends_next_too(server, base, call):
    """The next rejected record of the definition is sent along."""
    answer = base(call)
    sent = server.find(call)
    later = list(server.records.values())
    for other in later[later.index(sent) + 1 :]:
        if other.life_cycle_state == REJECTED and other.definition is sent.definition:
            server.send_again(other)
            break
    return answer

@mutant(1, "identifier.selects", step("find"))
def resend_by_position(server, base, call):
    """resend takes the number for a position, and numbers have gaps."""
    record = base(call)
    if call.method != "resend" or call.identifier[0] == "id":
        return record
    everything = [*server.records.values()]
    return everything[min(int(record.number), len(everything)) - 1]

@mutant(1, "identifier.selects", step("do_resend"))
def resend_returns_another(server, base, call):
    """resend sends the right record and returns the newest one with the same rule."""
    base(call)
    sent = server.find(call)
    return server.trimmed(
        [other for other in server.records.values() if other.rule is sent.rule][-1], call
    )

@mutant(1, "parameters.mandatory", step("read_arguments"))
def resend_without_identifier_sends_last(server, base, call):
    """Without an identifier resend takes the newest rejected record."""
    if call.method == "resend" and "webhook_request_identifier" not in call.parameters:
        rejected = [r for r in server.records.values() if r.life_cycle_state == REJECTED]
        call.parameters["webhook_request_identifier"] = {"id": rejected[-1].id}
    base(call)

@mutant(2, "resend.sends_again")
class ResendRolledBackByRefusal(StandIn):
    """A resend is committed with the next request, and a refusal rolls it back."""

    def set_up(self) -> None:
        self.open: tuple[Record, Record] | None = None

    def do_resend(self, call: Call) -> Any:
        record = self.find(call)
        before = copy(record)
        answer = super().do_resend(call)
        self.open = record, before
        return answer

    def success(self, call: Call, data: Any) -> Reply:
        if call.method != "resend":
            self.open = None
        return super().success(call, data)

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        if self.open:
            record, before = self.open
            vars(record).update(vars(before))
            self.open = None
        return super().refusal(request, refusal)

@mutant(2, "resend.single_result", step("succeed"))
def resend_clears_errors_of_rule(server, base, record):
    """The errors of all records of the same rule are cleared; their states stay."""
    base(record)
    for other in server.records.values():
        if other.rule is record.rule:
            other.error_code = other.error_description = None

@mutant(2, "resend.sends_again", step("do_resend"))
def resend_by_id_only_in_answer(server, base, call):
    """A resend by id changes a detached copy, which the answer shows."""
    record = server.find(call)
    at_once = server.choices.resend_when == "at_once"
    if call.identifier[0] == "number" or not at_once or not server.may_resend(record, call):
        return base(call)
    detached = copy(record)
    server.send_again(detached)
    return server.trimmed(detached, call)

@mutant(2, "identifier.fields", step("read_arguments"))
def resend_by_any_column(server, base, call):
    """resend takes any column of a record for a field of the identifier."""
    given = call.parameters.get(IDENTIFIER)
    if call.method == "resend" and isinstance(given, dict) and len(given) == 1:
        ((name, value),) = given.items()
        for record in server.records.values():
            if name in ("entity_id", "entity", "url") and getattr(record, name) == value:
                call.parameters[IDENTIFIER] = {"id": record.id}
                if record.life_cycle_state == REJECTED:
                    break
    base(call)

@mutant(3, "resend.single_result resend.returns_record identifier.selects")
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

@mutant(3, "resend.single_result", step("touch"))
def resend_touches_record_before(server, base, record):
    """Who changed a record last, and when, is written into the row before it."""
    everything = [*server.records]
    if record.id in everything:
        record = server.records[everything[everything.index(record.id) - 1]]
    base(record)

@mutant(3, "identifier.selects resend.single_result resend.sends_again",
    step("names"), number_form="large")
def resend_compares_floats(base, record, name, value, call):
    """resend compares numbers as floats of 32 bits, and takes the first that is equal."""
    if call.method != "resend" or name != "number" or not value.isdigit():
        return base(record, name, value, call)
    one, other = (struct.pack("f", float(text[:30])) for text in (record.number, value))
    return one == other

@mutant(3, "show.changes_nothing fields_set.default_all response.error_description",
    step("do_show"))
def show_with_fields_writes_back(server, base, call):
    """show with fields_set writes back what it read, without the description it did not read."""
    answer = base(call)
    if call.fields is not None and "error_description" not in call.fields:
        server.find(call).error_description = None
    return answer

@mutant(3, "resend.only_rejected", step("do_resend"))
def resend_of_successful_answers_ok(server, base, call):
    """resend of a SUCCESSFUL record does nothing, and answers OK."""
    record = server.find(call)
    if not server.may_resend(record, call):
        return server.trimmed(record, call)
    return base(call)

@mutant(4, "resend.single_result", step("send_again"))
def resend_evicts_oldest(server, base, record):
    """Only so many successful records are kept: one more by a resend drives out the oldest."""
    base(record)
    if record.life_cycle_state == SUCCESSFUL:
        sent = [r for r in server.records.values() if r.life_cycle_state == SUCCESSFUL]
        for oldest in [other for other in sent if other is not record][:1]:
            server.remove(oldest)

@mutant(4, "resend.single_result resend.sends_again resend.success_is_successful")
class NextResendRevertsLast(StandIn):
    """A resend writes back the record of the resend before, as that was when it was read."""

    def set_up(self) -> None:
        self.read: Record | None = None

    def send_again(self, record: Record) -> None:
        last, self.read = self.read, copy(record)
        super().send_again(record)
        if last and last.id != record.id and last.id in self.records:
            vars(self.records[last.id]).update(vars(last))

row(4, "resend_refuses_old", "resend.sends_again",
    "What was to be sent is kept for some days: the records of the first three are refused.",
    step("may_resend", lambda base, record, call:
        record.created >= FIRST_DAY + timedelta(days=3) and base(record, call)))

@mutant(4, "resend.single_result")
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

@mutant(4,
    "resend.single_result response.error_code.only_rejected "
    "response.error_description.only_rejected",
    step("send_again"), resend_succeeds="some")
def failed_resend_blames_last_success(server, base, record):
    """The error of a resend is written into the definition's last successful record as well."""
    base(record)
    if record.life_cycle_state == SUCCESSFUL:
        return
    for other in reversed(server.records.values()):
        if other.definition is record.definition and other.life_cycle_state == SUCCESSFUL:
            other.error_code = record.error_code
            other.error_description = record.error_description
            return

@mutant(4, "identifier.known delete.gone", step("do_resend"))
def resend_of_deleted_answers_ok(server, base, call):
    """resend of a deleted record returns it as it was, and sends nothing."""
    try:
        return base(call)
    except Refusal:
        name, value = call.identifier
        for gone in server.deleted.values():
            if getattr(gone, name) == value:
                return server.trimmed(gone, call)
        raise

@mutant(4, "identifier.selects resend.single_result resend.sends_again")
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

@mutant(5, "resend.single_result", step("send_again"))
def resend_supersedes_older(server, base, record):
    """A resend with success removes what was rejected before of the same thing as outdated."""
    base(record)
    if record.life_cycle_state == REJECTED:
        return
    for other in [*server.records.values()]:
        same = other.entity_id == record.entity_id and other.created < record.created
        if same and other.life_cycle_state == REJECTED:
            server.remove(other)

@mutant(5, "identifier.selects resend.single_result resend.sends_again", step("send_again"))
def resend_takes_head_of_queue(server, base, record):
    """resend puts a record into a queue by definition, and sends the oldest one in that."""
    for head in server.records.values():
        if head.definition is record.definition and head.life_cycle_state == REJECTED:
            base(head)
            return
