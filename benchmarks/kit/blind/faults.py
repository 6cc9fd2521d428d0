"""Wrong servers: each breaks one line of the documents."""

from dataclasses import replace
from typing import Any

from sound_server import reading
from sound_server.reading import FIELDS, SEMI_OPTIONAL, Call, Refusal, Request
from sound_server.server import API_PATH, Reply, SoundServer
from sound_server.world import REJECTED, Record


class CreatedDateAloneSuffices(SoundServer):
    """A list with created_date needs none of the semi-optional parameters.

    Breaks list: "It is mandatory to specify at least one of the semi-optional parameters"
    (created_date is an optional one). With url or life_cycle_state alone it refuses.
    """

    FACTS = (
        "specification, list, Restrictions; 1.2: list with only created_date violates the rule [S]"
    )

    def read_arguments(self, call: Call) -> None:
        """Read the parameters, as if an entity were given where only a date is."""
        given = [name for name, value in call.parameters.items() if value is not None]
        if call.method != "list" or "created_date" not in given or {*SEMI_OPTIONAL} & {*given}:
            super().read_arguments(call)
            return
        call.parameters = {**call.parameters, "entity": "ACTIVITIES"}
        super().read_arguments(call)
        del call.filters["entity"]


class DeletedStillListedByEntityId(SoundServer):
    """A deleted record stays in the lists that are asked for with entity_id.

    Breaks delete: "This method is used to delete successful or rejected webhook requests" (8.22:
    that the record is gone from show and list is what the page says). An index is not updated.
    """

    FACTS = "8.22: the record is gone from show and list [S]"

    def select(self, call: Call) -> list[Record]:
        """Return the records that are selected, deleted ones among them."""
        found = super().select(call)
        if "entity_id" not in call.filters:
            return found
        gone = [record for record in self.deleted.values() if self.selected(record, call)]
        return self.in_order(found + gone) if gone else found


class FieldsSetEntityBringsEntityId(SoundServer):
    """A fields_set with entity brings entity_id, too.

    Breaks "fields_set: A list of fields that should be included in the results": a field that is
    not named is included. Names are compared by their beginning.
    """

    FACTS = "specification, show and list: fields_set"
    RELEASE = "R15"

    def wanted_fields(self, call: Call, names: list[str]) -> list[str]:
        """Return the names in fields_set and what begins with them."""
        wanted = super().wanted_fields(call, names)
        more = [each for each in FIELDS if any(each.startswith(f"{name}_") for name in wanted)]
        return wanted + [each for each in more if each not in wanted]


class IdFallsBackToNumber(SoundServer):
    """An identifier with an id that no record has names the record with that number.

    Breaks show, resend and delete: "id: The ID of the retrieved webhook request"; the identifier
    fields id and number (1.2 [S]) are two things. A delete with id=7 deletes the record number 7.
    """

    FACTS = "1.2: webhook_request_identifier: id or number [S]"
    RELEASE = "R18"

    def find(self, call: Call) -> Record:
        """Return the record that the identifier names by id or else by number."""
        try:
            return super().find(call)
        except Refusal:
            name, value = call.identifier
            for record in self.records.values():
                if name == "id" and record.number == value:
                    return record
            raise


class LeadsInR13(SoundServer):
    """R13 has webhook requests of the entity LEADS, and lists them.

    Breaks 1.3: LEADS is a supported entity from R14.0.0 on [S].
    """

    FACTS = "1.3: R14.0.0 + LEADS [S]"
    RELEASE = "R13"

    def set_up(self) -> None:
        """Let some records be of leads."""
        super().set_up()
        if (13, 0) <= self.key < (14, 0):
            self.world.release = "R14"
            for record in list(self.records.values())[::7]:
                record.entity = "LEADS"


class OldUnitNamesInR18List(SoundServer):
    """A list of R18 has created_by_unit and updated_by_unit in log_information, as before R18.

    Breaks 2.3: R18.0.0 replaces the two unit fields by created_by_business_unit and
    updated_by_business_unit [S]. Show, resend and delete have the new names.
    """

    FACTS = "2.3: R18.0.0 replaces the two unit fields [S]"
    RELEASE = "R18"

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        """Return all fields of a record, in a list with the old names of units."""
        view = super().view(record, call)
        if call.method == "list":
            log = view["log_information"]
            names = {name: name.replace("_business_unit", "_unit") for name in log}
            view["log_information"] = {names[name]: value for name, value in log.items()}
        return view


class ReleasedTokenReadsOn(SoundServer):
    """A released token is still good for show and list, though no longer for resend and delete.

    Breaks section 4: POST authentication/token/release (R10.0.0, deprecated from R12.0.0 [S]) ends
    the token. What release does from R12 on is open, so there it does what it should.
    """

    FACTS = "section 4: authentication/token/release R10.0.0 [S]"
    RELEASE = "R10"

    def check_token(self, token: Any, call: Call) -> None:
        """Refuse a token that is not live, but none that was released if the call only reads."""
        try:
            super().check_token(token, call)
        except Refusal as refusal:
            if refusal.kind != "released_token" or call.verb != "GET" or self.key >= (12, 0):
                raise


class ResendSendsAllOfEntityId(SoundServer):
    """A resend also sends the other rejected records with the same entity_id.

    Breaks resend: "A single webhook request can be re-send through this method". The response has
    only the record that was asked for; the others become SUCCESSFUL unseen.
    """

    FACTS = "specification, resend: a single webhook request"
    RELEASE = "R15"

    def do_resend(self, call: Call) -> Any:
        """Send a rejected record again, and its likes."""
        data = super().do_resend(call)
        record = self.find(call)
        for other in list(self.records.values()):
            alike = other is not record and other.entity_id == record.entity_id
            if alike and other.life_cycle_state == REJECTED:
                self.send_again(other)
        return data


class SecondPageBeginsOneTooEarly(SoundServer):
    """Each page after the first begins with the last record of the page before.

    Breaks 1.2: offset is the number of records to skip, 0 = skip none. With both number_of_results
    and offset it skips one record fewer; with offset alone it skips right.
    """

    FACTS = "1.2: offset: records to skip, 0 = skip none"
    RELEASE = "R13"

    def page(self, found: list[Record], call: Call) -> list[Record]:
        """Return the page that a call asks for, or almost."""
        early = call.skip > 0 and call.limit is not None
        return super().page(found, replace(call, skip=call.skip - 1) if early else call)


class ShowByNumberStaleAfterResend(SoundServer):
    """A show by number keeps giving what the first one gave, also after the record was sent again.

    Breaks show: "life_cycle_state: The life cycle state of the retrieved webhook request". Resend,
    list and show by id tell that the record is SUCCESSFUL; only a cache by number is stale.
    """

    FACTS = "specification, show, Response Data: life_cycle_state"

    def set_up(self) -> None:
        """Make the cache."""
        super().set_up()
        self.views_by_number: dict[str, dict[str, Any]] = {}

    def view(self, record: Record, call: Call) -> dict[str, Any]:
        """Return the cached view for a show by number."""
        view = super().view(record, call)
        if call.method == "show" and call.identifier[0] == "number":
            return dict(self.views_by_number.setdefault(record.id, view))
        return view


PAGE = b"<html><h1>HTTP Status 500</h1><p>java.lang.NullPointerException</p></html>"


class UnknownRecordCrashesResendAndDelete(SoundServer):
    """A resend or delete of an unknown record is answered with a web page of the server's crash.

    Breaks section 3: every response, errors included, is JSON [S]. A show of an unknown record is
    refused in JSON.
    """

    FACTS = "section 3: every response, errors included, is JSON [S]"
    RELEASE = "R18"

    def refusal(self, request: Request, refusal: Refusal) -> Reply:
        """Return the response of a call that was refused, or a crash."""
        if refusal.kind in ("unknown_record", "deleted_record") and request.verb == "POST":
            return Reply(500, "text/html", PAGE)
        return super().refusal(request, refusal)


class WebApiKeyLoginBeforeR10(SoundServer):
    """The login with a Web API key works in R9 already.

    Breaks section 4: POST authentication/web_api_key/token is available from R10.0.0 [S].
    """

    FACTS = "section 4: authentication/web_api_key/token R10.0.0 [S]"

    def route(self, request: Request) -> Call:
        """Return the call that a request is, in R9 of that method, too."""
        name = request.path.removeprefix(API_PATH).strip("/")
        early = self.key < (10, 0) and request.path.startswith(f"{API_PATH}/")
        if early and name == "authentication/web_api_key/token" and request.verb == "POST":
            return reading.read_call(self.choices, self.key, "key_login", request)
        return super().route(request)
