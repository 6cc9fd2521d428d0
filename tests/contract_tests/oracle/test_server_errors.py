"""HTTP 5xx is no refusal, unless the server refuses so; a method never served is reported."""

from collections.abc import Sequence
from typing import Any

import httpx
from helpers.conversations import Conversation
from helpers.recordings import (
    IDENTIFIER,
    LOGIN,
    TOKEN,
    Entry,
    changed,
    listed,
    logged,
    ok,
    record,
    refused,
    show,
)
from helpers.sound_servers import broken, checked
from sound_server.reading import Call
from sound_server.server import SoundServer

from crmcom_kit.contract_tests.client.http import Limits
from crmcom_kit.contract_tests.oracle.service import Service, failures

STATEMENT = "errors.no_server_error"
RECORDS = [record(at) for at in range(1, 11)]
JOBS = {"entity": "JOBS"}


def resends(status: int) -> list[Entry]:
    """Return resends of REJECTED webhook requests, each of which fails."""
    return [changed("resend", refused(status), at) for at in range(1, 7)]


def dated(status: int) -> list[Entry]:
    """Return lists with a created_date, each of which fails."""
    return [listed(refused(status), **JOBS, created_date=f"2016-01-0{at}") for at in range(1, 7)]


def logins(status: int) -> list[Entry]:
    return [logged("token", LOGIN | {"password": password}, refused(status)) for password in "abc"]


def lists(status: int) -> list[Entry]:
    """Return lists that have to be served."""
    return [listed(refused(status))] * 4


def nowhere(status: int | None) -> list[Entry]:
    """Return a show of what does not exist; without a status nothing."""
    parameters = {"token": TOKEN, IDENTIFIER: {"id": "nowhere"}}
    return [logged("show", parameters, refused(status))] if status else []


def after(failures: Sequence[Entry], status: int | None) -> Service:
    """Return what is noted of failures, on a server whose refusals, if any, have a status."""
    between = [show(RECORDS[7], 8), *nowhere(status)]
    entries = [entry for failure in failures for entry in (failure, *between)]
    return Conversation(listed(RECORDS), *entries).oracle.service


def test_a_failure_each_time_is_a_violation_unless_all_errors_are_so() -> None:
    """The status of errors is open, and so is how a failed delivery is reported."""
    for failed, refuses, accused in (
        (resends(500), 200, True),
        (resends(500), 404, True),
        (dated(500), 400, True),
        (logins(500), 400, True),
        (lists(500), 400, True),
        (lists(500), None, True),
        (logins(400) + resends(500), 500, False),  # what is before the methods refuses otherwise
        (resends(500), 500, False),
        (dated(500), 500, False),
        (logins(500), 500, False),
        (resends(502), 200, False),  # the receiver fails
        (dated(400), 400, False),
    ):
        statements = {violation.statement for violation in after(failed, refuses).conclude()}
        assert statements == ({STATEMENT} if accused else set()), (failed[0], refuses)


def test_a_failure_that_is_not_repeated_is_a_note() -> None:
    down = [listed(RECORDS), *nowhere(400), *lists(500)]
    service = Conversation(*down).oracle.service
    assert [*service.conclude()] == []  # nothing else was met meanwhile
    conversation = Conversation(*down, show(RECORDS[7], 8), listed(RECORDS))
    service = conversation.oracle.service
    assert [*service.conclude()] == []
    assert [*failures(conversation.exchanges)] == [
        "4 responses had HTTP 500 (list 4; the first to request 3)"
    ]
    assert service.never_served() == ()


def test_a_method_that_was_never_served_is_reported() -> None:
    for failed, report in (
        (resends(200), ["resend was sent 6 times and never served"]),
        (resends(502), ["resend was sent 6 times and never served"]),
        ([], []),
    ):
        service = after(failed, 200)
        assert [*service.conclude()] == []
        assert [line.partition(" (")[0] for line in service.never_served()] == report


def test_resend_takes_both_forms_of_an_identifier() -> None:
    """A delivery may fail: but not each one that is named in one form, and no other."""
    for refuses, suspected in (
        (("number",), {"identifier.fields"}), (("id",), {"identifier.fields"}),
        ((), set()), (("id", "number"), set()),
    ):  # fmt: skip
        conversation = Conversation(listed(RECORDS))
        for at, sent in enumerate(RECORDS):
            form = ("id", "number")[at % 2]
            parameters = {"token": TOKEN, IDENTIFIER: {form: sent[form]}}
            done = ok(record(int(sent["number"]), life_cycle_state="SUCCESSFUL"))
            conversation.hear(logged("resend", parameters, refused() if form in refuses else done))
        assert set(conversation.suspected) == suspected


class ClosesConnections(SoundServer):
    """The connection is closed at each show of some fields, and at one list in fifty."""

    def do_show(self, call: Call) -> Any:
        if call.fields:
            raise httpx.ReadError("closed")
        return super().do_show(call)

    def do_list(self, call: Call) -> Any:
        if self.requests % 50 == 0:
            raise httpx.ReadError("closed")
        return super().do_list(call)


def test_a_read_that_never_gets_a_response_is_a_violation_and_the_run_goes_on() -> None:
    results = checked(ClosesConnections(), only="[ef]*", limits=Limits(max_requests=150))

    assert broken(results) == [STATEMENT]
    assert results.trouble is None
    (result,) = [result for result in results.statements if result.statement.id == STATEMENT]
    violation = result.violations[0]
    assert (violation.method, violation.seen) == ("show", "no response")
    assert "never got a response" in str(results.notes)
    assert "show with fields_set and webhook_request_identifier" in str(results.notes)
