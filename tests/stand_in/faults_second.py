"""The second set of faults, of effects, caches and identifiers.

They were written after the first set had been measured, and without a look at the kit, to tell
whether what the first set led to is general.
"""

# The docstring of a class says what its overridden step does wrong.
# ruff: noqa: D102

from bisect import bisect_left
from copy import copy
from datetime import timedelta
from typing import Any

from stand_in.fault import fault
from stand_in.reading import IDENTIFIER, Call, Refusal, Request
from stand_in.server import Reply, StandIn
from stand_in.world import (
    FIRST_DAY,
    REJECTED,
    SUCCESSFUL,
    Record,
)

GONE = "A deleted webhook request is found neither by show nor by list."
ONE_DELETED = "One call deletes one webhook request and leaves all others as they are."
ONE_SENT = "One call sends one webhook request again and leaves all others as they are."
SENT = "resend sends the webhook request again."
NAMED = "show returns the webhook request that the identifier names."
SEVERAL = "list returns all webhook requests that have the given attributes."
ENTITY = "entity selects the records of that entity."
OFFSET = "offset is the number of records that are skipped."
CHOSEN = "With fields_set exactly the named fields are returned, for each record."

# Effects.


@fault(201, "resend.sends_again", SENT)
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


@fault(202, "delete.gone", GONE)
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


@fault(203, "delete.single_result", ONE_DELETED)
class NumbersCloseUp(StandIn):
    """A number is the row's position: after a deletion the records behind have others."""

    def remove(self, record: Record) -> None:
        everything = [*self.records.values()]
        behind = everything[everything.index(record) :]
        numbers = [other.number for other in behind]
        super().remove(record)
        for other, number in zip(behind[1:], numbers, strict=False):
            other.number = number


@fault(204, "resend.single_result", ONE_SENT)
class ResendClearsErrorsOfRule(StandIn):
    """The errors of all records of the same rule are cleared; their states stay."""

    def succeed(self, record: Record) -> None:
        super().succeed(record)
        for other in self.records.values():
            if other.rule is record.rule:
                other.error_code = other.error_description = None


@fault(205, "resend.sends_again", SENT)
class ResendByIdOnlyInAnswer(StandIn):
    """A resend by id changes a detached copy, which the answer shows."""

    def do_resend(self, call: Call) -> Any:
        record = self.find(call)
        at_once = self.choices.resend_when == "at_once"
        if call.identifier[0] == "number" or not at_once or not self.may_resend(record, call):
            return super().do_resend(call)
        detached = copy(record)
        self.send_again(detached)
        return self.trimmed(detached, call)


@fault(206, "delete.gone", GONE)
class ResendStoresDeleted(StandIn):
    """A resend of a deleted record finds it in the session and stores it anew."""

    def find(self, call: Call) -> Record:
        name, value = call.identifier
        for record in list(self.deleted.values()) if call.method == "resend" else ():
            if getattr(record, name) == value and record.life_cycle_state == REJECTED:
                self.records[record.id] = self.deleted.pop(record.id)
        return super().find(call)


@fault(207, "delete.gone", GONE)
class SecondDeleteUndeletes(StandIn):
    """delete inverts a flag, so that the second brings the record back."""

    def do_delete(self, call: Call) -> Any:
        name, value = call.identifier
        for record in list(self.deleted.values()):
            if getattr(record, name) == value:
                self.records[record.id] = self.deleted.pop(record.id)
                return self.trimmed(record, call)
        return super().do_delete(call)


@fault(208, "delete.gone", GONE)
class DeleteMissesNewVersion(StandIn):
    """delete asks for the first version of a row, and does not count what it deleted."""

    def do_delete(self, call: Call) -> Any:
        record = self.find(call)
        return self.trimmed(record, call) if record.sends > 1 else super().do_delete(call)


@fault(209, "delete.single_result", ONE_DELETED)
class DeleteCascadesToThing(StandIn):
    """All records of the same thing go with the one."""

    def remove(self, record: Record) -> None:
        super().remove(record)
        for other in list(self.records.values()):
            if other.entity_id == record.entity_id:
                super().remove(other)


@fault(210, "delete.single_result", ONE_DELETED, ids_equal_numbers=True)
class DeleteByIdOrNumber(StandIn):
    """delete compares the value with id and number, and takes all that fit."""

    def do_delete(self, call: Call) -> Any:
        answer = super().do_delete(call)
        for other in list(self.records.values()):
            if call.identifier[1] in (other.id, other.number):
                self.remove(other)
        return answer


@fault(
    211,
    "response.error_code.only_rejected",
    "Only a rejected webhook request has an error_code.",
    resend_succeeds="some",
)
class FailedResendHalfWritten(StandIn):
    """The state is written before the sending and never put right."""

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        record.life_cycle_state = SUCCESSFUL


@fault(212, "show.identifier.selects", NAMED, resend_succeeds="some")
class FailedResendLosesRecord(StandIn):
    """A resend deletes the row, and stores it anew only if it went well."""

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        if record.life_cycle_state == REJECTED and record.id in self.records:
            self.remove(record)


@fault(
    213,
    "response.fields_set",
    "fields_set of a record is the set that the webhook used.",
    release="R10",
)
class ResendBindsFieldsSet(StandIn):
    """The members of a resend's body are bound to the record, fields_set among them."""

    def set_up(self) -> None:
        self.bound: dict[str, str] = {}

    def do_resend(self, call: Call) -> Any:
        answer = super().do_resend(call)
        if call.fields is not None:
            self.bound[self.find(call).id] = ",".join(call.fields)
        return answer

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        view = super().view(record, call)
        return {**view, "fields_set": self.bound.get(record.id, view["fields_set"])}


@fault(
    214,
    "delete.either_state",
    "SUCCESSFUL and REJECTED webhook requests alike can be deleted.",
    some_rules_null=True,
)
class DeleteNeedsRule(StandIn):
    """delete writes the rule's name into an audit, and fails where there is none."""

    def do_delete(self, call: Call) -> Any:
        if self.find(call).rule is None:
            raise Refusal("bad_parameter", "An internal error has occurred.")
        return super().do_delete(call)


@fault(215, "delete.gone", GONE)
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


@fault(
    216,
    "resend.identity_kept",
    "resend keeps created_date.",
    doubt="What a resend does to created_date is not documented.",
)
class ResendResetsCreatedDate(StandIn):
    """A record that was sent again was created then."""

    def succeed(self, record: Record) -> None:
        super().succeed(record)
        record.created = FIRST_DAY + timedelta(days=30, seconds=record.sends)


# Caches and what one request leaves for the next.


class OneAnswer(StandIn):
    """Keeps the answer of the last list until a record changes; a subclass says for what."""

    def set_up(self) -> None:
        self.kept: tuple[str, Any] = ("", None)

    def list_key(self, call: Call) -> str:
        raise NotImplementedError

    def do_list(self, call: Call) -> Any:
        key = self.list_key(call)
        if self.kept[0] != key:
            self.kept = key, super().do_list(call)
        return self.kept[1]

    def send_again(self, record: Record) -> None:
        super().send_again(record)
        self.kept = "", None

    def remove(self, record: Record) -> None:
        super().remove(record)
        self.kept = "", None


@fault(217, "list.entity.filter", ENTITY)
class ListKeyLacksEntity(OneAnswer):
    """Beside a date the entity is not in the key of the cache."""

    def list_key(self, call: Call) -> str:
        filters = dict(call.filters)
        if "created_date" in filters:
            filters.pop("entity", None)
        return repr((filters, call.fields, call.skip, call.limit))


@fault(218, "list.fields_set.selects", CHOSEN)
class ListKeyLacksFields(OneAnswer):
    """fields_set is not in the key of the cache."""

    def list_key(self, call: Call) -> str:
        return repr((call.filters, call.skip, call.limit))


@fault(219, "list.paging.offset", OFFSET, release="R13")
class ListKeyLacksOffset(OneAnswer):
    """offset is not in the key of the cache."""

    def list_key(self, call: Call) -> str:
        return repr((call.filters, call.fields, call.limit))


@fault(220, "show.identifier.selects", NAMED)
class NotFoundKeptByValue(StandIn):
    """A value that show did not find as number is not looked for as id any more."""

    def set_up(self) -> None:
        self.missing: set[str] = set()

    def find(self, call: Call) -> Record:
        if call.method == "show" and call.identifier[1] in self.missing:
            raise Refusal("unknown_record", "No webhook request has this value.")
        try:
            return super().find(call)
        except Refusal:
            self.missing.add(call.identifier[1])
            raise


@fault(221, "list.several_results", SEVERAL)
class EmptyAfterRefusedList(StandIn):
    """After a list that was refused the connection returns no row for one more list."""

    def set_up(self) -> None:
        self.broken = False

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        self.broken = "/list" in request.path
        return super().refusal(request, refusal)

    def do_list(self, call: Call) -> Any:
        broken, self.broken = self.broken, False
        return [] if broken else super().do_list(call)


@fault(222, "list.several_results", SEVERAL)
class RejectedListedOnce(StandIn):
    """A list of rejected records has only those that no such list had before."""

    def set_up(self) -> None:
        self.seen: set[str] = set()

    def select(self, call: Call) -> list[Record]:
        found = super().select(call)
        if REJECTED in call.filters.get("life_cycle_state", ()):
            found = [record for record in found if record.id not in self.seen]
            self.seen.update(record.id for record in found)
        return found


@fault(223, "list.optional_parameters", "life_cycle_state may be left out, for records of both.")
class StateKeptForNextList(StandIn):
    """A state holds for the list after it as well."""

    def set_up(self) -> None:
        self.kept: Any = None

    def select(self, call: Call) -> list[Record]:
        given = call.filters.get("life_cycle_state")
        if given is None and self.kept:
            call.filters["life_cycle_state"] = self.kept
        self.kept = given
        return super().select(call)


# Identifiers.


@fault(248, "show.identifier.selects", NAMED)
class ShowOnlyRecent(StandIn):
    """show does not look in the archive of the first days; list does."""

    def find(self, call: Call) -> Record:
        record = super().find(call)
        if call.method == "show" and record.created < FIRST_DAY + timedelta(days=3):
            raise Refusal("unknown_record", "No webhook request has this value.")
        return record


@fault(249, "show.parameters.mandatory", "webhook_request_identifier of show is mandatory.")
class ShowWithoutIdentifierShowsLast(StandIn):
    """Without an identifier show returns what it returned last."""

    def set_up(self) -> None:
        self.last: Record | None = None

    def read_arguments(self, call: Call) -> None:
        if call.method == "show" and self.last and IDENTIFIER not in call.parameters:
            call.parameters[IDENTIFIER] = f"id={self.last.id}"
        super().read_arguments(call)

    def do_show(self, call: Call) -> Any:
        self.last = self.find(call)
        return super().do_show(call)


@fault(250, "show.identifier.mandatory", "One of the two fields must be specified.")
class EmptyNumberShowsFirst(StandIn):
    """An empty number is no condition, and the first record is shown."""

    def read_arguments(self, call: Call) -> None:
        if call.method == "show" and call.parameters.get(IDENTIFIER) == "number=":
            call.parameters[IDENTIFIER] = f"id={next(iter(self.records))}"
        super().read_arguments(call)


@fault(251, "resend.identifier.fields", "The fields of the identifier are id and number.")
class ResendByAnyColumn(StandIn):
    """resend takes any column of a record for a field of the identifier."""

    def read_arguments(self, call: Call) -> None:
        given = call.parameters.get(IDENTIFIER)
        if call.method == "resend" and isinstance(given, dict) and len(given) == 1:
            ((name, value),) = given.items()
            for record in self.records.values():
                if name in ("entity_id", "entity", "url") and getattr(record, name) == value:
                    call.parameters[IDENTIFIER] = {"id": record.id}
                    if record.life_cycle_state == REJECTED:
                        break
        super().read_arguments(call)


@fault(252, "show.identifier.selects", NAMED, number_form="large")
class NumberBeyondInteger(StandIn):
    """show reads a number into 32 bits, and refuses what has more."""

    def find(self, call: Call) -> Record:
        name, value = call.identifier
        if call.method == "show" and name == "number" and value.isdigit() and len(value) > 9:
            raise Refusal("bad_parameter", f"For input string: {value}")
        return super().find(call)


@fault(253, "show.identifier.selects", NAMED, number_form="digits")
class SearchInOtherOrder(StandIn):
    """show by number searches by halves as in a list of texts, in one sorted by number."""

    def find(self, call: Call) -> Record:
        name, value = call.identifier
        if call.method == "show" and name == "number":
            numbers = [record.number for record in self.records.values()]
            position = bisect_left(numbers, value)
            if numbers[position : position + 1] != [value]:
                raise Refusal("unknown_record", f"No webhook request has number {value}.")
        return super().find(call)


@fault(
    254,
    "show.identifier.selects",
    NAMED,
    doubt="That 007 is not 7 is read into the type String.",
)
class LeadingZerosIgnored(StandIn):
    """show compares numbers as numbers, so that 007 is 7."""

    def names(self, record: Record, name: str, value: str, call: Call) -> bool:
        number = name == "number" and call.method == "show"
        return super().names(record, name, value.lstrip("0") if number else value, call)


@fault(
    255,
    "delete.identifier.selects",
    "The webhook request that is named is deleted.",
    doubt="No page says that the order of members of a body means nothing.",
)
class TokenMustComeFirst(StandIn):
    """delete reads a token only where it is the first member of the body."""

    def authenticate(self, call: Call) -> None:
        if call.method == "delete" and next(iter(call.parameters), "") != "token":
            raise Refusal("missing_token", "A token is required.")
        super().authenticate(call)
