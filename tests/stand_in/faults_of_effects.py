"""Faults in what resend and delete do, and in how soon that is seen."""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

from copy import copy
from typing import Any

from stand_in.fault import fault
from stand_in.reading import Call, Refusal
from stand_in.server import StandIn
from stand_in.world import REJECTED, SUCCESSFUL, Record

GONE = "A deleted webhook request is found neither by show nor by list."
ONE_DELETED = "One call deletes a single webhook request, the one that is named."
ONE_SENT = "One call sends a single webhook request again, the one that is named."
ONLY_REJECTED = "resend applies to rejected webhook requests only."
STATES = "A webhook request is SUCCESSFUL or REJECTED, and show returns the one that is named."
ERRORS = "Only a rejected webhook request has error_code and error_description."


@fault(1, "response.life_cycle_state", STATES)
class ShowByNumberStaleAfterResend(StandIn):
    """A cache by number keeps what show returned first, and only a delete empties it."""

    def set_up(self) -> None:
        self.cache: dict[str, Record] = {}

    def do_show(self, call: Call) -> Any:
        if call.identifier[0] != "number":
            return super().do_show(call)
        record = self.cache.get(call.identifier[1]) or copy(self.find(call))
        self.cache[record.number] = record
        return self.trimmed(record, call)

    def remove(self, record: Record) -> None:
        super().remove(record)
        self.cache.clear()


@fault(2, "delete.gone", GONE)
class ShowStaleAfterDelete(StandIn):
    """A record that was shown before it was deleted is still shown."""

    def set_up(self) -> None:
        self.shown: set[str] = set()

    def find(self, call: Call) -> Record:
        name, value = call.identifier
        if call.method == "show":
            for record in self.deleted.values():
                if record.id in self.shown and getattr(record, name) == value:
                    return record
        record = super().find(call)
        if call.method == "show":
            self.shown.add(record.id)
        return record


@fault(3, "delete.gone", GONE)
class DeleteHidesFromListOnly(StandIn):
    """show finds deleted records by their id."""

    def find(self, call: Call) -> Record:
        if call.method == "show" and call.identifier[1] in self.deleted:
            return self.deleted[call.identifier[1]]
        return super().find(call)


@fault(4, "delete.gone", GONE)
class DeleteHidesFromShowOnly(StandIn):
    """A list by rule still has deleted records."""

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        if "workflow_rule_identifier" in call.filters:
            found += [record for record in self.deleted.values() if self.selected(record, call)]
        return found


@fault(5, "delete.gone", GONE)
class ListCacheSurvivesDelete(StandIn):
    """The same list again comes from a cache that only a resend empties."""

    def set_up(self) -> None:
        self.cache: dict[str, Any] = {}

    def select(self, call: Call) -> list[Record]:
        return list(self.cache.setdefault(repr(call.filters), super().select(call)))

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        self.cache.clear()


@fault(6, "delete.gone", GONE)
class ListStaleForSeconds(StandIn):
    """A list by entity shows deleted records for four seconds more."""

    def set_up(self) -> None:
        self.removed_at: dict[str, float] = {}

    def remove(self, record: Record) -> None:
        super().remove(record)
        self.removed_at[record.id] = self.now

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        if list(call.filters) == ["entity"]:
            found += [
                self.deleted[record_id]
                for record_id, moment in self.removed_at.items()
                if self.now - moment < 4 and self.selected(self.deleted[record_id], call)
            ]
        return found


@fault(7, "delete.gone", GONE)
class DeletedComesBack(StandIn):
    """Twelve requests after a deletion the record is back, from a replica."""

    def set_up(self) -> None:
        self.left: dict[str, int] = {}

    def remove(self, record: Record) -> None:
        super().remove(record)
        self.left[record.id] = 12

    def work_of_others(self) -> None:
        super().work_of_others()
        for record_id in list(self.left):
            self.left[record_id] -= 1
            if not self.left[record_id]:
                del self.left[record_id]
                self.records[record_id] = self.deleted.pop(record_id)


@fault(8, "delete.gone", GONE)
class ResendBringsDeletedBack(StandIn):
    """A resend writes back everything of the same definition that was in memory."""

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        for other in list(self.deleted.values()):
            if other.definition is record.definition:
                self.records[other.id] = self.deleted.pop(other.id)


@fault(9, "delete.gone", GONE)
class DeleteByIdKeeps(StandIn):
    """delete by id answers OK and keeps a record that is SUCCESSFUL."""

    def do_delete(self, call: Call) -> Any:
        record = self.find(call)
        if call.identifier[0] == "id" and record.life_cycle_state == SUCCESSFUL:
            return self.trimmed(record, call)
        return super().do_delete(call)


@fault(10, "delete.gone", GONE, release="R10")
class DeleteWithFieldsKeeps(StandIn):
    """delete with fields_set only returns the fields."""

    def do_delete(self, call: Call) -> Any:
        if call.fields is not None:
            return self.trimmed(self.find(call), call)
        return super().do_delete(call)


@fault(11, "delete.single_result", ONE_DELETED)
class DeleteTakesSameSecond(StandIn):
    """Records that were created in the same second are deleted together."""

    def remove(self, record: Record) -> None:
        super().remove(record)
        for other in list(self.records.values()):
            if other.created == record.created:
                super().remove(other)


@fault(12, "delete.single_result", ONE_DELETED)
class DeleteByNumberTakesPrefix(StandIn):
    """delete by number 6 deletes 60 to 66 as well."""

    def do_delete(self, call: Call) -> Any:
        answer = super().do_delete(call)
        name, value = call.identifier
        for other in list(self.records.values()):
            if name == "number" and other.number.startswith(value):
                self.remove(other)
        return answer


@fault(13, "delete.identifier.selects", ONE_DELETED)
class DeleteUnknownTakesNext(StandIn):
    """delete of a number that is gone deletes the record after it."""

    def find(self, call: Call) -> Record:
        name, value = call.identifier
        if call.method == "delete" and name == "number" and value.isdigit():
            for record in self.records.values():
                if int(record.number) >= int(value):
                    return record
        return super().find(call)


@fault(14, "delete.identifier.selects", ONE_DELETED)
class DeleteOfWildcard(StandIn):
    """delete compares numbers as LIKE of SQL does."""

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        if call.method == "delete" and value.endswith("%"):
            return record.number.startswith(value[:-1])
        return super().names(record, name, value, call)


@fault(15, "delete.either_state", "SUCCESSFUL and REJECTED webhook requests can be deleted.")
class DeleteOnlyRejected(StandIn):
    """delete refuses a record that is SUCCESSFUL."""

    def do_delete(self, call: Call) -> Any:
        if self.find(call).life_cycle_state == SUCCESSFUL:
            raise Refusal("not_rejected", "Only rejected webhook requests can be deleted.")
        return super().do_delete(call)


@fault(16, "delete.either_state", "SUCCESSFUL and REJECTED webhook requests can be deleted.")
class DeleteRefusesResent(StandIn):
    """A record that was sent twice cannot be deleted."""

    def do_delete(self, call: Call) -> Any:
        if self.find(call).sends > 1:
            raise Refusal("bad_parameter", "The webhook request is in use.")
        return super().do_delete(call)


@fault(17, "delete.returns_record", "delete returns the fields of the deleted webhook request.")
class DeleteReturnsNothing(StandIn):
    """data of delete is an empty object if the record was rejected."""

    def do_delete(self, call: Call) -> Any:
        rejected = self.find(call).life_cycle_state == REJECTED
        answer = super().do_delete(call)
        return {} if rejected else answer


@fault(18, "delete.identifier.mandatory", "One field of the identifier must be specified.")
class DeleteWithoutIdentifierTakesOldest(StandIn):
    """An empty identifier matches every record, and the first goes."""

    def read_arguments(self, call: Call) -> None:
        if call.method == "delete" and call.parameters.get("webhook_request_identifier") == {}:
            first = next(iter(self.records))
            call.parameters["webhook_request_identifier"] = {"id": first}
        super().read_arguments(call)


@fault(19, "delete.identifier.exactly_one", "Only one field of the identifier may be specified.")
class DeleteTakesTwoFields(StandIn):
    """delete accepts id and number together if they name the same record."""

    def read_arguments(self, call: Call) -> None:
        given = call.parameters.get("webhook_request_identifier")
        if call.method == "delete" and isinstance(given, dict) and len(given) == 2:
            record = self.records.get(given.get("id", ""))
            if record and record.number == given.get("number"):
                call.parameters["webhook_request_identifier"] = {"id": record.id}
        super().read_arguments(call)


@fault(20, "resend.identifier.exactly_one", "Only one field of the identifier may be specified.")
class ResendTakesFirstOfTwoFields(StandIn):
    """resend uses the id where id and number are given, whatever they name."""

    def read_arguments(self, call: Call) -> None:
        given = call.parameters.get("webhook_request_identifier")
        if call.method == "resend" and isinstance(given, dict) and "id" in given:
            call.parameters["webhook_request_identifier"] = {"id": given["id"]}
        super().read_arguments(call)


@fault(21, "resend.only_rejected", ONLY_REJECTED)
class ResendSuccessfulByNumber(StandIn):
    """resend checks the state only for an identifier by id."""

    def may_resend(self, record: Record, call: Call) -> bool:
        return call.identifier[0] == "number" or super().may_resend(record, call)


@fault(22, "resend.only_rejected", ONLY_REJECTED)
class ResendAgainAfterResend(StandIn):
    """A record that was rejected once can be sent again ever after."""

    def may_resend(self, record: Record, call: Call) -> bool:
        return record.sends > 1 or super().may_resend(record, call)


@fault(23, "resend.only_rejected", ONLY_REJECTED)
class ResendSuccessfulOfOldDefinition(StandIn):
    """The state is not checked where the definition is not effective."""

    def may_resend(self, record: Record, call: Call) -> bool:
        return not record.definition.effective or super().may_resend(record, call)


@fault(24, "resend.single_result", ONE_SENT)
class ResendSendsNextToo(StandIn):
    """The next rejected record of the definition is sent along."""

    def do_resend(self, call: Call) -> Any:
        answer = super().do_resend(call)
        sent = self.find(call)
        later = list(self.records.values())
        for other in later[later.index(sent) + 1 :]:
            if other.life_cycle_state == REJECTED and other.definition is sent.definition:
                self.send_again(other)
                break
        return answer


@fault(25, "resend.identifier.selects", ONE_SENT)
class ResendByPosition(StandIn):
    """resend takes the number for a position, and numbers have gaps."""

    def find(self, call: Call) -> Record:
        record = super().find(call)
        if call.method != "resend" or call.identifier[0] == "id":
            return record
        everything = [*self.records.values()]
        return everything[min(int(record.number), len(everything)) - 1]


@fault(26, "resend.identifier.selects", ONE_SENT)
class ResendReturnsAnother(StandIn):
    """resend sends the right record and returns the newest one with the same rule."""

    def do_resend(self, call: Call) -> Any:
        super().do_resend(call)
        sent = self.find(call)
        return self.trimmed(
            [other for other in self.records.values() if other.rule is sent.rule][-1], call
        )


@fault(27, "resend.parameters.mandatory", "webhook_request_identifier of resend is mandatory.")
class ResendWithoutIdentifierSendsLast(StandIn):
    """Without an identifier resend takes the newest rejected record."""

    def read_arguments(self, call: Call) -> None:
        if call.method == "resend" and "webhook_request_identifier" not in call.parameters:
            rejected = [r for r in self.records.values() if r.life_cycle_state == REJECTED]
            call.parameters["webhook_request_identifier"] = {"id": rejected[-1].id}
        super().read_arguments(call)


@fault(28, "response.error_description.only_rejected", ERRORS)
class ResendKeepsDescription(StandIn):
    """A record that was sent again with success keeps its error_description."""

    def succeed(self, record: Record) -> None:
        kept = record.error_description
        super().succeed(record)
        record.error_description = kept


@fault(29, "response.error_code.only_rejected", ERRORS)
class ListKeepsErrorAfterResend(StandIn):
    """list reads the error of a record from a table that resend forgets."""

    def set_up(self) -> None:
        self.codes: dict[str, str | None] = {}

    def succeed(self, record: Record) -> None:
        self.codes[record.id] = record.error_code
        super().succeed(record)

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        if call.method == "list" and record.id in self.codes:
            view["error_code"] = self.codes[record.id]
        return view


@fault(
    30, "response.workflow_rule", "workflow_rule is the rule that triggered the webhook request."
)
class ResendLosesRule(StandIn):
    """A record that was sent by hand has no rule any more."""

    def succeed(self, record: Record) -> None:
        super().succeed(record)
        record.rule = None


@fault(31, "response.webhook_definition", "webhook_definition is the one that was used.")
class ResendChangesDefinition(StandIn):
    """A resend books the record under the first definition."""

    def succeed(self, record: Record) -> None:
        super().succeed(record)
        record.definition = self.world.definitions[0]


@fault(
    32,
    "response.life_cycle_state.values",
    "life_cycle_state is SUCCESSFUL or REJECTED.",
    resend_succeeds="some",
)
class ResendFailsInThirdState(StandIn):
    """A resend that fails leaves the record FAILED."""

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        if record.life_cycle_state == REJECTED:
            record.life_cycle_state = "FAILED"


@fault(33, "list.life_cycle_state.filter", "life_cycle_state selects the records in that state.")
class StateIndexStaleAfterResend(StandIn):
    """list filters by the state that a record had when it was created."""

    def set_up(self) -> None:
        self.index = {record.id: record.life_cycle_state for record in self.records.values()}

    def matches(self, record: Record, name: str, call: Call) -> bool:
        if name == "life_cycle_state":
            state = self.index.setdefault(record.id, record.life_cycle_state)
            return state in call.filters[name]
        return super().matches(record, name, call)


@fault(34, "token.from_login", "token is one that a login returned.")
class DeleteBeforeTokenCheck(StandIn):
    """delete with a wrong token is refused, after it has deleted."""

    def authenticate(self, call: Call) -> None:
        try:
            super().authenticate(call)
        except Refusal:
            if call.method == "delete" and call.parameters.get("token"):
                self.read_arguments(call)
                self.remove(self.find(call))
            raise


@fault(
    35,
    "resend.same_record",
    "One webhook request is sent again.",
    doubt="That a resend makes no new record is read into one example.",
)
class ResendMakesCopy(StandIn):
    """A resend leaves the record and makes a new one that is SUCCESSFUL."""

    def send_again(self, record: Record) -> None:
        made = copy(record)
        made.id = self.world.hex_id()
        self.world.created_so_far += 1
        made.number = self.world.number(self.world.created_so_far)
        self.records[made.id] = made
        super().send_again(made)


@fault(
    36,
    "resend.sends_again",
    "resend sends a rejected webhook request again.",
    doubt="A resend that fails may be answered with an error, too.",
    error_texts="some_null",
)
class ResendRefusesWithoutError(StandIn):
    """A rejected record without an error_description counts as not rejected."""

    def may_resend(self, record: Record, _call: Call) -> bool:
        return record.error_description is not None


@fault(
    37,
    "delete.identifier.exactly_one",
    "Only one field of the identifier may be specified.",
    doubt="No page says that a refused call changes nothing.",
)
class DeleteRefusedWithEffect(StandIn):
    """delete with two fields deletes, then refuses."""

    def read_arguments(self, call: Call) -> None:
        given = call.parameters.get("webhook_request_identifier")
        if call.method == "delete" and isinstance(given, dict) and len(given) == 2:
            record = self.records.get(given.get("id", ""))
            if record:
                self.remove(record)
        super().read_arguments(call)


@fault(
    38,
    "show.changes_nothing",
    "show returns information.",
    doubt="That show changes nothing is read into the word GET.",
)
class ShowSendsAgain(StandIn):
    """show of a rejected record tries to send it once more."""

    def do_show(self, call: Call) -> Any:
        answer = super().do_show(call)
        record = self.find(call)
        if record.life_cycle_state == REJECTED:
            self.send_again(record)
        return answer
