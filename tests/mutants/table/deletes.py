"""Mutants that are wrong about what delete changes, and what it leaves as it is."""

# Each row stays together, as in a table.
# fmt: off

from copy import copy
from datetime import timedelta
from typing import Any

from stand_in.reading import FIELDS, Call, Refusal, Request
from stand_in.server import Reply, StandIn
from stand_in.world import FIRST_DAY, REJECTED, SUCCESSFUL, Record

from mutants.combinators import mutant, row, step

UNKNOWN = ("unknown_record", "deleted_record")

@mutant(1, "delete.gone")
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

@mutant(1, "delete.gone", step("find"))
def delete_hides_from_list_only(server, base, call):
    """show finds deleted records by their id."""
    if call.method == "show" and call.identifier[1] in server.deleted:
        return server.deleted[call.identifier[1]]
    return base(call)

@mutant(1, "delete.gone", step("select"))
def delete_hides_from_show_only(server, base, call):
    """A list by rule still has deleted records."""
    found = base(call)
    if "workflow_rule_identifier" in call.filters:
        found += [record for record in server.deleted.values() if server.selected(record, call)]
    return found

@mutant(1, "delete.gone")
class ListCacheSurvivesDelete(StandIn):
    """The same list again comes from a cache that only a resend empties."""

    def set_up(self) -> None:
        self.cache: dict[str, Any] = {}

    def select(self, call: Call) -> list[Record]:
        return list(self.cache.setdefault(repr(call.filters), super().select(call)))

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        self.cache.clear()

@mutant(1, "delete.gone")
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

@mutant(1, "delete.gone")
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

@mutant(1, "delete.gone", step("send_again"))
def resend_brings_deleted_back(server, base, record):
    """A resend writes back everything of the same definition that was in memory."""
    base(record)
    for other in list(server.deleted.values()):
        if other.definition is record.definition:
            server.records[other.id] = server.deleted.pop(other.id)

@mutant(1, "delete.gone", step("do_delete"))
def delete_by_id_keeps(server, base, call):
    """delete by id answers OK and keeps a record that is SUCCESSFUL."""
    record = server.find(call)
    if call.identifier[0] == "id" and record.life_cycle_state == SUCCESSFUL:
        return server.trimmed(record, call)
    return base(call)

row(1, "delete_with_fields_keeps", "delete.gone",
    "delete with fields_set only returns the fields.",
    step("do_delete", lambda server, base, call:
        server.trimmed(server.find(call), call) if call.fields is not None else base(call)),
    release="R10")

@mutant(1, "delete.single_result", step("remove"))
def delete_takes_same_second(server, base, record):
    """Records that were created in the same second are deleted together."""
    base(record)
    for other in list(server.records.values()):
        if other.created == record.created:
            base(other)

@mutant(1, "delete.single_result", step("do_delete"))
def delete_by_number_takes_prefix(server, base, call):
    """delete by number 6 deletes 60 to 66 as well."""
    answer = base(call)
    name, value = call.identifier
    for other in list(server.records.values()):
        if name == "number" and other.number.startswith(value):
            server.remove(other)
    return answer

@mutant(1, "identifier.selects", step("find"))
def delete_unknown_takes_next(server, base, call):
    """delete of a number that is gone deletes the record after it."""
    name, value = call.identifier
    if call.method == "delete" and name == "number" and value.isdigit():
        for record in server.records.values():
            if int(record.number) >= int(value):
                return record
    return base(call)

@mutant(1, "identifier.selects", step("names"))
def delete_of_wildcard(base, record, name, value, call):
    """delete compares numbers as LIKE of SQL does."""
    if call.method == "delete" and value.endswith("%"):
        return record.number.startswith(value[:-1])
    return base(record, name, value, call)

@mutant(1, "delete.either_state", step("do_delete"))
def delete_only_rejected(server, base, call):
    """delete refuses a record that is SUCCESSFUL."""
    if server.find(call).life_cycle_state == SUCCESSFUL:
        raise Refusal("not_rejected", "Only rejected webhook requests can be deleted.")
    return base(call)

@mutant(1, "delete.either_state", step("do_delete"))
def delete_refuses_resent(server, base, call):
    """A record that was sent twice cannot be deleted."""
    if server.find(call).sends > 1:
        raise Refusal("bad_parameter", "The webhook request is in use.")
    return base(call)

@mutant(1, "identifier.mandatory", step("read_arguments"))
def delete_without_identifier_takes_oldest(server, base, call):
    """An empty identifier matches every record, and the first goes."""
    if call.method == "delete" and call.parameters.get("webhook_request_identifier") == {}:
        first = next(iter(server.records))
        call.parameters["webhook_request_identifier"] = {"id": first}
    base(call)

@mutant(1, "identifier.exactly_one", step("read_arguments"))
def delete_takes_two_fields(server, base, call):
    """delete accepts id and number together if they name the same record."""
    given = call.parameters.get("webhook_request_identifier")
    if call.method == "delete" and isinstance(given, dict) and len(given) == 2:
        record = server.records.get(given.get("id", ""))
        if record and record.number == given.get("number"):
            call.parameters["webhook_request_identifier"] = {"id": record.id}
    base(call)

@mutant(2, "delete.gone")
class DeleteRolledBackByLaterAction(StandIn):
    """A resend or delete that is refused rolls back the deletion before it."""

    def set_up(self) -> None:
        self.open: str | None = None

    def remove(self, record: Record) -> None:
        super().remove(record)
        self.open = record.id

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        if request.path.endswith(("/resend", "/delete")) and self.open in self.deleted:
            self.records[self.open] = self.deleted.pop(self.open)
            self.open = None
        return super().refusal(request, refusal)

@mutant(2, "delete.single_result", step("remove"))
def numbers_close_up(server, base, record):
    """A number is the row's position: after a deletion the records behind have others."""
    everything = [*server.records.values()]
    behind = everything[everything.index(record) :]
    numbers = [other.number for other in behind]
    base(record)
    for other, number in zip(behind[1:], numbers, strict=False):
        other.number = number

@mutant(2, "delete.gone", step("find"))
def resend_stores_deleted(server, base, call):
    """A resend of a deleted record finds it in the session and stores it anew."""
    name, value = call.identifier
    for record in list(server.deleted.values()) if call.method == "resend" else ():
        if getattr(record, name) == value and record.life_cycle_state == REJECTED:
            server.records[record.id] = server.deleted.pop(record.id)
    return base(call)

@mutant(2, "delete.gone", step("do_delete"))
def second_delete_undeletes(server, base, call):
    """delete inverts a flag, so that the second brings the record back."""
    name, value = call.identifier
    for record in list(server.deleted.values()):
        if getattr(record, name) == value:
            server.records[record.id] = server.deleted.pop(record.id)
            return server.trimmed(record, call)
    return base(call)

@mutant(2, "delete.gone", step("do_delete"))
def delete_misses_new_version(server, base, call):
    """delete asks for the first version of a row, and does not count what it deleted."""
    record = server.find(call)
    return server.trimmed(record, call) if record.sends > 1 else base(call)

@mutant(2, "delete.single_result", step("remove"))
def delete_cascades_to_thing(server, base, record):
    """All records of the same thing go with the one."""
    base(record)
    for other in list(server.records.values()):
        if other.entity_id == record.entity_id:
            base(other)

@mutant(2, "delete.single_result", step("do_delete"), ids_equal_numbers=True)
def delete_by_id_or_number(server, base, call):
    """delete compares the value with id and number, and takes all that fit."""
    answer = base(call)
    for other in list(server.records.values()):
        if call.identifier[1] in (other.id, other.number):
            server.remove(other)
    return answer

@mutant(2, "delete.either_state", step("do_delete"), some_rules_null=True)
def delete_needs_rule(server, base, call):
    """delete writes the rule's name into an audit, and fails where there is none."""
    if server.find(call).rule is None:
        raise Refusal("bad_parameter", "An internal error has occurred.")
    return base(call)

@mutant(2, "delete.gone")
class OtherTokenStillSees(StandIn):
    """Each session keeps what it showed, and only its own deletions empty that."""

    def set_up(self) -> None:
        self.shown: dict[tuple[Any, ...], Record] = {}

    def find(self, call: Call) -> Record:
        if call.method != "show":
            return super().find(call)
        key = (call.parameters.get("token"), *call.identifier)
        if key not in self.shown:
            self.shown[key] = super().find(call)
        return self.shown[key]

    def do_delete(self, call: Call) -> Any:
        answer = super().do_delete(call)
        own = call.parameters.get("token")
        self.shown = {key: record for key, record in self.shown.items() if key[0] != own}
        return answer

@mutant(3, "delete.single_result", step("remove"))
def delete_touches_definition(server, base, record):
    """A deletion sets updated_date of the other records of the same definition."""
    base(record)
    for other in server.records.values():
        if other.definition is record.definition:
            server.touch(other)

@mutant(3, "delete.single_result response.workflow_rule", step("remove"))
def delete_takes_rule_along(server, base, record):
    """What joins rule and definition is deleted with a record: others of both lose their rule."""
    base(record)
    for other in server.records.values():
        if other.definition is record.definition and other.rule is record.rule:
            other.rule = None

@mutant(3, "delete.single_result list.entity_id.filter list.several_results")
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

@mutant(3, "identifier.selects delete.single_result delete.gone")
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

@mutant(3, "delete.gone", step("select"))
def empty_list_shows_deleted(server, base, call):
    """An index whose last entry is deleted is not written: lists that are empty have it still."""
    gone = [record for record in server.deleted.values() if server.selected(record, call)]
    return base(call) or gone[-1:]

@mutant(4, "delete.single_result response.log_information.users", step("remove"))
def delete_anonymizes_author(server, base, record):
    """A deletion erases who created a record, in all other records of this user as well."""
    base(record)
    for other in server.records.values():
        if record.created_by and other.created_by is record.created_by:
            other.created_by = None

@mutant(4, "delete.gone identifier.selects identifier.known", step("find"))
def show_follows_deleted_to_same_thing(server, base, call):
    """show of a deleted record returns the newest one that is left of the same thing."""
    try:
        return base(call)
    except Refusal:
        name, value = call.identifier
        for gone in server.deleted.values():
            if call.method == "show" and getattr(gone, name) == value:
                for other in reversed(server.records.values()):
                    if other.entity_id == gone.entity_id:
                        return other
        raise

@mutant(4, "delete.gone", step("select"))
def fields_list_shows_deleted(server, base, call):
    """A list with fields_set is read from an index that keeps deleted records."""
    if call.fields is None:
        return base(call)
    everything = [*server.records.values(), *server.deleted.values()]
    return server.in_order([record for record in everything if server.selected(record, call)])

@mutant(4, "delete.single_result")
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

@mutant(5, "delete.either_state errors.change_nothing")
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

@mutant(5, "delete.gone")
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

@mutant(5, "delete.gone resend.sends_again")
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

@mutant(5,
    "delete.gone identifier.known response.life_cycle_state response.id response.entity",
    step("do_show"))
def unknown_record_is_blank(base, call):
    """show of what is not there fills in an object with the identifier, and null for the rest."""
    try:
        return base(call)
    except Refusal as refusal:
        if refusal.kind not in UNKNOWN:
            raise
        name, value = call.identifier
        return dict.fromkeys(FIELDS) | {name: value}
